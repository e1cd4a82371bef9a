import { hash } from 'node:crypto';
import { idempotencyKeyDigest } from '@tributary/pipeline/columns.ts';
import { hmacSha256Hex } from '@tributary/pipeline/crypto/keyed-hash.ts';
import { orgDigest } from '@tributary/pipeline/crypto/org-digest.ts';
import { journalAad, seal } from '@tributary/pipeline/crypto/seal.ts';
import { type JournalHead, maskedHeaders, packDelivery, presentedCredentials, splitHeaders } from '@tributary/pipeline/journal.ts';
import { redactCredentials } from '@tributary/pipeline/privacy/credentials.ts';
import { type ProcessedRecord, processRecords } from '@tributary/pipeline/process.ts';
import { isoTime } from '@tributary/pipeline/reading/iso-time.ts';
import type { Body, Delivery, Secret } from '@tributary/pipeline/source.ts';
import { type ErrorClass, errorClasses } from '@tributary/shared/errors.ts';
import { newId } from '../platform/ids.ts';
import { finish, type Steps } from '../platform/steps.ts';
import type { Connection } from './connection-cache.ts';
import type { Rejected } from './rejected-queue.ts';
import type { DeadRow, DeliveryRow, KeyRow, WriteItem, WriteRecord } from './rows.ts';

/** A delivery that arrived at a connection and is not read yet. */
export interface Arrival {
  connection: Connection;
  delivery: Delivery;
  /** The connection's secrets that are valid now. A header that repeats one of them is not stored. */
  secrets: readonly Secret[];
  /** When the bytes arrived. A replay keeps the time of the delivery that it repeats. */
  receivedAtMs: number;
  isTest: boolean;
  /** Set when the body was refused before it was read whole: the delivery then has no body, and this is how large it was. */
  unread?: { bytes: number } | undefined;
  /** Set when the delivery comes from the journal instead of the network. */
  replay?: { of: string; nowMs: number } | undefined;
}

/** The time at which the delivery is processed; a replay is processed later than the delivery arrived. */
const nowOf = ({ replay, receivedAtMs }: Arrival): number => replay?.nowMs ?? receivedAtMs;

/** Runs a verified delivery through the pipeline. Returns its rows, and the body sealed under the org's key. */
export const prepareWrite = (arrival: Arrival, body: Body): WriteItem => finish(prepareInSteps(arrival, body));

/** Does what {@link prepareWrite} does, and pauses after each record. */
export function* prepareInSteps(arrival: Arrival, body: Body): Steps<WriteItem> {
  const journalId = newId(nowOf(arrival));
  const records: WriteRecord[] = [];
  for (const record of preparedRecords(arrival, body, journalId)) {
    if (record) records.push(record);
    yield;
  }
  const isTest = records.some((record) => 'event' in record && record.event.is_test === true);
  return {
    delivery: deliveryRow(arrival, journalId, isTest, eventTypes(records)),
    sealed: sealDelivery(arrival, journalId, body, headersOf(arrival).kept, {}),
    records,
  };
}

/**
 * Runs the wanted records of a verified delivery through the pipeline. Returns rows that point at `journalId`, and undefined for the other
 * records.
 */
export const prepareRecords = (
  arrival: Arrival,
  body: Body,
  journalId: string,
  isWanted: (index: number) => boolean,
): (WriteRecord | undefined)[] => [...preparedRecords(arrival, body, journalId, isWanted)];

function* preparedRecords(
  arrival: Arrival,
  body: Body,
  journalId: string,
  isWanted?: (index: number) => boolean,
): Generator<WriteRecord | undefined, void, void> {
  const { connection, receivedAtMs, isTest } = arrival;
  const nowMs = nowOf(arrival);
  const context = {
    orgId: connection.orgId,
    projectId: connection.projectId,
    connectionId: connection.id,
    journalId,
    config: connection.config,
    hashKey: connection.keys.hashKey,
    digestKey: connection.keys.digestKey,
    erasedKeys: connection.keys.erasedKeys,
    receivedAtMs,
    nowMs,
    isTest,
    newId: () => newId(nowMs),
  };
  let index = 0;
  for (const record of processRecords(connection.source, arrival.delivery, body, context, isWanted)) {
    yield record && writeRecordOf(arrival, journalId, record, index);
    index++;
  }
}

