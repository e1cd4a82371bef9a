import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageBytesMax } from '../platform/pages.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg } from '../test/make.ts';
import type { ApiDocument } from './routes.ts';

/** The most bytes of any answer: a page, its names of fields and one row that is as large as a row can be. */
const answerBytesMax = 2 * pageBytesMax;
const operatorToken = 'operator-token-for-tests-000000';

let world: TestApi;
let org: TestOrg;
let connectionId: string;

beforeAll(async () => {
  world = await startTestApi();
  org = await world.makeOrg();
  connectionId = await world.makeConnection(org, { type: 'webhook' });
});
afterAll(() => world.close());

type Body = Record<string, { id: string }[]>;

interface List {
  path: string;
  /** Inserts the rows, each as large as it may be, and returns how many the list then has. */
  fill(): Promise<number>;
  rowsOf(body: Body): { id?: string }[];
}

/** Inserts `count` rows by one statement, in which `$1` is the org and `$2` its connection. */
async function insert(count: number, text: string): Promise<number> {
  const values = [org.id, connectionId].slice(0, text.includes('$2') ? 2 : text.includes('$1') ? 1 : 0);
  await world.admin(text.replace('ROWS', `generate_series(1, ${count}) as g (n)`), values);
  return count;
}

const filter = `jsonb_build_object('ids', array(select gen_random_uuid() from generate_series(1, 800)))`;

