import { nextTurn } from './next-turn.ts';

/** A list that is read in parts: an array, or one whose items are bytes until they are asked for. */
export interface List<T> {
  readonly length: number;
  /** The items from `from` up to, and without, `to`. */
  slice(from: number, to: number): T[];
}

/** Some items of a list as bytes, as a thread sends them. */
export interface Piece {
  items: number;
  bytes: Uint8Array<ArrayBuffer>;
}

const pieceItems = 50;
/** Items that are read in one turn of the event loop: some milliseconds. */
const turnItems = 500;

/** Empties the array, and yields its items in pieces. The items are plain data, as JSON can hold it. */
export function* packAll(items: unknown[]): Generator<Piece, void, void> {
  const encoder = new TextEncoder();
  while (items.length > 0) {
    const some = items.splice(0, pieceItems);
    yield { items: some.length, bytes: encoder.encode(JSON.stringify(some)) };
  }
}

/**
 * The list of the pieces. Objects that wait for their turn are copied by each collection of young objects, so that the rows of 10,000 records held the event
 * loop for 10 to 33 ms at a time; bytes are not copied. Reading a row takes 2.4 µs, and 3.7 by structured clone.
 */
export function listOf<T>(pieces: readonly Piece[]): List<T> {
  return {
    length: pieces.reduce((sum, { items }) => sum + items, 0),
    slice(from, to) {
      const found: T[] = [];
      let start = 0;
      for (const { items, bytes } of pieces) {
        if (start < to && start + items > from) {
          const read = JSON.parse(Buffer.from(bytes.buffer).toString()) as T[];
          found.push(...read.slice(Math.max(0, from - start), to - start));
        }
        start += items;
      }
      return found;
    },
  };
}

/** All items of the list, which are read in turns of the event loop. */
export async function allOf<T>(list: List<T>): Promise<T[]> {
  const all: T[] = [];
  for (let from = 0; from < list.length; from += turnItems) {
    if (from > 0) await nextTurn();
    for (const item of list.slice(from, from + turnItems)) all.push(item);
  }
  return all;
}
