/** Splits the items, in order, into chunks of at most `max` in total size. An item that is larger than `max` is a chunk by itself. */
export function* chunkBySize<T>(items: Iterable<T>, sizeOf: (item: T) => number, max: number): Generator<T[]> {
  let part: T[] = [];
  let held = 0;
  for (const item of items) {
    const size = sizeOf(item);
    if (part.length > 0 && held + size > max) {
      yield part;
      part = [];
      held = 0;
    }
    part.push(item);
    held += size;
  }
  if (part.length > 0) yield part;
}