/** Every route that has pages, by its path in the description. */
const lists: Record<string, List> = {
  '/api/connections': {
    path: '/api/connections',
    fill: async () =>
      1 +
      (await insert(
        150,
        `insert into public.source_connections (org_id, project_id, type, name, config_json)
         select c.org_id, c.project_id, 'webhook', repeat('n', 120), jsonb_build_object('text', repeat('x', 30000))
         from public.source_connections c cross join ROWS where c.org_id = $1 and c.id = $2`,
      )),
    rowsOf: (body) => body as unknown as { id: string }[],
  },
  '/api/invites': {
    path: '/api/invites?orgId=ORG',
    fill: () =>
      insert(
        1_000,
        `insert into public.org_invites (org_id, email, role)
         select $1, 'a' || n || repeat('b', 200) || '@example.com', 'analyst' from ROWS`,
      ),
    rowsOf: (body) => body as unknown as { id: string }[],
  },
  '/api/legal-holds': {
    path: '/api/legal-holds?orgId=ORG',
    fill: () =>
      insert(
        1_000,
        `insert into public.legal_holds (org_id, source_connection_id, reason, released_at)
         select $1, $2, repeat('r', 500), case when n % 2 = 0 then now() end from ROWS`,
      ),
    rowsOf: ({ holds = [] }: Body) => holds,
  },
  '/api/orgs/{id}/keys': {
    path: '/api/orgs/ORG/keys',
    fill: () =>
      insert(
        1_000,
        `insert into private.org_keys (org_id, kind, version, wrapped, master_version) select $1, 'hash', n, '\\x00', 1 from ROWS`,
      ),
    rowsOf: (body) =>
      (body.keys as unknown as { kind: string; version: number }[]).map(({ kind, version }) => ({ id: `${kind} ${version}` })),
  },
  '/api/events/latest': {
    path: '/api/events/latest?orgId=ORG&limit=200',
    fill: () =>
      insert(
        220,
        `insert into public.event_journal
           (id, org_id, source_connection_id, received_at, content_type, byte_size, body_sha256, record_count, outcome, event_types)
         select gen_random_uuid(), $1, $2, now(), repeat('c', 10000), 1, repeat('0', 64), 1, 'accepted',
           array(select repeat('t', 1000) || i from generate_series(1, 80) as t (i)) from ROWS`,
      ),
    rowsOf: ({ entries = [] }: Body) => entries,
  },
  '/api/dlq': {
    path: '/api/dlq?orgId=ORG&limit=200',
    fill: () =>
      insert(
        220,
        `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message,
           field_path, source_event_type, sample)
         select gen_random_uuid(), c.org_id, c.project_id, c.id, gen_random_uuid(), 'SCHEMA_DRIFT', repeat('m', 500),
           'f' || n || repeat('p', 200), 'e' || n || repeat('t', 200), jsonb_build_object('text', repeat('s', 30000))
         from public.source_connections c cross join ROWS where c.org_id = $1 and c.id = $2`,
      ),
    rowsOf: ({ entries = [] }: Body) => entries,
  },
  '/api/dlq/operations': {
    path: '/api/dlq/operations?orgId=ORG&limit=200',
    fill: () =>
      insert(
        50,
        `insert into public.dlq_operations (org_id, kind, filter, status, total, finished_at) select $1, 'discard', ${filter}, 'done', 1, now() from ROWS`,
      ),
    rowsOf: ({ operations = [] }: Body) => operations,
  },
  '/api/erasures': {
    path: '/api/erasures?orgId=ORG&limit=200',
    fill: () =>
      insert(
        1_000,
        `insert into public.erasures (id, org_id, kinds, reference, status, completed_at, created_by)
         select gen_random_uuid(), $1, '{email,phone,document,external_id}', repeat('r', 120), 'completed', now(), gen_random_uuid() from ROWS`,
      ),
    rowsOf: ({ erasures = [] }: Body) => erasures,
  },
  '/api/approvals': {
    path: '/api/approvals?orgId=ORG&limit=200',
    fill: () =>
      insert(
        99,
        `insert into public.approvals (org_id, kind, params, requested_by)
         select $1, 'purge', jsonb_build_object('filter', ${filter}, 'total', 1), gen_random_uuid() from ROWS`,
      ),
    rowsOf: ({ approvals = [] }: Body) => approvals,
  },
  '/api/audit': {
    path: '/api/audit?orgId=ORG&limit=200',
    fill: async () => {
      await insert(
        300,
        `insert into public.audit_log (org_id, action, detail) select $1, 'dlq.full_sample', jsonb_build_object('text', repeat('d', 10000)) from ROWS`,
      );
      const [row] = await world.admin('select count(*)::integer as n from public.audit_log where org_id = $1', [org.id]);
      return Number(row?.n);
    },
    rowsOf: ({ entries = [] }: Body) => entries,
  },
  '/api/replays': {
    path: '/api/replays?orgId=ORG',
    fill: () =>
      insert(
        50,
        `insert into public.replay_plans (org_id, name, mode, filter, throttle_per_second, matched_count, needs_second_approval, created_by)
         select $1, repeat('n', 120), 'replay', ${filter}, 1, 1, false, gen_random_uuid() from ROWS`,
      ),
    rowsOf: ({ plans = [] }: Body) => plans,
  },
  '/api/alerts/incidents': {
    path: '/api/alerts/incidents?orgId=ORG&limit=200',
    fill: () =>
      insert(
        1_000,
        `insert into public.alert_incidents (org_id, kind, source_connection_id, status, level, peak_level, value, threshold, message,
           opened_at, last_seen_at, last_notified_at, resolved_at, resolution)
         select $1, 'IngestDLQSpike', $2, 'resolved', 'info', 'info', 1, 1, repeat('m', 5000), now(), now(), now(), now(), 'recovered' from ROWS`,
      ),
    rowsOf: ({ incidents = [] }: Body) => incidents,
  },
  '/api/admin/transitions': {
    path: '/api/admin/transitions?limit=200',
    fill: async () => {
      const [before] = await world.admin('select count(*)::integer as n from private.flow_transitions');
      const added = await insert(
        1_000,
        `insert into private.flow_transitions (from_mode, to_mode, cause, changed_by) select 'normal', 'drain', repeat('c', 500), 'operator' from ROWS`,
      );
      return Number(before?.n) + added;
    },
    rowsOf: ({ transitions = [] }: Body) => transitions,
  },
  '/api/admin/acts': {
    path: '/api/admin/acts?limit=200',
    fill: async () => {
      const [before] = await world.admin('select count(*)::integer as n from private.operator_acts');
      const added = await insert(
        500,
        `insert into private.operator_acts (operator, action, reason, detail)
         select 'ana', 'set_quotas', repeat('r', 500), jsonb_build_object('text', repeat('x', 15000)) from ROWS`,
      );
      return Number(before?.n) + added;
    },
    rowsOf: ({ acts = [] }: Body) => acts,
  },
  '/api/admin/orgs': {
    path: '/api/admin/orgs?limit=200',
    fill: async () => {
      const [before] = await world.admin('select count(*)::integer as n from public.orgs');
      const added = await insert(
        600,
        `insert into public.orgs (name, slug, suspended_at, suspended_reason) select repeat('n', 120), 'many-' || n, now(), repeat('\u00e9', 500) from ROWS`,
      );
      return Number(before?.n) + added;
    },
    rowsOf: ({ orgs = [] }: Body) => orgs,
  },
};

