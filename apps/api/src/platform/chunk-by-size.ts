/** The items in order, in parts that hold at most `max` together; one that is larger is a part of its own. */
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
