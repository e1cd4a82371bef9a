import { idempotencyKeyDigest } from '@tributary/pipeline/columns.ts';
import { digestPersonalIds } from '@tributary/pipeline/privacy/personal-ids.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import type { EventsImported, ImportedEvent } from '@tributary/shared/event-import.ts';
import type { Sql } from '../platform/db.ts';
import { invalidRequest } from '../platform/requests.ts';
import type { OrgKeys } from '../tenancy/org-keys.ts';
import { type ImportTarget, importEvents } from './store.ts';

/** Stands for a delivery that this system does not have. */
const noDelivery = '00000000-0000-0000-0000-000000000000';

/**
 * Stores events of an export. Their keys are those of the file, or the digests that erasures have put in their places, so that the file of an erased
 * person makes no second event. Ids of the platform that contain a person's number, which older files have, become digests. Hashes of people and the delivery are kept only for events of the same org: another org has other keys and journals.
 * Throws Refusal `invalid_request` when an event is of another source than the connection.
 */
export function storeImported(
  sql: Sql,
  target: ImportTarget,
  events: readonly ImportedEvent[],
  { digestKey, erasedKeys }: Pick<OrgKeys, 'digestKey' | 'erasedKeys'>,
): Promise<EventsImported> {
  const other = events.findIndex((event) => event.source_type !== target.type);
  if (other !== -1)
    throw invalidRequest([
      {
        path: ['events', other, 'source_type'],
        message: `is ${events[other]?.source_type}, and the connection is of the source ${target.type}`,
      },
    ]);
  const source = sources.get(target.type);
  const clean = <Value>(value: Value): Value =>
    source?.personalIds === undefined ? value : JSON.parse(digestPersonalIds(JSON.stringify(value), source, digestKey));
  const rows = events.map((sent) => {
    const { id, org_id, subject, journal_id, ...texts } = sent;
    const event = { ...clean(texts), id, org_id, subject, journal_id };
    const digest = idempotencyKeyDigest(digestKey, target.id, event.idempotency_key);
    const isOwn = event.org_id === target.org_id;
    return {
      ...event,
      idempotency_key: erasedKeys.has(digest) ? `hmac:${digest}` : event.idempotency_key,
      subject: isOwn ? event.subject : {},
      journal_id: isOwn ? event.journal_id : noDelivery,
    };
  });
  return importEvents(sql, target.id, rows);
}
