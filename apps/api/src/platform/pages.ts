import { invalidRequest } from './requests.ts';

/** The place of a row in a list that is ordered by a time, in microseconds since 1970, and then by the id. */
export interface Cursor {
  us: string;
  id: string;
}

/** Makes a page of at most `limit` rows out of up to `limit + 1` rows. `nextCursor` is null on the last page. */
export function toPage<Row>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (row: Row) => Cursor,
): { rows: Row[]; nextCursor: string | null } {
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return { rows: rows.slice(0, limit), nextCursor: last === undefined ? null : formatCursor(cursorOf(last)) };
}

/** Throws Refusal `invalid_request` for a text that no page named as its `nextCursor`. */
export function parseCursor(text: string): Cursor {
  const [, us, id] = /^(\d{1,17})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(Buffer.from(text, 'base64url').toString()) ?? [];
  if (us === undefined || id === undefined) throw invalidRequest([{ path: ['cursor'], message: 'is not a cursor of this list' }]);
  return { us, id };
}

function formatCursor({ us, id }: Cursor): string {
  return Buffer.from(`${us}.${id}`).toString('base64url');
}
