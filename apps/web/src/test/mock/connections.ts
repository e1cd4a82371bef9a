import { Connection, CreatedConnection, RotatedSecret, TestedConnection, UpdateConnection } from '@tributary/shared/api.ts';
import type { Database } from '@tributary/shared/database.types.ts';
import { ConnectionFields } from '@tributary/shared/kept.ts';
import { HttpResponse, http } from 'msw';
import { answer, problem } from './answers.ts';
import { ago, idOf, ids, type Row, type World } from './world.ts';

type Returns<Name extends keyof Database['public']['Functions']> = Database['public']['Functions'][Name]['Returns'];
/** The generated types do not say that a figure is null when there were no deliveries. */
type WithNulls<Rows> = Rows extends (infer One)[] ? { [Column in keyof One]: One[Column] | null }[] : never;

export const connectionRows = (world: World): Row<'source_connections'>[] => {
  const common = {
    org_id: ids.org,
    project_id: ids.project,
    config_json: {},
    deleted_at: null,
    created_at: ago(50_000),
    updated_at: ago(900),
    allowed_ips: null,
    suspended_reason: null,
  };
  if (!world.filled) return [];
  return [
    {
      ...common,
      id: ids.connection,
      name: world.connectionName,
      type: 'hotmart',
      is_active: true,
      last_event_at: ago(3),
      priority: 'normal',
      rate_limit_per_second: null,
    },
    {
      ...common,
      id: ids.webhook,
      name: 'Backend',
      type: 'webhook',
      is_active: false,
      last_event_at: null,
      priority: 'low',
      rate_limit_per_second: 50,
    },
  ];
};

/** The verdict of a row without the database: paused, or ok. */
const verdictOf = (row: { is_active: boolean; created_at: string }): Connection['verdict'] =>
  row.is_active
    ? { state: 'ok', reason: null, level: null, since: row.created_at }
    : { state: 'paused', reason: 'by_person', level: 'warning', since: row.created_at };

const health = (world: World): WithNulls<Returns<'connection_health'>> =>
  connectionRows(world).map((row) => {
    const busy = row.id === ids.connection;
    return {
      source_connection_id: row.id,
      name: row.name,
      type: row.type,
      is_active: row.is_active,
      verdict: verdictOf(row).state,
      verdict_reason: verdictOf(row).reason,
      verdict_level: verdictOf(row).level,
      verdict_since: verdictOf(row).since,
      received: busy ? 480 : 0,
      accepted: busy ? 431 : 0,
      duplicates: busy ? 31 : 0,
      dead_lettered: busy ? 12 : 0,
      rejected: busy ? 6 : 0,
      replayed: 0,
      replayed_accepted: 0,
      dlq_rate: busy ? 0.025 : null,
      lag_p50_seconds: busy ? 0.4 : null,
      lag_p95_seconds: busy ? 2.1 : null,
      freshness_seconds: busy ? 180 : null,
      last_event_at: row.last_event_at,
    };
  });

const rejections = (): Returns<'rejections_by_reason'> => [
  { code: 'invalid_hottok', last_day: 4, last_week: 9, last_at: ago(10) },
  { code: 'payload_too_large', last_day: 2, last_week: 2, last_at: ago(120) },
];

const sparklines = (world: World): Returns<'connection_sparklines'> =>
  connectionRows(world).map((row) => {
    const hours = Array.from({ length: 24 }, (_, hour) => (row.id === ids.connection ? 10 + (hour % 7) * 4 : 0));
    const failing = hours.map((count) => Math.round(count / 40));
    return { source_connection_id: row.id, first_hour: ago(24 * 60), received: hours, accepted: hours, dead_lettered: failing };
  });

/** A figure for every bucket of the last hours in which something arrived. */
function timeseries(world: World, from: string, to: string, bucket: string): WithNulls<Returns<'ingest_timeseries'>> {
  if (!world.filled) return [];
  const step = bucket === 'minute' ? 60_000 : bucket === 'hour' ? 3_600_000 : 86_400_000;
  const starts: number[] = [];
  for (let at = Date.parse(from); at < Date.parse(to); at += step) starts.push(at);
  return starts.slice(-20).map((at, index) => ({
    bucket_start: new Date(at).toISOString(),
    received: 20 + index,
    accepted: 15 + index,
    duplicates: 2,
    dead_lettered: 2,
    rejected: 1,
    replayed: 0,
    replayed_accepted: 0,
    lag_p50_seconds: 0.3 + index / 50,
    lag_p95_seconds: 1.5 + index / 10,
  }));
}

const secretOf = (type: string) => (type === 'hotmart' ? 'hottok' : 'signing');

const detail = (world: World, row: Row<'source_connections'>, origin: string): Connection => ({
  id: row.id,
  orgId: row.org_id,
  projectId: row.project_id,
  type: row.type,
  name: row.name,
  isActive: row.is_active,
  verdict: verdictOf(row),
  allowedIps: row.type === 'webhook' ? ['203.0.113.0/24'] : null,
  suspendedReason: row.suspended_reason,
  rateLimitPerSecond: row.rate_limit_per_second,
  priority: row.priority === 'low' ? 'low' : 'normal',
  config: row.config_json as Connection['config'],
  webhookUrl: `${origin}/api/webhooks/${row.type}/${row.id}`,
  secrets:
    row.type === 'hotmart'
      ? [
          { name: 'hottok', createdAt: ago(30), expiresAt: null },
          { name: 'hottok', createdAt: ago(50_000), expiresAt: ago(-24 * 60) },
        ]
      : [],
  missingSecrets: row.type === 'hotmart' ? [] : [secretOf(row.type)],
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  lastEventAt: world.filled ? row.last_event_at : null,
});