const tokenFor = (path: string) => (path.startsWith('/api/admin') ? operatorToken : org.owner.token);

describe('a list with many large rows', () => {
  it('is tested here for every route with pages', async () => {
    const document: ApiDocument = (await call(world.app, undefined, 'GET', '/openapi.json')).body;
    const paged = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      (item?.get?.parameters ?? []).some((one) => 'name' in one && one.name === 'cursor') ? [path] : [],
    );
    expect(paged.toSorted()).toEqual(Object.keys(lists).toSorted());
  });

  for (const [name, list] of Object.entries(lists)) {
    it(`is answered in small pages, each row once: ${name}`, { timeout: 60_000 }, async () => {
      const count = await list.fill();
      const found: string[] = [];
      let path: string | null = list.path.replace('ORG', org.id);
      for (let pages = 0; path !== null; pages++) {
        const answer = await call(world.app, tokenFor(path), 'GET', path);
        expect(answer.status, answer.text.slice(0, 300)).toBe(200);
        expect(answer.text.length).toBeLessThan(answerBytesMax);
        const rows = list.rowsOf(answer.body);
        expect(rows.length).toBeGreaterThan(0);
        expect(rows.length).toBeLessThanOrEqual(200);
        found.push(...rows.map((row) => String(row.id)));
        path = nextPath(path, answer);
        expect(pages).toBeLessThanOrEqual(count);
      }
      expect(found.length).toBe(count);
      expect(new Set(found).size).toBe(count);
    });
  }

  it('is not read by one request that names a cursor of another list', async () => {
    const cursor = Buffer.from('data.1').toString('base64url');
    for (const path of ['/api/connections', `/api/invites?orgId=${org.id}`, `/api/legal-holds?orgId=${org.id}`]) {
      const answer = await call(world.app, org.owner, 'GET', `${path}${path.includes('?') ? '&' : '?'}cursor=${cursor}`);
      expect(answer.body).toMatchObject({ status: 400, code: 'invalid_request' });
    }
  });

  it('does not make any other answer larger than a page', async () => {
    const [incident] = await world.admin('select id from public.alert_incidents where org_id = $1 limit 1', [org.id]);
    for (const path of [
      '/api/dlq/summary?orgId=ORG',
      '/api/dlq/analyze?orgId=ORG',
      '/api/dlq/sample?orgId=ORG&limit=100',
      '/api/alerts/rules?orgId=ORG',
      '/api/alerts/channels?orgId=ORG',
      `/api/alerts/incidents/${incident?.id}`,
    ]) {
      const answer = await call(world.app, org.owner, 'GET', path.replace('ORG', org.id));
      expect(answer.status, path).toBe(200);
      expect(answer.text.length, path).toBeLessThan(answerBytesMax);
    }
  });
});

function nextPath(path: string, { headers, body }: { headers: Headers; body: { next?: string | null } }): string | null {
  const link = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
  if (link !== undefined || body.next === undefined || body.next === null) return link ?? null;
  const url = new URL(path, 'http://any');
  url.searchParams.set('cursor', body.next);
  return url.pathname + url.search;
}
