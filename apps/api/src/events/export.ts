import { type EventCursor, type EventExportFormat, type EventFilter, EventPage } from '@tributary/shared/events.ts';
import { csvLine } from '../platform/csv.ts';
import type { Claims, Db } from '../platform/db.ts';
import { type Download, streamPages } from '../platform/downloads.ts';
import { type CallersOrg, requireStill, resolveOrg } from '../tenancy/callers-org.ts';
import { exportColumns, findExportRows, searchEvents } from './store.ts';

/**
 * Events of one page at most. Each page is a short transaction, so that a download that waits for its reader holds no lock and no connection
 * that others wait for.
 */
const pageRowsMax = 500;
/** Bytes of one page at most, unless its first event alone has more: a download holds so much in memory while its reader reads nothing. */
const pageBytesMax = 262_144;

/** The columns whose cells hold JSON. */
const jsonColumns = new Set<string>(['subject', 'attribution', 'properties']);

const heads: Record<EventExportFormat, string> = { csv: `${exportColumns.join(',')}\r\n`, json: '[', ndjson: '' };
const ends: Record<EventExportFormat, string> = { csv: '', json: '\n]\n', ndjson: '' };
export const contentTypes: Record<EventExportFormat, string> = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json',
  ndjson: 'application/x-ndjson',
};

/**
 * Streams the matching events as a file, newest first. Events that are stored during the download may be missing. It ends when the person
 * loses the role with which it was requested.
 */
export function exportEvents(
  { db, claims, download }: { db: Pick<Db, 'as'>; claims: Claims; download: Download },
  wanted: { orgId: string; role: CallersOrg['role']; filter: EventFilter; format: EventExportFormat },
): Promise<ReadableStream<Uint8Array>> {
  return streamPages(pageReader(db, claims, wanted), download, { head: heads[wanted.format], end: ends[wanted.format] });
}

/** Returns a function that reads the next page of the file, as text. */
function pageReader(
  db: Pick<Db, 'as'>,
  claims: Claims,
  { orgId, role, filter, format }: { orgId: string; role: CallersOrg['role']; filter: EventFilter; format: EventExportFormat },
): () => Promise<{ text: string; isLast: boolean }> {
  let before: EventCursor | null = null;
  let isFirst = true;
  let wanted = pageRowsMax;

  return async () => {
    const { rows, next } = await db.as(claims, async (sql) => {
      const page = EventPage.parse(await searchEvents(sql, { orgId, filter, before, limit: wanted }));
      const found = await findExportRows(sql, orgId, page.rows, format, pageBytesMax);
      // A person who is no longer a member sees no rows, which would look like the end of the file. The check comes last, so that the
      // person was a member during all reads before it.
      requireStill(role, await resolveOrg(sql, orgId));
      return found.cutAfter ? { rows: found.rows, next: found.cutAfter } : { rows: found.rows, next: page.next };
    });
    before = next;
    // Large events: as many as fit are searched for, and not many more.
    wanted = Math.min(pageRowsMax, Math.max(20, rows.length * 2));
    let text = '';
    for (const row of rows) {
      if (format === 'csv') text += csvLine(row as string[], exportColumns, jsonColumns);
      else text += format === 'json' ? `${isFirst ? '\n' : ',\n'}${row}` : `${row}\n`;
      isFirst = false;
    }
    return { text, isLast: next === null };
  };
}
