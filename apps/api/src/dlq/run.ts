import { safeEqual } from '@tributary/pipeline/crypto/constant-time.ts';
import { headerCredential, restoreCredentials } from '@tributary/pipeline/privacy/credentials.ts';
import { verifyDelivery } from '@tributary/pipeline/verify.ts';
import type { ErrorClass } from '@tributary/shared/errors.ts';
import type { Connection } from '../deliveries/connection-cache.ts';
import { isHeavyEntry } from '../deliveries/heavy.ts';
import { type PackedConnection, packConnection, unpackConnection } from '../deliveries/packed.ts';
import { credentialDigest, prepareRecords, prepareWrite } from '../deliveries/prepare.ts';
import { bodyOf, type Reopened, reopen } from '../deliveries/reopen.ts';
import type { JournalEntry } from '../deliveries/store.ts';
import type { Task } from '../platform/threads.ts';
import type { Attempt, ClaimedEntry, RetryOutcome } from './claims.ts';

const unreadBody =
  'Nothing of the body was kept, because it was refused before it was read whole: the sender has to send the delivery again.';

/** A stored delivery, with what is needed to run it. */
interface Stored {
  /** Undefined when the connection was deleted, or is of a type that this version does not know. */
  connection: Connection | undefined;
  /** Undefined when the entry was dropped by retention, or erased. */
  entry: JournalEntry | undefined;
}

/** The dead letters of one delivery, to be run again. */
interface Run {
  entries: ClaimedEntry[];
  stored: Stored;
  nowMs: number;
}

interface PackedRun extends Omit<Run, 'stored'> {
  entry: JournalEntry | undefined;
  connection: PackedConnection | undefined;
}

/** {@link runEntries} at once or, when the delivery is heavy, on a thread. */
export const retryTask: Task<Run, Attempt[]> = {
  name: 'retry',
  isHeavy: ({ stored: { entry, connection } }) => entry !== undefined && connection !== undefined && isHeavyEntry(entry, connection.keys),
  run: ({ entries, stored, nowMs }) => runEntries(entries, stored, nowMs),
  pack: ({ stored: { entry, connection }, ...run }): PackedRun => ({
    ...run,
    entry,
    connection: connection && packConnection(connection),
  }),
  unpack: ({ entry, connection, ...run }: PackedRun): Run => ({
    ...run,
    stored: { entry, connection: connection && unpackConnection(connection) },
  }),
  // The rows of a delivery that was run whole are in the last of the attempts.
  holderIn(attempts) {
    const last = attempts.at(-1)?.result;
    return last?.outcome === 'delivered' ? last.item : undefined;
  },
};

/**
 * Runs the dead letters of one delivery through the pipeline with the current mapping, config, secrets and keys. A record is found by its
 * place in the delivery. If the delivery failed as a whole, or has another number of records by now, the whole delivery runs.
 */
function runEntries(entries: ClaimedEntry[], { connection, entry }: Stored, nowMs: number): Attempt[] {
  const each = (result: RetryOutcome): Attempt[] => entries.map((one) => ({ entries: [one], result }));
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
  if (reopened.head.unread) return each({ outcome: 'failed', errorClass: 'INVALID_PAYLOAD', message: unreadBody });
  // A delivery that was rejected only for its body was verified on arrival. It is not verified again, because that secret may have expired.
  const isProven = entries.every((one) => !one.is_quarantine || one.error_class === 'INVALID_PAYLOAD');
  const refusal = isProven ? undefined : verifyAgain(reopened, connection, entry);
  if (refusal) return each(refusal);
  const body = bodyOf(arrival.delivery);
  if (!body) return each({ outcome: 'failed', errorClass: 'INVALID_PAYLOAD', message: 'The body cannot be read.' });

  const places = new Set(entries.map((one) => one.record_index));
  const records = prepareRecords(arrival, body, entry.id, (index) => places.has(index));
  const attempts: Attempt[] = [];
  const whole: ClaimedEntry[] = [];
  for (const one of entries) {
    const record = one.record_index === null || records.length !== entry.record_count ? undefined : records[one.record_index];
    if (record === undefined) whole.push(one);
    else if ('event' in record) {
      attempts.push({ entries: [one], result: { outcome: 'event', event: record.event, key: { ...record.key, dlq_id: one.id } } });
    } else {
      const { dead } = record;
      attempts.push({
        entries: [one],
        result: {
          outcome: 'failed',
          errorClass: dead.error_class as ErrorClass,
          message: dead.last_error_message,
          fieldPath: dead.field_path,
          sourceEventType: dead.source_event_type,
          idempotencyKey: dead.idempotency_key,
          sample: dead.sample,
          recordKey: dead.record_key,
          recordDigest: dead.record_digest,
        },
      });
    }
  }
  if (whole.length > 0) attempts.push({ entries: whole, result: { outcome: 'delivered', item: prepareWrite(arrival, body) } });
  return attempts;
}

/**
 * Verifies a rejected delivery with the secrets that are valid now, and with its time of arrival as the current time. A redacted credential
 * is restored when its digest is that of one of the secrets, in the forms in which the source's senders write it. Returns undefined when the
 * delivery is genuine.
 */
function verifyAgain({ arrival, head }: Reopened, connection: Connection, entry: JournalEntry): RetryOutcome | undefined {
  const { source, config } = connection;
  const { secrets, receivedAtMs } = arrival;
  const dataKey = connection.keys.data.get(entry.key_version);
  const forms = secrets.flatMap(({ value }) => source.credentialForms?.(value, config, arrival.delivery) ?? [value]);
  const candidates = [...forms, ...forms.map(headerCredential)];
  const restored: Record<string, string> = {};
  for (const [place, digest] of Object.entries(head.credentials ?? {})) {
    const value = candidates.find((one) => dataKey !== undefined && safeEqual(credentialDigest(dataKey, one), digest));
    if (value !== undefined) restored[place] = value;
  }
  const delivery = restoreCredentials(arrival.delivery, undefined, restored);
  const { verdict, bodyError } = verifyDelivery(source, delivery, { secrets, config }, receivedAtMs);
  if (!verdict.ok) return { outcome: 'failed', errorClass: verdict.error, message: verdict.message };
  return bodyError && { outcome: 'failed', errorClass: 'INVALID_PAYLOAD', message: bodyError.message };
}
