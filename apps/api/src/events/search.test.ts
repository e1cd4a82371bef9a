import { randomUUID } from 'node:crypto';
import { addHistograms, EventFilter, EventHistogram, EventPage } from '@tributary/shared/events.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeWorld, type TestOrg, type TestUser, type World } from '../test/make.ts';

interface Stored {
  id: string;
  at: string;
  connectionId: string;
  type: string;
  sourceEventType: string;
  email: string | undefined;
  orderRef: string | null;
  amount: bigint | null;
  currency: string | null;
  isTest: boolean;
  properties: Record<string, unknown>;
}

let world: World;
let org: TestOrg;
let analyst: TestUser;
let connections: string[];
let events: Stored[];

const start = Date.parse('2026-06-01T00:00:00Z');
const hash = (n: number) => n.toString(16).padStart(64, '0');
const pick = <T>(from: readonly T[], n: number): T => from[n % from.length] as T;

beforeAll(async () => {
  world = await makeWorld();
  org = await world.makeOrg();
  analyst = await world.makeMember(org, 'analyst');
  connections = [await world.makeConnection(org), await world.makeConnection(org), await world.makeConnection(org)];
  // 2,000 events share thirteen moments: paging by the time alone would lose some events or show some twice.
  events = Array.from({ length: 2_000 }, (_, n) => ({
    id: randomUUID(),
    at: new Date(start + ((n * 7) % 13) * 3_600_000).toISOString().replace('Z', n % 3 ? '123Z' : '000Z'),
    connectionId: pick(connections, n),
    type: pick(['order.paid', 'order.paid', 'order.refunded', 'lead.created', 'order.chargeback'], n * 3 + (n % 7)),
    sourceEventType: pick(['PURCHASE_APPROVED', 'charge.succeeded'], n),
    email: n % 4 ? hash(n % 11) : undefined,
    orderRef: n % 5 ? `HP${n % 300}` : null,
    amount: n % 6 ? BigInt(n) * 100n - 5_000n : null,
    currency: n % 6 ? pick(['BRL', 'USD'], n >> 1) : null,
    isTest: n % 9 === 0,
    properties: n % 8 ? { plan: pick(['Gold', 'Silver 50%_off', 'ação'], n) } : {},
  }));
  await world.admin(
    `insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, event_time,
       received_at, ingested_at, idempotency_key, subject, amount_minor, currency, order_ref, attribution, properties, is_test, journal_id, schema_version)
     select e.id, $1, $2, e."connectionId", e.type, 'hotmart', e."sourceEventType", e.at, now(), now(), e.id::text,
       case when e.email is null then '{}' else jsonb_build_object('hash_version', 1, 'email', e.email) end,
       e.amount, e.currency, e."orderRef", '{}', e.properties, e."isTest", gen_random_uuid(), 1
     from jsonb_to_recordset($3) as e (id uuid, at timestamptz, "connectionId" uuid, type text, "sourceEventType" text, email text, "orderRef" text,
       amount bigint, currency text, "isTest" boolean, properties jsonb)`,
    [org.id, org.projectId, JSON.stringify(events, (_key, value) => (typeof value === 'bigint' ? Number(value) : value))],
  );
});
afterAll(() => world?.close());

async function searchAll(filter: EventFilter, limit: number, user = analyst): Promise<string[]> {
  const ids: string[] = [];
  let before: EventPage['next'] = null;
  for (let pages = 0; pages === 0 || before !== null; pages++) {
    const [row] = await world.db.as(user.claims, (sql) =>
      sql<{ page: unknown }>('select public.search_events($1, $2, $3, $4) as page', [
        org.id,
        JSON.stringify(filter),
        before && JSON.stringify(before),
        limit,
      ]),
    );
    const page = EventPage.parse(row?.page);
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    ids.push(...page.rows.map(({ id }) => id));
    before = page.next;
    expect(pages).toBeLessThan(3_000);
  }
  return ids;
}

async function countAll(filter: EventFilter, from: string, to: string): Promise<EventHistogram> {
  const ask = async (until: string) => {
    const [row] = await world.db.as(analyst.claims, (sql) =>
      sql<{ histogram: unknown }>('select public.events_histogram($1, $2, $3, 3600, $4) as histogram', [
        org.id,
        from,
        until,
        JSON.stringify(filter),
      ]),
    );
    return EventHistogram.parse(row?.histogram);
  };
  let histogram = await ask(to);
  while (histogram.countedFrom !== null) histogram = addHistograms(histogram, await ask(histogram.countedFrom));
  return histogram;
}

const folded = (text: string) =>
  text
    .normalize('NFD')
    .replaceAll(/\p{Mn}/gu, '')
    .toLowerCase();

