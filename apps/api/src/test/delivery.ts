import { uuidv7 } from 'uuidv7';
import type { WriteItem } from '../deliveries/rows.ts';

/** A delivery of the connection with a record per key, ready to be written. `poison` makes a row that no check notices before the database refuses it. */
export function deliveryOf(
  { id: orgId, projectId, connectionId }: { id: string; projectId: string; connectionId: string },
  keys: { key: string; sha?: string; poison?: boolean }[],
): WriteItem {
  const journalId = uuidv7();
  const now = new Date().toISOString();
  const scope = { org_id: orgId, project_id: projectId, source_connection_id: connectionId, journal_id: journalId };
  return {
    delivery: {
      id: journalId,
      org_id: orgId,
      project_id: projectId,
      source_connection_id: connectionId,
      received_at: now,
      content_type: 'application/json',
      byte_size: 10,
      body_sha256: 'ab'.repeat(32),
      is_test: false,
      replay_of: null,
      event_types: [],
      key_version: 1,
    },
    sealed: Buffer.from(`sealed ${keys.map((k) => k.key).join()}`),
    records: keys.map(({ key, sha = '00', poison = false }, index) => {
      const eventId = uuidv7();
      return {
        key: {
          source_connection_id: connectionId,
          idempotency_key: key,
          event_id: eventId,
          event_time: now,
          body_sha256: sha.repeat(32),
          journal_id: journalId,
          dlq_id: uuidv7(),
        },
        event: {
          ...scope,
          id: eventId,
          record_index: index,
          type: 'thing.happened',
          source_type: 'hotmart',
          source_event_type: 'THING',
          source_event_id: null,
          event_time: now,
          received_at: now,
          idempotency_key: key,
          subject: {},
          amount_minor: null,
          currency: poison ? 'not a currency' : null,
          order_ref: null,
          attribution: {},
          properties: {},
          is_test: false,
          schema_version: 1,
        },
      };
    }),
  };
}
