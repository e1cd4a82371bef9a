import { type EventCursor, type EventExportFormat, type EventFilter, EventPage } from '@tributary/shared/events.ts';
import type { Claims, Db } from '../platform/db.ts';
import { resolveOrg } from '../tenancy/callers-org.ts';
import { exportColumns, findExportRows, searchEvents } from './store.ts';

/** Events of one page. Each page is a short transaction, so that a long download holds no lock and no connection that others wait for. */
const pageSize = 500;

const heads: Record<EventExportFormat, string> = { csv: `${exportColumns.join(',')}\r\n`, json: '[', ndjson: '' };
const ends: Record<EventExportFormat, string> = { csv: '', json: '\n]\n', ndjson: '' };
export const contentTypes: Record<EventExportFormat, string> = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json',
  ndjson: 'application/x-ndjson',
};

/**
 * Streams the matching events as a file, newest first. A page is read from the database when the reader is ready for it, so that the memory
 * stays constant and reading stops when the reader is gone. The first page is read before the answer begins. When a later page fails, the
 * stream and the connection fail, because a file that was cut off must not look complete. Events that are stored during the download may be
 * missing. `onEnd` is called once when the download ends, fails or is canceled.
 */
export async function exportEvents(
  { db, claims, onEnd = () => {} }: { db: Pick<Db, 'as'>; claims: Claims; onEnd?: () => void },
  { orgId, filter, format }: { orgId: string; filter: EventFilter; format: EventExportFormat },
): Promise<ReadableStream<Uint8Array>> {
  let before: EventCursor | null = null;
  let isFirst = true;
  const encoder = new TextEncoder();

  async function readPage(): Promise<{ text: string; isLast: boolean }> {
    const { rows, next } = await db.as(claims, async (sql) => {
      const page = EventPage.parse(await searchEvents(sql, { orgId, filter, before, limit: pageSize }));
      const found = await findExportRows(sql, orgId, page.rows, format);
      // A person who is no longer a member sees no rows, which would look like the end of the file. The check comes last, so that the
      // person was a member during all reads before it.
      await resolveOrg(sql, orgId);
      return { rows: found, next: page.next };
    });
    before = next;
    let text = '';
    for (const row of rows) {
      if (format === 'csv') text += csvLine(row as string[]);
      else text += format === 'json' ? `${isFirst ? '\n' : ',\n'}${row}` : `${row}\n`;
      isFirst = false;
    }
    return { text, isLast: next === null };
  }

  let page = await readPage().catch((error: unknown) => {
    onEnd();
    throw error;
  });
  let pending: Uint8Array | undefined = encoder.encode(heads[format] + page.text);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // A page may be empty: the search returns how far it looked, and the next page continues at that place.
        try {
          while (!pending?.length && !page.isLast) {
            page = await readPage();
            pending = encoder.encode(page.text);
          }
        } catch (error) {
          onEnd();
          throw error;
        }
        if (pending?.length) controller.enqueue(pending);
        pending = undefined;
        if (!page.isLast) return;
        if (ends[format]) controller.enqueue(encoder.encode(ends[format]));
        controller.close();
        onEnd();
      },
      cancel: onEnd,
    },
    { highWaterMark: 1 },
  );
}

/**
 * A line by RFC 4180. A field that a spreadsheet would run as a formula gets an apostrophe in front of it, as OWASP recommends against CSV
 * injection. JSON files are not opened by spreadsheets and get no apostrophes.
 */
export function csvLine(fields: readonly (string | null)[]): string {
  const cells = fields.map((field) => {
    if (field === null) return '';
    // Negative numbers begin with a minus and are not formulas.
    const text = /^[=+\-@\t\r]/.test(field) && !/^-?\d+$/.test(field) ? `'${field}` : field;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${cells.join(',')}\r\n`;
}