/** A second implementation of the filter, in plain TypeScript. */
function matches(event: Stored, filter: EventFilter): boolean {
  const { amountMin, amountMax } = filter;
  const texts = [event.id, event.type, event.sourceEventType, event.orderRef ?? '', ...Object.values(event.properties).map(String)];
  return (
    (filter.from === undefined || event.at >= filter.from.replace('Z', '')) &&
    (filter.to === undefined || event.at < filter.to.replace('Z', '')) &&
    (filter.connectionIds?.includes(event.connectionId) ?? true) &&
    (filter.types?.includes(event.type) ?? true) &&
    (filter.subjects === undefined || (event.email !== undefined && filter.subjects.includes(event.email))) &&
    (filter.orderRef === undefined || event.orderRef === filter.orderRef) &&
    (filter.currency === undefined || event.currency === filter.currency) &&
    (amountMin === undefined || (event.amount !== null && event.amount >= BigInt(amountMin))) &&
    (amountMax === undefined || (event.amount !== null && event.amount <= BigInt(amountMax))) &&
    (filter.test === undefined || event.isTest === (filter.test === 'only')) &&
    (filter.q === undefined || texts.some((text) => folded(text).includes(folded(filter.q ?? ''))))
  );
}

const expected = (filter: EventFilter) =>
  events
    .filter((event) => matches(event, filter))
    .sort((a, b) => (a.at === b.at ? (a.id < b.id ? 1 : -1) : a.at < b.at ? 1 : -1))
    .map(({ id }) => id);

const at = (hours: number) => new Date(start + hours * 3_600_000).toISOString();
const filters: [string, () => EventFilter][] = [
  ['nothing', () => ({})],
  ['a time', () => ({ from: at(2), to: at(9) })],
  ['a connection', () => ({ connectionIds: [connections[1] as string] })],
  ['two connections', () => ({ connectionIds: connections.slice(1) })],
  ['a type', () => ({ types: ['order.chargeback'] })],
  ['types of a connection', () => ({ types: ['order.paid', 'lead.created'], connectionIds: [connections[0] as string] })],
  ['a person', () => ({ subjects: [hash(3)] })],
  ['people, in a time', () => ({ subjects: [hash(3), hash(7)], from: at(1), to: at(6) })],
  ['an order', () => ({ orderRef: 'HP77' })],
  ['an order and a type', () => ({ orderRef: 'HP77', types: ['order.paid'] })],
  ['a currency', () => ({ currency: 'USD' })],
  ['amounts', () => ({ currency: 'BRL', amountMin: '-4000', amountMax: '90000' })],
  ['test events only', () => ({ test: 'only' })],
  ['no test events', () => ({ test: 'hide' })],
  ['a text in the properties', () => ({ q: 'gOLD' })],
  ['a text with characters of LIKE patterns', () => ({ q: '50%_off' })],
  ['a text with accents', () => ({ q: 'Ação' })],
  ['a text without its accents', () => ({ q: 'acao' })],
  ['a text with accents that the events do not have', () => ({ q: 'Göld' })],
  ['an idempotency key', () => ({ q: events[42]?.id.toUpperCase() })],
  ['a text in the platform’s name', () => ({ q: 'charge.succ' })],
  ['a text that is nowhere', () => ({ q: '100%' })],
  ['all at once', () => ({ from: at(1), to: at(12), types: ['order.paid'], currency: 'BRL', amountMin: '1', test: 'hide', q: 'gold' })],
];

describe('a search by', () => {
  it.each(filters)('%s: pages list each event once and in order, and the histogram counts the same events', async (_name, filterOf) => {
    const filter = EventFilter.parse(filterOf());
    const wanted = expected(filter);
    expect(await searchAll(filter, 200)).toEqual(wanted);
    const { from = at(0), to = at(24), ...rest } = filter;
    const { buckets } = await countAll(rest, from, to);
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(wanted.length);
    for (const { start: hour, count } of buckets) {
      const until = new Date(Date.parse(hour) + 3_600_000).toISOString();
      expect(count, hour).toBe(expected({ ...rest, from: hour.replace(/\+00:00$/, 'Z'), to: until }).length);
    }
  });

  it('no condition lists each event once, also when pages end among events of one moment', async () => {
    const wanted = expected({});
    for (const limit of [1_000, 37, 153]) expect(await searchAll({}, limit)).toEqual(wanted);
    expect(await searchAll({ orderRef: 'HP77' }, 1)).toEqual(expected({ orderRef: 'HP77' }));
  });

  it('an e-mail address is refused, so that it is in no URL and no log', async () => {
    await expect(searchAll({ q: 'Ana <ana@example.com>' }, 10)).rejects.toThrow('look the person up');
    expect(EventFilter.safeParse({ q: 'ana@example.com' }).error?.issues[0]?.message).toContain('/api/events/subject-hash');
    expect(EventFilter.safeParse({ q: 'HP3412345678' }).success).toBe(true);
  });

  it('a member of another org finds no event', async () => {
    expect(await searchAll({}, 200, (await world.makeOrg()).owner)).toEqual([]);
  });
});