/** The rows of the record at a place of the delivery. */
function writeRecordOf(arrival: Arrival, journalId: string, record: ProcessedRecord, index: number): WriteRecord {
  const { connection } = arrival;
  const nowMs = nowOf(arrival);
  if (!record.ok) {
    const retryable = errorClasses[record.errorClass].retryable === 'yes';
    return {
      dead: {
        id: newId(nowMs),
        org_id: connection.orgId,
        project_id: connection.projectId,
        source_connection_id: connection.id,
        journal_id: journalId,
        record_index: index,
        error_class: record.errorClass,
        last_error_message: record.message,
        field_path: record.path ?? null,
        source_event_type: record.sourceEventType ?? null,
        idempotency_key: record.idempotencyKey ?? null,
        next_retry_at: retryable ? new Date(nowMs + 30_000).toISOString() : null,
        is_quarantine: false,
        sample: record.sample,
        // A delivery that failed as a whole is recognised by its bytes.
        record_key: record.identity?.key ?? deliveryDigest(arrival),
        record_digest: record.identity?.bodySha256 ?? null,
      },
    };
  }
  const { event } = record;
  return {
    key: {
      source_connection_id: connection.id,
      idempotency_key: event.idempotency_key,
      event_id: event.id,
      event_time: event.event_time,
      body_sha256: record.bodySha256,
      journal_id: journalId,
      dlq_id: newId(nowMs),
      ...(record.formerKey !== undefined && connection.keys.hasFormerIds ? formerKeys(connection, record.formerKey) : undefined),
      ...(arrival.replay ? { record_keys: recordKeys(arrival, record.formerKey ?? event.idempotency_key, record.bodySha256) } : undefined),
    },
    // The row is this delivery's own, so that it is completed instead of copied.
    event: Object.assign(event, { record_index: index }),
  };
}

/** The `record_key` of a record that the database refused. The digest of the contents, made with the key of the org, is the key of this digest. */
export function refusedKey({ body_sha256, idempotency_key }: Pick<KeyRow, 'body_sha256' | 'idempotency_key'>): string {
  return hmacSha256Hex(Buffer.from(body_sha256, 'hex'), `refused|${idempotency_key}`);
}

/** The key under which an org that is not converted yet may have stored the record, and what replaces that key if both are stored. */
function formerKeys({ id, keys }: Connection, formerKey: string): Pick<KeyRow, 'former_key' | 'spare_key'> {
  return { former_key: formerKey, spare_key: `hmac:${idempotencyKeyDigest(keys.digestKey, id, formerKey)}` };
}

/** The `record_key` that the record's dead letter has: it failed after its key was read, before, or in the database. */
function recordKeys({ connection }: Arrival, idempotencyKey: string, bodySha256: string): string[] {
  const refused = refusedKey({ body_sha256: bodySha256, idempotency_key: idempotencyKey });
  return [idempotencyKeyDigest(connection.keys.digestKey, connection.id, idempotencyKey), bodySha256, refused];
}

/** The types that a delivery's row lists: the canonical types of its records and the platform's own names, each once. */
export function eventTypes(records: readonly WriteRecord[]): string[] {
  const types = new Set<string>();
  for (const record of records) {
    if ('event' in record) types.add(record.event.type).add(record.event.source_event_type);
    else if (record.dead.source_event_type !== null) types.add(record.dead.source_event_type);
  }
  return [...types];
}

/** A delivery that was rejected, so its body is not parsed. It is sealed and described only when the quarantine has room for it. */
export function prepareRejected(arrival: Arrival, errorClass: ErrorClass, message: string): Rejected {
  const { connection } = arrival;
  const journalId = newId(nowOf(arrival));
  return {
    connection,
    bytes: arrival.delivery.raw.byteLength,
    hasCredential: carriesCredential(arrival),
    seal() {
      const headers = headersOf(arrival);
      const presented = presentedCredentials(arrival.delivery, headers.presented, credentialsOf(connection));
      const digests = Object.entries(presented).map(([place, value]) => [place, credentialDigest(connection.keys.dataKey.key, value)]);
      const credentials = digests.length > 0 ? { credentials: Object.fromEntries(digests) } : {};
      return {
        delivery: deliveryRow(arrival, journalId, arrival.isTest, []),
        sealed: sealDelivery(arrival, journalId, undefined, { ...headers.kept, ...maskedHeaders(headers.presented) }, credentials),
        records: [{ dead: rejectedRow(arrival, journalId, errorClass, message) }],
      };
    },
  };
}

