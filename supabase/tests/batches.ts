import type pg from 'pg';
import { type Actor, connectionId, orgId, projectId } from './world.ts';

// Batches of synthetic deliveries, as the statements of this version and of the former one send them.

export const uuid = (kind: number, n: number) => `d0000000-0000-4000-8000-${String(kind)}${String(n).padStart(11, '0')}`;
export const journalOf = (n: number) => uuid(2, n);
export const eventOf = (n: number) => uuid(1, n);
export const letterOf = (n: number) => uuid(3, n);
export const digest = (letter: string) => letter.repeat(64);
/** No time that a commit makes is so old, so that the times of commits can be told from those of the rows. */
const sentAt = new Date(Date.now() - 2 * 3_600_000).toISOString();

/** Makes two orgs with a connection each, in the schema of this release or of the former one. */
export async function createTenants(client: pg.ClientBase): Promise<void> {
  for (const org of ['A', 'B'] as const)
    await client.query(`
      insert into public.orgs (id, name, slug) values ('${orgId(org)}', 'Org ${org}', 'org-${org.toLowerCase()}');
      insert into public.projects (id, org_id, name, slug) values ('${projectId(org)}', '${orgId(org)}', 'Project', 'project');
      insert into public.source_connections (id, org_id, project_id, name, type)
        values ('${connectionId(org)}', '${orgId(org)}', '${projectId(org)}', 'Shop', 'hotmart');
      insert into private.org_keys (org_id, kind, version, wrapped, master_version) values ('${orgId(org)}', 'data', 1, '\\x00', 1);`);
}

export interface Read {
  n: number;
  key: string;
  body?: string;
  at?: string;
  amount?: number;
  formerKey?: string;
  recordKeys?: string[];
}
export interface Dead {
  n: number;
  dead: string;
  index?: number | null;
  key?: string | null;
  digest?: string | null;
  isQuarantine?: boolean;
}
export interface Delivery {
  n: number;
  records: (Read | Dead)[];
  types?: string[];
  replayOf?: string;
  part?: { part: 'first' | 'next' | 'last'; record_total?: number; outcomes_before?: string[] };
  connection?: string;
  receivedAt?: string;
}
export type Row = Record<string, unknown>;
interface Rows {
  deliveries: Row[];
  keys: Row[];
  events: Row[];
  dead: Row[];
  sealed: string[];
}

/** The rows of a batch, as the former version makes them: what is undefined is not sent. */
function rowsOf(batch: readonly Delivery[]): Rows {
  const rows: Rows = { deliveries: [], keys: [], events: [], dead: [], sealed: [] };
  for (const { n, records, types = [], replayOf, part, connection = connectionId('A'), receivedAt = sentAt } of batch) {
    const scope = { org_id: orgId('A'), project_id: projectId('A'), source_connection_id: connection };
    rows.sealed.push(part && part.part !== 'first' ? '' : `sealed body ${'x'.repeat(n)}`);
    rows.deliveries.push({
      id: journalOf(n),
      ...scope,
      received_at: receivedAt,
      content_type: n % 2 === 0 ? null : 'application/json',
      byte_size: 100 + n,
      body_sha256: digest('a'),
      is_test: n % 3 === 0,
      replay_of: replayOf ?? null,
      event_types: types,
      key_version: 1,
      ...part,
    });
    for (const [place, record] of records.entries()) {
      if ('dead' in record) {
        rows.dead.push({
          id: letterOf(record.n),
          ...scope,
          journal_id: journalOf(n),
          record_index: record.index === undefined ? place : record.index,
          error_class: record.dead,
          last_error_message: `the record ${record.n} cannot be read`,
          field_path: record.n % 2 === 0 ? null : 'data.id',
          source_event_type: null,
          idempotency_key: record.n % 2 === 0 ? `key of ${record.n}` : null,
          next_retry_at: null,
          is_quarantine: record.isQuarantine ?? false,
          sample: record.n % 2 === 0 ? null : { a: [1, 'b', null] },
          record_key: record.key === undefined ? digest('1') : record.key,
          record_digest: record.digest === undefined ? digest('2') : record.digest,
        });
        continue;
      }
      const { key, body = 'b', at = sentAt, amount, formerKey, recordKeys } = record;
      rows.keys.push({
        source_connection_id: connection,
        idempotency_key: key,
        event_id: eventOf(record.n),
        event_time: at,
        body_sha256: digest(body),
        journal_id: journalOf(n),
        dlq_id: letterOf(record.n),
        ...(formerKey === undefined ? {} : { former_key: formerKey, spare_key: `hmac:${digest('d')}` }),
        ...(recordKeys === undefined ? {} : { record_keys: recordKeys }),
      });
      rows.events.push({
        id: eventOf(record.n),
        ...scope,
        type: 'order.paid',
        source_type: 'hotmart',
        source_event_type: 'PURCHASE_APPROVED',
        source_event_id: record.n % 2 === 0 ? null : `source ${record.n}`,
        event_time: at,
        received_at: receivedAt,
        idempotency_key: key,
        subject: { hash_version: 1, email: `hash of ${record.n}` },
        amount_minor: amount ?? null,
        currency: amount === undefined ? null : 'BRL',
        order_ref: amount === undefined ? null : `order ${record.n}`,
        attribution: amount === undefined ? {} : { campaign: 'c' },
        properties: { n: record.n, texts: ['"', 'ü', '\\'] },
        is_test: false,
        journal_id: journalOf(n),
        schema_version: 1,
        record_index: place,
      });
    }
  }
  return rows;
}

