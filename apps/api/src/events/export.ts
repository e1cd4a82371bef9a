import { type EventCursor, type EventExportFormat, type EventFilter, EventPage } from '@tributary/shared/events.ts';
import type { Claims, Db } from '../platform/db.ts';
import { resolveOrg } from '../tenancy/callers-org.ts';
import { exportColumns, findExportRows, searchEvents } from './store.ts';

/** Events of one read: each is a short transaction of its own, so that a long download holds nothing that others wait for. */
const pageSize = 500;

const heads: Record<EventExportFormat, string> = { csv: `${exportColumns.join(',')}\r\n`, json: '[', ndjson: '' };
const ends: Record<EventExportFormat, string> = { csv: '', json: '\n]\n', ndjson: '' };
export const contentTypes: Record<EventExportFormat, string> = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json',
  ndjson: 'application/x-ndjson',
};

/**
 * The events that match as a file, newest first, read as the reader takes it: in constant memory, and no further once the reader is gone.
 * The first page is read before anything is answered. When a later one fails the stream fails, and with it the connection: a file that was
 * cut off must not look whole. Events that are stored meanwhile may be missing. `onEnd`: once, however it ends.
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
      // Who is a member no more sees nothing, which would look like the end of the file: asked last, so that they were one all along.
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
        // A page may hold nothing: the search says how far it looked, and goes on from there.
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
 * RFC 4180. A field that a spreadsheet would take for a formula gets an apostrophe in front of it, as OWASP has it for CSV injection;
 * JSON has no such readers, and none.
 */
export function csvLine(fields: readonly (string | null)[]): string {
  const cells = fields.map((field) => {
    if (field === null) return '';
    // A number may well begin with a minus.
    const text = /^[=+\-@\t\r]/.test(field) && !/^-?\d+$/.test(field) ? `'${field}` : field;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${cells.join(',')}\r\n`;
}
