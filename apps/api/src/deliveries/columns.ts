import { arraysOf, type Column, encodeArrays } from '../platform/binary-arrays.ts';
import type { BatchRows, DeadRow, ReadRecord, WriteItem } from './rows.ts';

// What a batch sends, in the order of the composite types of the same names in the database. A row names its connection only: the database takes
// the org and the project from the row of the connection.

const deliveryColumns: readonly Column<WriteItem>[] = [
  ['id', 'uuid', ({ delivery }) => delivery.id],
  ['source_connection_id', 'uuid', ({ delivery }) => delivery.source_connection_id],
  ['received_at', 'timestamptz', ({ delivery }) => delivery.received_at],
  ['content_type', 'text', ({ delivery }) => delivery.content_type],
  ['byte_size', 'integer', ({ delivery }) => delivery.byte_size],
  ['body_sha256', 'text', ({ delivery }) => delivery.body_sha256],
  ['record_count', 'integer', ({ delivery, records }) => delivery.record_total ?? records.length],
  ['is_test', 'boolean', ({ delivery }) => delivery.is_test],
  ['replay_of', 'uuid', ({ delivery }) => delivery.replay_of],
  ['event_types', 'lists', ({ delivery }) => delivery.event_types],
  ['key_version', 'integer', ({ delivery }) => delivery.key_version],
  ['sealed', 'bytea', ({ sealed }) => sealed],
  ['part', 'text', ({ delivery }) => delivery.part],
  ['outcomes_before', 'lists', ({ delivery }) => delivery.outcomes_before],
];

const recordColumns: readonly Column<ReadRecord>[] = [
  ['event_id', 'uuid', ({ event }) => event.id],
  ['source_connection_id', 'uuid', ({ key }) => key.source_connection_id],
  ['journal_id', 'uuid', ({ key }) => key.journal_id],
  ['record_index', 'integer', ({ event }) => event.record_index],
  ['idempotency_key', 'text', ({ key }) => key.idempotency_key],
  ['body_sha256', 'hex', ({ key }) => key.body_sha256],
  ['dlq_id', 'uuid', ({ key }) => key.dlq_id],
  ['type', 'text', ({ event }) => event.type],
  ['source_type', 'text', ({ event }) => event.source_type],
  ['source_event_type', 'text', ({ event }) => event.source_event_type],
  ['source_event_id', 'text', ({ event }) => event.source_event_id],
  ['event_time', 'timestamptz', ({ event }) => event.event_time],
  ['received_at', 'timestamptz', ({ event }) => event.received_at],
  ['subject', 'json', ({ event }) => event.subject],
  ['amount_minor', 'bigint', ({ event }) => event.amount_minor],
  ['currency', 'text', ({ event }) => event.currency],
  ['order_ref', 'text', ({ event }) => event.order_ref],
  ['attribution', 'json', ({ event }) => event.attribution],
  ['properties', 'json', ({ event }) => event.properties],
  ['is_test', 'boolean', ({ event }) => event.is_test],
  ['schema_version', 'integer', ({ event }) => event.schema_version],
  ['record_keys', 'lists', ({ key }) => key.record_keys],
  ['former_key', 'text', ({ key }) => key.former_key],
  ['spare_key', 'text', ({ key }) => key.spare_key],
];

const deadColumns: readonly Column<DeadRow>[] = [
  ['id', 'uuid', (dead) => dead.id],
  ['source_connection_id', 'uuid', (dead) => dead.source_connection_id],
  ['journal_id', 'uuid', (dead) => dead.journal_id],
  ['record_index', 'integer', (dead) => dead.record_index],
  ['error_class', 'text', (dead) => dead.error_class],
  ['last_error_message', 'text', (dead) => dead.last_error_message],
  ['field_path', 'text', (dead) => dead.field_path],
  ['source_event_type', 'text', (dead) => dead.source_event_type],
  ['idempotency_key', 'text', (dead) => dead.idempotency_key],
  ['next_retry_at', 'timestamptz', (dead) => dead.next_retry_at],
  ['is_quarantine', 'boolean', (dead) => dead.is_quarantine],
  ['sample', 'json', (dead) => dead.sample],
  ['record_key', 'text', (dead) => dead.record_key],
  ['record_digest', 'text', (dead) => dead.record_digest],
];

/** Writes the parameters of one composite value after the other, as SQL. */
function compositesFrom(first: number, ...types: readonly [name: string, columns: readonly Column<never>[]][]): string {
  let parameter = first;
  const composites = types.map(
    ([name, columns]) => `row(${arraysOf(columns).map(({ type }) => `$${parameter++}::${type}`)})::private.${name}`,
  );
  return composites.join(', ');
}

/** The arguments that {@link batchValues} has the values of: parameters 1 and following. */
export const batchArguments = compositesFrom(
  1,
  ['delivery_columns', deliveryColumns],
  ['record_columns', recordColumns],
  ['dead_columns', deadColumns],
);

/** How many parameters {@link batchArguments} has. */
export const batchParameters = arraysOf(deliveryColumns).length + arraysOf(recordColumns).length + arraysOf(deadColumns).length;

export function batchValues({ deliveries, records, dead }: BatchRows): unknown[] {
  return [...encodeArrays(deliveryColumns, deliveries), ...encodeArrays(recordColumns, records), ...encodeArrays(deadColumns, dead)];
}

/** The argument that {@link recordValues} has the values of: parameters `first` and following. */
export const recordArgument = (first: number): string => compositesFrom(first, ['record_columns', recordColumns]);

export const recordValues = (records: readonly ReadRecord[]): unknown[] => encodeArrays(recordColumns, records);
