import { chunkBySize } from '../platform/chunk-by-size.ts';

/** Thrown when no piece of a batch could be written in time: the database is at fault, and not a delivery. */
export class StuckError extends Error {
  override readonly name = 'StuckError';
}

/** The search for slow deliveries takes at most this time. A delivery that is not written by then counts as slow. */
const searchMs = 8_000;

const piecesOf = <Item>(items: readonly Item[], size: number): Item[][] => [...chunkBySize(items, () => 1, Math.ceil(size))];

/**
 * Writes the items of a batch that took too long in pieces: first in four, then each piece that took too long again in halves. So the items
 * beside a slow one are written. Returns the items that were not written. `write` returns whether the piece was written in its short time.
 * A single item that took too long is slow, without another try.
 */
export async function isolateSlow<Item>(
  items: readonly Item[],
  write: (piece: readonly Item[]) => Promise<boolean>,
  cause: unknown,
): Promise<ReadonlySet<Item>> {
  const slow = new Set<Item>();
  const until = performance.now() + searchMs;
  const keep = (piece: readonly Item[]) => {
    for (const item of piece) slow.add(item);
  };

  async function writeAll(pieces: readonly Item[][]): Promise<Item[][]> {
    const failed: Item[][] = [];
    for (const piece of pieces) if (performance.now() >= until || !(await write(piece))) failed.push(piece);
    return failed;
  }

  if (items.length <= 1) {
    keep(items);
    return slow;
  }
  const quarters = piecesOf(items, items.length / 4);
  let failed = await writeAll(quarters);
  if (failed.length === quarters.length) throw new StuckError('no delivery of the batch could be written in time', { cause });
  while (failed.length > 0) {
    const [single, several] = [failed.filter((piece) => piece.length === 1), failed.filter((piece) => piece.length > 1)];
    keep(single.flat());
    if (performance.now() >= until) {
      keep(several.flat());
      break;
    }
    failed = await writeAll(several.flatMap((piece) => piecesOf(piece, piece.length / 2)));
  }
  return slow;
}
