/** The arrays of the records that the statement of a batch writes. */
export function recordArrays(text: string, values: readonly unknown[] = []): readonly unknown[] {
  const [from, to] = ['delivery_columns', 'record_columns'].map(
    (before) => Number(new RegExp(`${before}, row\\(\\$(\\d+)`).exec(text)?.[1]) - 1,
  );
  return values.slice(from, to);
}

/** How many records the statement of a batch writes. */
export function recordsIn(text: string, values: readonly unknown[]): number {
  const [first] = recordArrays(text, values) as (Buffer | null)[];
  return first?.readInt32BE(12) ?? 0;
}

/** Whether the arrays have this UUID. */
export function isSent(id: string, values: readonly unknown[] = []): boolean {
  const bytes = Buffer.from(id.replaceAll('-', ''), 'hex');
  return values.some((value) => Buffer.isBuffer(value) && value.includes(bytes));
}
