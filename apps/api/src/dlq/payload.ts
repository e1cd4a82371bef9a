import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import type { DlqPayload } from '@tributary/shared/dlq.ts';
import type { Logger } from 'pino';
import { openEntry } from '../deliveries/reopen.ts';
import { findJournalEntries, type JournalEntry } from '../deliveries/store.ts';
import type { Db } from '../platform/db.ts';
import { loadOrgKeys, type OrgKeys } from '../tenancy/org-keys.ts';
import type { EntryRow } from './store.ts';

/** The most of a body that is shown, and the most of all bodies of one answer together. */
const bodyBytesMax = 65_536;
const answerBytesMax = 1_048_576;

/** Headers that carry a credential, or a proof made with one, for any source. A rejected delivery may carry a valid one. */
const credentialHeader = /auth|token|secret|key|hottok|signature|password|cookie/i;

/**
 * The deliveries of dead letters of one org as they arrived, without credentials, by id of the dead letter. Deliveries that are no longer
 * kept, or do not open with the org's keys, are missing. The rows have passed the caller's RLS; their deliveries are read as `worker`.
 */
export async function openPayloads(
  { db, masterKeys, log }: { db: Pick<Db, 'lookUp' | 'worker'>; masterKeys: MasterKeys; log: Logger },
  rows: readonly EntryRow[],
): Promise<Map<string, DlqPayload>> {
  const payloads = new Map<string, DlqPayload>();
  const [first] = rows;
  if (!first) return payloads;
  const keys = await loadOrgKeys(db, masterKeys, first.org_id, log);
  const bytesMax = Math.min(bodyBytesMax, Math.floor(answerBytesMax / rows.length));
  // One after the other: a delivery may have several megabytes, of which a small part is shown.
  for (const row of rows) {
    const entry = (await db.worker((sql) => findJournalEntries(sql, [row.journal_id]))).get(row.journal_id);
    const payload = entry?.org_id === row.org_id ? openPayload(row, entry, keys, bytesMax) : undefined;
    if (payload) payloads.set(row.id, payload);
  }
  return payloads;
}

function openPayload(row: EntryRow, entry: JournalEntry, keys: OrgKeys, bytesMax: number): DlqPayload | undefined {
  let opened: ReturnType<typeof openEntry>;
  try {
    opened = openEntry(entry, keys);
  } catch {
    return undefined;
  }
  const { raw } = opened.delivery;
  const declared = headersOf(row);
  const headers = Object.entries(opened.head.headers).map(([name, value]): [string, string] => [
    name,
    declared.includes(name) || credentialHeader.test(name) ? '[redacted]' : value,
  ]);
  return {
    headers: Object.fromEntries(headers),
    body: Buffer.from(raw.subarray(0, bytesMax)).toString('utf8'),
    byteSize: raw.byteLength,
    truncated: raw.byteLength > bytesMax,
  };
}

function headersOf({ source_type, config_json }: EntryRow): readonly string[] {
  const source = sources.get(source_type);
  if (!source) return [];
  const config = source.config.safeParse(config_json);
  const credentials = config.success && source.credentialsFor ? source.credentialsFor(config.data) : source.credentials;
  return (credentials.headers ?? []).map((name) => name.toLowerCase());
}
