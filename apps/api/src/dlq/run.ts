import { safeEqual } from '@tributary/pipeline/crypto/constant-time.ts';
import { headerCredential, restoreCredentials } from '@tributary/pipeline/privacy/credentials.ts';
import { verifyDelivery } from '@tributary/pipeline/verify.ts';
import type { ErrorClass } from '@tributary/shared/errors.ts';
import type { Connection } from '../deliveries/connection-cache.ts';
import { credentialDigest, prepareRecords, prepareWrite } from '../deliveries/prepare.ts';
import { bodyOf, type Reopened, reopen } from '../deliveries/reopen.ts';
import type { JournalEntry } from '../deliveries/store.ts';
import type { Became, ClaimedEntry, Unit } from './claims.ts';

/** A delivery of the journal, with what it takes to run it. */
export interface Stored {
  /** Undefined: deleted, or of a type this version does not know. */
  connection: Connection | undefined;
  /** Undefined: dropped by retention, or erased. */
  entry: JournalEntry | undefined;
}

/**
 * Runs the dead letters of one delivery through the pipeline as it is now: current mapping, config, secrets and keys. A record runs by its
 * place in the delivery; where the delivery failed as a whole, or now has another number of records, all of it runs.
 */
export function runEntries(entries: ClaimedEntry[], { connection, entry }: Stored, nowMs: number): Unit[] {
  const each = (became: Became): Unit[] => entries.map((one) => ({ entries: [one], became }));
  if (!connection) return each({ outcome: 'lost', message: 'The connection was deleted: nothing can read its deliveries any more.' });
  if (!entry) return each({ outcome: 'lost', message: 'The delivery is no longer kept: its retention has ended, or it was erased.' });
  let reopened: Reopened;
  try {
    reopened = reopen(entry, connection, nowMs);
  } catch {
    return each({
      outcome: 'failed',
      errorClass: 'PII_HASH_ERROR',
      message: 'The stored delivery cannot be opened with the org\u2019s keys.',
    });
  }
  const { arrival } = reopened;
  // Verified when it came, and refused for its body alone: by a secret that may no longer be valid.
  const isProven = entries.every((one) => !one.is_quarantine || one.error_class === 'INVALID_PAYLOAD');
  const refusal = isProven ? undefined : verifyAgain(reopened, connection, entry);
  if (refusal) return each(refusal);
  const body = bodyOf(arrival.delivery);
  if (!body) return each({ outcome: 'failed', errorClass: 'INVALID_PAYLOAD', message: 'The body cannot be read.' });

  const places = new Set(entries.map((one) => one.record_index));
  const records = prepareRecords(arrival, body, entry.id, (index) => places.has(index));
  const units: Unit[] = [];
  const whole: ClaimedEntry[] = [];
  for (const one of entries) {
    const record = one.record_index === null || records.length !== entry.record_count ? undefined : records[one.record_index];
    if (record === undefined) whole.push(one);
    else if ('event' in record) {
      units.push({ entries: [one], became: { outcome: 'event', event: record.event, key: { ...record.key, dlq_id: one.id } } });
    } else {
      const { dead } = record;
      units.push({
        entries: [one],
        became: {
          outcome: 'failed',
          errorClass: dead.error_class as ErrorClass,
          message: dead.last_error_message,
          fieldPath: dead.field_path,
          sourceEventType: dead.source_event_type,
          idempotencyKey: dead.idempotency_key,
          sample: dead.sample,
        },
      });
    }
  }
  if (whole.length > 0) units.push({ entries: whole, became: { outcome: 'delivered', item: prepareWrite(arrival, body) } });
  return units;
}

/**
 * Whether a rejected delivery is genuine by the secrets that are valid now, with its arrival as the clock. A credential that was redacted
 * is put back where one of them, as the source's senders write it, has its digest.
 */
function verifyAgain({ arrival, head }: Reopened, connection: Connection, entry: JournalEntry): Became | undefined {
  const { source, config } = connection;
  const { secrets, receivedAtMs } = arrival;
  const dataKey = connection.keys.data.get(entry.key_version);
  const forms = secrets.flatMap(({ value }) => source.credentialForms?.(value, config, arrival.delivery) ?? [value]);
  const candidates = [...forms, ...forms.map(headerCredential)];
  const known: Record<string, string> = {};
  for (const [place, digest] of Object.entries(head.credentials ?? {})) {
    const value = candidates.find((one) => dataKey !== undefined && safeEqual(credentialDigest(dataKey, one), digest));
    if (value !== undefined) known[place] = value;
  }
  const delivery = restoreCredentials(arrival.delivery, undefined, known);
  const { verdict, bodyError } = verifyDelivery(source, delivery, { secrets, config }, receivedAtMs);
  if (!verdict.ok) return { outcome: 'failed', errorClass: verdict.error, message: verdict.message };
  return bodyError && { outcome: 'failed', errorClass: 'INVALID_PAYLOAD', message: bodyError.message };
}