/** What is stored of the latest delivery: of a generic connection by its settings, of the others as their source says. */
function storedFields({ type, config_json }: Row<'source_connections'>): ConnectionFields {
  const { keep = [], personal = [] } = config_json as { keep?: string[]; personal?: string[] };
  const generic: ConnectionFields['fields'] = [
    { path: 'id', fate: 'kept', reason: 'id' },
    { path: 'points', fate: 'kept', reason: 'plain' },
    { path: 'customer', fate: 'dropped', reason: 'person' },
    { path: 'customer.email', fate: 'hashed', reason: 'identifier' },
    { path: 'course.summary', fate: 'dropped', reason: 'unnamed' },
    { path: 'course.title', fate: 'masked', reason: 'identifier' },
  ];
  const changed = generic.map((field): ConnectionFields['fields'][number] => {
    if (personal.includes(field.path)) return { ...field, fate: 'dropped', reason: 'person' };
    return keep.includes(field.path) ? { ...field, fate: 'kept', reason: 'text' } : field;
  });
  const hotmart: ConnectionFields['fields'] = [
    { path: 'event', fate: 'kept', reason: 'word' },
    { path: 'data.purchase.price.value', fate: 'kept', reason: 'plain' },
    { path: 'data.product.name', fate: 'masked', reason: 'identifier' },
    { path: 'data.buyer', fate: 'dropped', reason: 'person' },
    { path: 'data.buyer.email', fate: 'hashed', reason: 'identifier' },
  ];
  const isGeneric = type === 'webhook';
  return {
    journalId: idOf('5', 1),
    receivedAt: ago(3),
    records: 1,
    fields: isGeneric ? changed : hotmart,
    notes: isGeneric ? [{ code: 'time_unreadable', path: 'occurred_at', form: 'aaaaa aa 00a' }, { code: 'time_of_arrival' }] : [],
    isCut: false,
  };
}

/** The functions of the Data API and the routes of the API that are about connections and the deliveries that arrived through them. */
export function connectionHandlers(world: World, rows: Row<'source_connections'>[]) {
  const find = (id: unknown) => rows.find((row) => row.id === id);
  const unknown = () => problem(404, 'not_found', { detail: 'there is no such connection' });
  return [
    http.post(`${world.supabaseUrl}/rest/v1/rpc/connection_health`, async ({ request }) => {
      const { search = '', verdicts, ids: wanted } = (await request.json()) as { search?: string; verdicts?: string[]; ids?: string[] };
      const found = health(world).filter((row) => [row.name, row.type].some((text) => text?.toLowerCase().includes(search.toLowerCase())));
      return HttpResponse.json(
        found
          .filter((row) => (verdicts?.includes(row.verdict ?? '') ?? true) && (wanted?.includes(row.source_connection_id ?? '') ?? true))
          .sort((one, other) => (one.name ?? '').toLowerCase().localeCompare((other.name ?? '').toLowerCase())),
      );
    }),
    http.post(`${world.supabaseUrl}/rest/v1/rpc/rejections_by_reason`, async ({ request }) => {
      const { connection_id } = (await request.json()) as { connection_id: string };
      return HttpResponse.json(world.filled && connection_id === ids.connection ? rejections() : []);
    }),
    http.post(`${world.supabaseUrl}/rest/v1/rpc/connection_sparklines`, () => HttpResponse.json(sparklines(world))),
    http.post(`${world.supabaseUrl}/rest/v1/rpc/ingest_timeseries`, async ({ request }) => {
      const { from, to, bucket } = (await request.json()) as { from: string; to: string; bucket: string };
      return HttpResponse.json(timeseries(world, from, to, bucket));
    }),
    http.post('*/api/connections', () =>
      answer(CreatedConnection, {
        id: ids.webhook,
        webhookUrl: `https://tributary.example/api/webhooks/webhook/${ids.webhook}`,
        secret: 'whsec_shown-this-once-0123456789',
        secrets: { signing: 'whsec_shown-this-once-0123456789' },
        missingSecrets: [],
      }),
    ),
    http.get('*/api/connections/:id', ({ params, request }) => {
      const row = find(params.id);
      return row ? answer(Connection, detail(world, row, new URL(request.url).origin)) : unknown();
    }),
    http.get('*/api/connections/:id/fields', ({ params }) => {
      const row = find(params.id);
      return row ? answer(ConnectionFields, storedFields(row)) : unknown();
    }),
    http.patch('*/api/connections/:id', async ({ params, request }) => {
      const row = find(params.id);
      if (!row) return unknown();
      const { name, isActive, config } = UpdateConnection.parse(await request.json());
      Object.assign(
        row,
        name === undefined ? {} : { name },
        isActive === undefined ? {} : { is_active: isActive },
        config === undefined ? {} : { config_json: config },
      );
      return answer(Connection, detail(world, row, new URL(request.url).origin));
    }),
    http.post('*/api/connections/:id/secret', ({ params }) =>
      answer(RotatedSecret, {
        name: secretOf(find(params.id)?.type ?? ''),
        secret: 'whsec_shown-this-once-0123456789',
        secrets: [{ name: secretOf(find(params.id)?.type ?? ''), createdAt: ago(0), expiresAt: null }],
      }),
    ),
    http.post('*/api/connections/:id/test', () =>
      answer(TestedConnection, {
        sample: 'purchase-approved',
        request: {
          method: 'POST',
          url: 'https://tributary.example/api/webhooks/hotmart/1',
          headers: { 'x-hotmart-hottok': '…' },
          body: '{"id":1}',
        },
        response: { status: 200, body: { status: 'accepted', records: [{ status: 'accepted', eventId: ids.event }] } },
        durationMs: 12,
      }),
    ),
  ];
}