export interface Call {
  actor: Actor;
  sql: string;
  values: unknown[];
}
interface Settlement {
  owner: string;
  entries: Row[];
  events: Delivery[];
}
/** A statement of the former version and of this one. */
export interface Version {
  ingest(batch: Delivery[]): Call;
  replay(batch: Delivery[], rewrite: boolean): Call;
  settle(settlement: Settlement): Call;
}

const json = (rows: readonly Row[]) => JSON.stringify(rows);
const formerValues = ({ deliveries, keys, events, dead, sealed }: Rows) => {
  let sealedAt = 0;
  const placed = deliveries.map((delivery, index) => {
    const length = sealed[index]?.length ?? 0;
    sealedAt += length;
    return { ...delivery, sealed_at: sealedAt - length, sealed_length: length };
  });
  return [json(placed), json(keys), json(events), json(dead), Buffer.from(sealed.join(''))];
};
export const former: Version = {
  ingest: (batch) => ({
    actor: 'ingest',
    sql: 'select private.ingest_batch($1, $2, $3, $4, $5) as answer',
    values: formerValues(rowsOf(batch)),
  }),
  replay: (batch, rewrite) => ({
    actor: 'worker',
    sql: 'select private.replay_batch($1, $2, $3, $4, $5, $6) as answer',
    values: [...formerValues(rowsOf(batch)), rewrite],
  }),
  settle({ owner, entries, events }) {
    const rows = rowsOf(events);
    return {
      actor: 'worker',
      sql: 'select private.settle_dead_letters($1, $2, $3, $4) as answer',
      values: [owner, json(entries), json(rows.keys), json(rows.events)],
    };
  },
};

/** The columns of a composite type, of rows in which any column may be missing. A list of lists is one array and the places of each list in it. */
function columnsOf(rows: readonly Row[], lists: readonly string[] = []): string | null {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  const columns: Row = {};
  for (const name of names) {
    const values = rows.map((row) => row[name] ?? null);
    if (!lists.includes(name)) {
      columns[name] = values;
      continue;
    }
    const all = values.map((value) => (value ?? []) as string[]);
    const ends = all.map((_, index) => all.slice(0, index + 1).flat().length);
    columns[name] = all.flat();
    columns[`${name}_from`] = all.map((list, index) => (ends[index] ?? 0) - list.length + 1);
    columns[`${name}_to`] = ends;
  }
  return rows.length === 0 ? null : JSON.stringify(columns);
}
const recordColumns = ({ keys, events }: Rows) =>
  columnsOf(
    keys.map((key, index) => {
      const { id, subject, attribution, properties, ...event } = events[index] ?? {};
      const texts = Object.fromEntries(
        Object.entries({ subject, attribution, properties }).map(([name, value]) => [name, JSON.stringify(value)]),
      );
      return { ...event, ...texts, ...key, body_sha256: `\\x${key.body_sha256}` };
    }),
    ['record_keys'],
  );
const presentValues = (rows: Rows) => [
  columnsOf(
    rows.deliveries.map(({ record_total, ...delivery }, index) => ({
      ...delivery,
      record_count: record_total ?? [...rows.keys, ...rows.dead].filter((row) => row.journal_id === delivery.id).length,
      sealed: rows.sealed[index],
    })),
    ['event_types', 'outcomes_before'],
  ),
  recordColumns(rows),
  columnsOf(rows.dead.map((row) => ({ ...row, sample: row.sample && JSON.stringify(row.sample) }))),
];
export const present: Version = {
  ingest: (batch) => ({
    actor: 'ingest',
    sql: `select private.ingest_batch(json_populate_record(null::private.delivery_columns, $1), json_populate_record(null::private.record_columns, $2),
      json_populate_record(null::private.dead_columns, $3)) as answer`,
    values: presentValues(rowsOf(batch)),
  }),
  replay: (batch, rewrite) => ({
    actor: 'worker',
    sql: `select private.replay_batch(json_populate_record(null::private.delivery_columns, $1), json_populate_record(null::private.record_columns, $2),
      json_populate_record(null::private.dead_columns, $3), $4) as answer`,
    values: [...presentValues(rowsOf(batch)), rewrite],
  }),
  settle: ({ owner, entries, events }) => ({
    actor: 'worker',
    sql: 'select private.settle_dead_letters($1, $2, json_populate_record(null::private.record_columns, $3)) as answer',
    values: [owner, json(entries), recordColumns(rowsOf(events))],
  }),
};
