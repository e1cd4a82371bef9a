import type { Sql } from '../db.ts';

/** A delivery as the journal keeps it, with its sealed bytes. */
export interface JournalEntry {
  id: string;
  org_id: string;
  source_connection_id: string;
  received_at: string;
  record_count: number;
  outcome: 'accepted' | 'duplicate' | 'dead_lettered' | 'mixed' | 'rejected';
  is_test: boolean;
  replay_of: string | null;
  key_version: number;
  sealed: Buffer;
}

const columns = `j.id, j.org_id, j.source_connection_id, j.received_at, j.record_count, j.outcome, j.is_test, j.replay_of, p.key_version, p.sealed`;

/** As `worker`. Entries whose partition was dropped by retention are simply not among the answer. */
export async function findJournalEntries(sql: Sql, ids: readonly string[]): Promise<Map<string, JournalEntry>> {
  const rows = await sql<JournalEntry>(
    `select ${columns} from public.event_journal j
     join private.journal_payloads p on p.journal_id = j.id and p.received_at = j.received_at
     where j.id = any ($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}
