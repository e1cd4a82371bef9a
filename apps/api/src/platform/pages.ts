import type { Context } from 'hono';
import type { QueryRow, Sql } from './db.ts';
import { invalidRequest } from './requests.ts';

/**
 * The most bytes that the rows of one page have as text in the database. A page ends before the row that would exceed this, and has at least
 * one row. A list with few rows that are large is therefore as cheap as a list with many small ones.
 */
export const pageBytesMax = 524_288;

/** A place in a list: the values of the columns that the list is ordered by, in the row after which the next page begins. */
export type Place = readonly string[];

/** The place of a row in a list that is ordered by a time, in microseconds since 1970, and then by the id. */
export interface Cursor {
  us: string;
  id: string;
}

export interface Page<Row> {
  rows: Row[];
  /** The cursor of the next page; null on the last page. */
  next: string | null;
}

/**
 * Reads a page of at most `limit` rows and {@link pageBytesMax} bytes. `text` is an ordered statement without a limit. Postgres counts the
 * bytes, so that rows beyond the maximum never reach this process.
 */
export async function readPage<Row extends QueryRow>(
  sql: Sql,
  text: string,
  values: readonly unknown[],
  { limit, placeOf }: { limit: number; placeOf: (row: Row) => Place },
): Promise<Page<Row>> {
  const found = await sql<Row & { page_found: number }>(
    `with wanted as materialized (${text} limit $${values.length + 1}),
     measured as (
       select w.*, (count(*) over ())::integer as page_found, row_number() over (rows unbounded preceding) as page_row,
         sum(octet_length(w::text)) over (rows unbounded preceding) as page_bytes
       from wanted w
     )
     select * from measured where page_row = 1 or (page_row < $${values.length + 1} and page_bytes <= ${pageBytesMax})`,
    [...values, limit + 1],
  );
  const last = found.at(-1);
  const next = last !== undefined && found.length < last.page_found ? formatPlace(placeOf(last)) : null;
  return { rows: found, next };
}

/** What a list that is ordered by a time and then by the id, newest first, selects. `time` and `id` are its columns. */
export interface NewestFirst {
  columns: string;
  from: string;
  /** The condition, with the values as $1, $2, … */
  where: string;
  values: readonly unknown[];
  time: string;
  id: string;
}

/** Reads a page of such a list by {@link readPage}, after the place that a cursor names. */
export async function readNewest<Row extends QueryRow>(
  sql: Sql,
  { columns, from, where, values, time, id }: NewestFirst,
  limit: number,
  after: Cursor | undefined,
): Promise<Page<Row>> {
  const [us, last] = [`$${values.length + 1}`, `$${values.length + 2}`];
  return readPage<Row & { page_us: string; page_id: string }>(
    sql,
    `select ${columns}, (extract(epoch from ${time}) * 1000000)::bigint as page_us, ${id} as page_id
     from ${from} where (${where})
       and (${us}::bigint is null or (${time}, ${id}) < (timestamptz 'epoch' + ${us} * interval '1 microsecond', ${last}::uuid))
     order by ${time} desc, ${id} desc`,
    [...values, after?.us ?? null, after?.id ?? null],
    { limit, placeOf: (row) => [row.page_us, row.page_id] },
  );
}

/** The place that `next` of a page of such a list names. Throws Refusal `invalid_request` for any other text. */
export function parseCursor(text: string | undefined): Cursor | undefined {
  if (text === undefined) return undefined;
  const [us, id] = parsePlace(text, [/^\d{1,17}$/, uuid]) as [string, string];
  return { us, id };
}

/** Throws Refusal `invalid_request` for a text that is not a place whose values have these forms. */
export function parsePlace(text: string, forms: readonly RegExp[]): string[] {
  const parts = Buffer.from(text, 'base64url').toString().split('.');
  if (parts.length !== forms.length || !forms.every((form, index) => form.test(parts[index] ?? '')))
    throw invalidRequest([{ path: ['cursor'], message: 'is not a cursor of this list' }]);
  return parts;
}

export const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Names the next page in the header `link` (RFC 8288). Lists whose answer is an array have no field for it. */
export function linkNextPage(c: Context, next: string | null): void {
  if (next === null) return;
  const url = new URL(c.req.url);
  url.searchParams.set('cursor', next);
  c.header('link', `<${url.pathname}${url.search}>; rel="next"`);
}

/** The cursor for the page after this place. */
export function formatPlace(place: Place): string {
  return Buffer.from(place.join('.')).toString('base64url');
}