/** Whether the delivery has a value in one of the places where its source carries credentials. Nobody has proved that the value is right. */
function carriesCredential(arrival: Arrival): boolean {
  const { presented } = headersOf(arrival);
  return (
    Object.keys(presented).length > 0 ||
    Object.keys(presentedCredentials(arrival.delivery, {}, credentialsOf(arrival.connection))).length > 0
  );
}

function rejectedRow(arrival: Arrival, journalId: string, errorClass: ErrorClass, message: string): DeadRow {
  const { connection, delivery } = arrival;
  return {
    id: newId(nowOf(arrival)),
    org_id: connection.orgId,
    project_id: connection.projectId,
    source_connection_id: connection.id,
    journal_id: journalId,
    record_index: null,
    error_class: errorClass,
    last_error_message: message,
    field_path: null,
    source_event_type: null,
    idempotency_key: null,
    next_retry_at: null,
    is_quarantine: true,
    // The body is not proved genuine, so the sample shows only the type and size of the body and no content.
    sample: { content_type: contentType(delivery), byte_size: sizeOf(arrival) },
    record_key: null,
    record_digest: null,
  };
}

/** The digest of the delivery's bytes under the org's digest key. */
function deliveryDigest({ connection, delivery }: Arrival): string {
  return orgDigest(connection.keys.digestKey, 'delivery', hash('sha256', delivery.raw));
}

function deliveryRow(
  arrival: Arrival,
  journalId: string,
  isTest: boolean,
  types: string[],
): Omit<DeliveryRow, 'sealed_at' | 'sealed_length'> {
  const { connection, delivery } = arrival;
  return {
    id: journalId,
    org_id: connection.orgId,
    project_id: connection.projectId,
    source_connection_id: connection.id,
    received_at: isoTime(nowOf(arrival)),
    content_type: contentType(delivery),
    byte_size: sizeOf(arrival),
    body_sha256: deliveryDigest(arrival),
    is_test: isTest,
    replay_of: arrival.replay?.of ?? null,
    event_types: types,
    key_version: connection.keys.dataKey.version,
  };
}

/**
 * Redacts credentials, which must not be kept even when they are sealed, and seals the rest so that it opens only as this journal entry of
 * this org.
 */
function sealDelivery(
  arrival: Arrival,
  journalId: string,
  body: Body | undefined,
  headers: JournalHead['headers'],
  extra: Pick<JournalHead, 'credentials'>,
): Uint8Array {
  const { connection, delivery } = arrival;
  const { url, raw } = redactCredentials(delivery, body, credentialsOf(connection));
  const marks: Pick<JournalHead, 'isTest' | 'unread' | 'receivedAt'> = {
    ...(arrival.isTest ? { isTest: true } : {}),
    ...(arrival.unread ? { unread: true } : {}),
    ...(arrival.replay ? { receivedAt: new Date(arrival.receivedAtMs).toISOString() } : {}),
  };
  return seal(
    connection.keys.dataKey.key,
    packDelivery({ method: delivery.method, url, headers, ...marks, ...extra }, raw),
    journalAad(connection.orgId, journalId),
  );
}

/** The headers that are kept, and those that are stored masked when the delivery is rejected. */
function headersOf({ connection, delivery, secrets }: Arrival): ReturnType<typeof splitHeaders> {
  return splitHeaders(
    delivery.headers,
    credentialsOf(connection),
    secrets.map((secret) => secret.value),
  );
}

/** The size of the body; for one that was not read whole, what was announced or had arrived, as far as the column can hold it. */
function sizeOf({ delivery, unread }: Arrival): number {
  return Math.min(unread?.bytes ?? delivery.raw.byteLength, 2_147_483_647);
}

function credentialsOf({ source, config }: Connection) {
  return source.credentialsFor?.(config) ?? source.credentials;
}

/**
 * The digest that is stored in place of a redacted credential. With the org's data key, it shows later whether the credential was right.
 */
export function credentialDigest(dataKey: Uint8Array, credential: string): string {
  return hmacSha256Hex(dataKey, `credential|${credential}`);
}

/** The media type without parameters; null when the header is no media type. The sender may write any text into it. */
function contentType(delivery: Delivery): string | null {
  const type = delivery.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  return type && /^[a-z0-9!#$&^_.+-]{1,60}\/[a-z0-9!#$&^_.+-]{1,60}$/.test(type) ? type : null;
}
