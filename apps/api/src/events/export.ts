import { type EventCursor, type EventExportFormat, type EventFilter, EventPage } from '@tributary/shared/events.ts';
import type { Claims, Db } from '../platform/db.ts';
import { resolveOrg } from '../tenancy/callers-org.ts';
import { csvLine } from './csv.ts';
import type { Download } from './downloads.ts';
import { exportColumns, findExportRows, searchEvents } from './store.ts';

/**
 * Events of one page at most. Each page is a short transaction, so that a download that waits for its reader holds no lock and no connection
 * that others wait for.
 */
const pageRowsMax = 500;
/** Bytes of one page at most, unless its first event alone has more: a download holds so much in memory while its reader reads nothing. */
const pageBytesMax = 262_144;

const heads: Record<EventExportFormat, string> = { csv: `${exportColumns.join(',')}\r\n`, json: '[', ndjson: '' };
const ends: Record<EventExportFormat, string> = { csv: '', json: '\n]\n', ndjson: '' };
export const contentTypes: Record<EventExportFormat, string> = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json',
  ndjson: 'application/x-ndjson',
};

/**
 * Streams the matching events as a file, newest first. A page is read from the database when the reader has taken the one before it, so that
 * the memory stays constant and reading stops when the reader is gone. The first page is read before the answer begins. When a later page
 * fails, or the reader takes too long, the stream and the connection fail, because a file that was cut off must not look complete. Events
 * that are stored during the download may be missing. The download is ended when the stream ends, fails or is canceled.
 */
export async function exportEvents(
  { db, claims, download }: { db: Pick<Db, 'as'>; claims: Claims; download: Download },
  { orgId, filter, format }: { orgId: string; filter: EventFilter; format: EventExportFormat },
): Promise<ReadableStream<Uint8Array>> {
  const readPage = pageReader(db, claims, { orgId, filter, format });
  let page = await readPage().catch((error: unknown) => {
    download.end();
    throw error;
  });
  let pending = heads[format] + page.text;
  let stopWaiting = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stopWaiting = waitForReader(controller);
      },
      async pull(controller) {
        stopWaiting();
        // A page may be empty: the search returns how far it looked, and the next page continues at that place.
        try {
          while (pending === '' && !page.isLast) {
            page = await readPage();
            pending = page.text;
          }
        } catch (error) {
          download.end();
          throw error;
        }
        const text = page.isLast ? pending + ends[format] : pending;
        pending = '';
        if (text !== '') controller.enqueue(new TextEncoder().encode(text));
        if (page.isLast) {
          controller.close();
          download.end();
        } else stopWaiting = waitForReader(controller);
      },
      cancel() {
        stopWaiting();
        download.end();
      },
    },
    { highWaterMark: 0 },
  );

  function waitForReader(controller: ReadableStreamDefaultController): () => void {
    return download.awaitReader((reason) => {
      download.end();
      pending = '';
      controller.error(reason);
    });
  }
}

/** Returns a function that reads the next page of the file, as text. */
function pageReader(
  db: Pick<Db, 'as'>,
  claims: Claims,
  { orgId, filter, format }: { orgId: string; filter: EventFilter; format: EventExportFormat },
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
      await resolveOrg(sql, orgId);
      return found.cutAfter ? { rows: found.rows, next: found.cutAfter } : { rows: found.rows, next: page.next };
    });
    before = next;
    // Large events: as many as fit are searched for, and not many more.
    wanted = Math.min(pageRowsMax, Math.max(20, rows.length * 2));
    let text = '';
    for (const row of rows) {
      if (format === 'csv') text += csvLine(row as string[]);
      else text += format === 'json' ? `${isFirst ? '\n' : ',\n'}${row}` : `${row}\n`;
      isFirst = false;
    }
    return { text, isLast: next === null };
  };
}
