import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../local/test-cluster.ts';
import { createTestDatabase, startSupabase } from '../local/testing.ts';
import { commands, matrix } from './matrix.ts';
import { connectionId, createWorld, inviteId, orgId, projectId, userId } from './world.ts';

// Checks the isolation of isolation.test.ts in the way of a browser: with supabase-js, a real sign-in and the Data API.

type Supabase = Awaited<ReturnType<typeof startSupabase>>;
type Person = 'member of A' | 'member of B' | 'stranger' | 'anon' | 'secret key';

let database: TestDatabase;
let supabase: Supabase;
let admin: pg.Client;
const clients = {} as Record<Person, SupabaseClient>;

const open = (key: string) => createClient(supabase.url, key, { auth: { persistSession: false, autoRefreshToken: false } });

async function signUp(email: string): Promise<{ client: SupabaseClient; id: string }> {
  const client = open(supabase.publishableKey);
  const { data, error } = await client.auth.signUp({ email, password: 'correct horse battery' });
  if (error || !data.user) throw error ?? new Error(`no user for ${email}`);
  return { client, id: data.user.id };
}

beforeAll(async () => {
  database = await createTestDatabase();
  admin = new pg.Client({ connectionString: database.superuserUrl });
  await admin.connect();
  await createWorld(admin);
  supabase = await startSupabase({ databaseUrl: database.adminUrl, port: 0 });
  const [a, b, stranger] = [await signUp('a@people.example'), await signUp('b@people.example'), await signUp('s@people.example')];
  clients['member of A'] = a.client;
  clients['member of B'] = b.client;
  clients.stranger = stranger.client;
  clients.anon = open(supabase.publishableKey);
  clients['secret key'] = open(supabase.secretKey);
  await admin.query('insert into public.org_members (org_id, user_id, role) values ($1, $2, $3), ($4, $5, $3)', [
    orgId('A'),
    a.id,
    'owner',
    orgId('B'),
    b.id,
  ]);
});
afterAll(async () => {
  await supabase?.close();
  await admin?.end();
  await database?.drop();
});

const exposed = Object.keys(matrix)
  .filter((table) => table.startsWith('public.'))
  .map((table) => table.replace('public.', ''));
const orgColumn = (table: string) => (table === 'orgs' ? 'id' : 'org_id');
const people = ['member of A', 'member of B', 'stranger', 'anon', 'secret key'] as const satisfies readonly Person[];
const signedIn = ['member of A', 'member of B', 'stranger'] as const satisfies readonly Person[];

describe('select', () => {
  it.each(exposed)(
    '%s: members see only the rows of their org, a stranger sees no row, anon is refused, and the secret key reads every org',
    async (table) => {
      for (const [person, own] of [
        ['member of A', orgId('A')],
        ['member of B', orgId('B')],
      ] as const) {
        const { data, error } = await clients[person].from(table).select('*');
        expect(error).toBeNull();
        expect(new Set(data?.map((row) => row[orgColumn(table)]))).toEqual(new Set([own]));
        // also when the request names the other org
        const other = await clients[person]
          .from(table)
          .select('*')
          .eq(orgColumn(table), own === orgId('A') ? orgId('B') : orgId('A'));
        expect(other).toMatchObject({ error: null, data: [] });
      }
      expect(await clients.stranger.from(table).select('*')).toMatchObject({ error: null, data: [] });
      expect((await clients.anon.from(table).select('*')).error?.code).toBe('42501');
      // This view asks functions of the schema private.
      if (table === 'data_retention') return;
      const all = await clients['secret key'].from(table).select('*');
      expect(all.error).toBeNull();
      expect(new Set(all.data?.map((row) => row[orgColumn(table)]))).toEqual(new Set([orgId('A'), orgId('B')]));
    },
  );
});

describe('writes that the data API refuses to everybody', () => {
  const refusals = exposed.flatMap((table) =>
    commands
      .filter((command) => command !== 'select')
      .filter((command) => [matrix[`public.${table}`]?.rules[command] ?? []].flat().every((rule) => !rule.granted.includes('owner A')))
      .map((command) => [command, table] as const),
  );
  it.each(refusals)('%s %s is refused to everybody', async (command, table) => {
    const column = matrix[`public.${table}`]?.column ?? '';
    for (const person of people) {
      const source = clients[person].from(table);
      const { error } =
        command === 'insert'
          ? await source.insert({ [orgColumn(table)]: orgId('A') } as never)
          : command === 'update'
            ? await source.update({ [column]: null } as never).eq(orgColumn(table), orgId('A'))
            : await source.delete().eq(orgColumn(table), orgId('A'));
      // Into a view of several tables Postgres writes for nobody, and says so before it looks at the grants.
      expect(error?.code, `${person}`).toBe(table === 'data_retention' ? '55000' : '42501');
    }
  });
});

describe('authority', () => {
  const colleagueInvites = async (id: string) =>
    (await admin.query('select email from public.org_invites where invited_by = $1', [id])).rows.map(({ email }) => email);

  it.each(['demotes', 'removes'] as const)('ends with its holder when an owner %s an admin', async (way) => {
    const { id } = await signUp(`${way}@people.example`);
    await admin.query(`insert into public.org_members (org_id, user_id, role) values ($1, $2, 'admin')`, [orgId('A'), id]);
    await admin.query(`insert into public.org_invites (org_id, email, role, invited_by) values ($1, 'friend@c.example', 'admin', $2)`, [
      orgId('A'),
      id,
    ]);
    expect(await colleagueInvites(id)).toEqual(['friend@c.example']);
    const members = clients['member of A'].from('org_members');
    const { error } = await (way === 'demotes' ? members.update({ role: 'analyst' }) : members.delete()).eq('user_id', id);
    expect(error).toBeNull();
    expect(await colleagueInvites(id)).toEqual([]);
  });

  it('needs the second factor that the org requires: a write is answered 403 with the hint mfa_required, and reads are answered', async () => {
    await admin.query('update public.org_security set requires_second_factor = true where org_id = $1', [orgId('A')]);
    try {
      const refused = await clients['member of A'].from('projects').update({ name: 'Mine' }).eq('org_id', orgId('A'));
      expect(refused).toMatchObject({ status: 403, error: { code: '42501', hint: 'mfa_required' } });
      expect((await clients['member of A'].from('projects').select('id')).error).toBeNull();
    } finally {
      await admin.query('update public.org_security set requires_second_factor = false where org_id = $1', [orgId('A')]);
    }
  });
});

describe('what an owner may write', () => {
  const others = ['member of B', 'stranger'] as const;

  it('renames their own org, and no other actor can rename it', async () => {
    for (const person of others)
      expect(await clients[person].from('orgs').update({ name: 'Theirs' }).eq('id', orgId('A')).select()).toMatchObject({
        error: null,
        data: [],
      });
    expect((await clients.anon.from('orgs').update({ name: 'Theirs' }).eq('id', orgId('A'))).error?.code).toBe('42501');
    expect((await clients['member of A'].from('orgs').update({ name: 'Ours' }).eq('id', orgId('A')).select('name')).data).toEqual([
      { name: 'Ours' },
    ]);
  });

  it('adds a project to their own org only', async () => {
    const project = (person: Person, slug: string) =>
      clients[person]
        .from('projects')
        .insert({ org_id: orgId('A'), name: 'New', slug })
        .select('slug');
    expect((await project('member of A', 'mine')).data).toEqual([{ slug: 'mine' }]);
    for (const person of [...others, 'anon', 'secret key'] as const) expect((await project(person, 'theirs')).error?.code).toBe('42501');
  });

  it('adds no connection and writes no configuration: only the API does, which checks it by the schema of the source', async () => {
    const connect = (person: Person) =>
      clients[person].from('source_connections').insert({ org_id: orgId('A'), project_id: projectId('A'), name: 'New', type: 'stripe' });
    const configure = (person: Person) =>
      clients[person]
        .from('source_connections')
        .update({ config_json: { verification: 'none' } })
        .eq('id', connectionId('A'));
    for (const person of ['member of A', ...others, 'anon'] as const) {
      expect((await connect(person)).error?.code).toBe('42501');
      expect((await configure(person)).error?.code).toBe('42501');
    }
  });

  it('pauses their own connection, but cannot move it to another org', async () => {
    const own = () => clients['member of A'].from('source_connections');
    expect((await own().update({ is_active: false }).eq('id', connectionId('A')).select('is_active')).data).toEqual([{ is_active: false }]);
    expect((await own().update({ is_active: false }).eq('id', connectionId('B')).select()).data).toEqual([]);
    expect(
      (
        await own()
          .update({ org_id: orgId('B') })
          .eq('id', connectionId('A'))
      ).error?.code,
    ).toBe('42501');
    expect((await own().update({ deleted_at: null }).eq('id', connectionId('A'))).error?.code).toBe('42501');
  });

  it('sets the roles of members of their own org only', async () => {
    const promote = (person: Person) =>
      clients[person]
        .from('org_members')
        .update({ role: 'admin' })
        .eq('user_id', userId('A', 'analyst'))
        .eq('org_id', orgId('A'))
        .select('role');
    for (const person of others) expect((await promote(person)).data).toEqual([]);
    expect((await promote('member of A')).data).toEqual([{ role: 'admin' }]);
  });

  it('requests the retry of a dead letter, and cannot rewrite it', async () => {
    const retry = (person: Person) =>
      clients[person]
        .from('dlq_events')
        .update({ status: 'pending', next_retry_at: new Date().toISOString() })
        .eq('org_id', orgId('A'))
        .select('status');
    for (const person of others) expect((await retry(person)).data).toEqual([]);
    expect((await retry('member of A')).data).toEqual([{ status: 'pending' }]);
    expect((await clients['member of A'].from('dlq_events').update({ status: 'resolved' }).eq('org_id', orgId('A'))).error?.code).toBe(
      '42501',
    );
    expect((await clients['member of A'].from('dlq_events').update({ error_class: 'NONE' }).eq('org_id', orgId('A'))).error?.code).toBe(
      '42501',
    );
  });

  it('withdraws an invite and removes a member of their own org only', async () => {
    for (const person of others) {
      expect((await clients[person].from('org_invites').delete().eq('id', inviteId('A')).select()).data).toEqual([]);
      expect((await clients[person].from('org_members').delete().eq('user_id', userId('A', 'admin')).select()).data).toEqual([]);
    }
    expect((await clients['member of A'].from('org_invites').delete().eq('id', inviteId('A')).select('id')).data).toEqual([
      { id: inviteId('A') },
    ]);
    expect((await clients['member of A'].from('org_members').delete().eq('user_id', userId('A', 'admin')).select('role')).data).toEqual([
      { role: 'admin' },
    ]);
  });
});

describe('rpc', () => {
  it('create_org makes the signed-in caller the owner', async () => {
    const { data, error } = await clients.stranger.rpc('create_org', { name: 'Third' });
    expect(error).toBeNull();
    expect((await clients.stranger.from('orgs').select('id, name')).data).toEqual([{ id: data.org_id, name: 'Third' }]);
    await admin.query('delete from public.orgs where id = $1', [data.org_id]);
    for (const person of ['anon', 'secret key'] as const)
      expect((await clients[person].rpc('create_org', { name: 'Mine' })).error?.code).toBe('42501');
  });

  it("connection_health returns connections of the caller's orgs only", async () => {
    for (const person of signedIn) {
      const { data, error } = await clients[person].rpc('connection_health', { org_id: orgId('B') });
      expect(error).toBeNull();
      expect(data.map((row: { source_connection_id: string }) => row.source_connection_id)).toEqual(
        person === 'member of B' ? [connectionId('B')] : [],
      );
    }
    for (const person of ['anon', 'secret key'] as const)
      expect((await clients[person].rpc('connection_health', { org_id: orgId('B') })).error?.code).toBe('42501');
  });

  it('connection_health has pages of connections by name, each once, and searches on the server', async () => {
    await admin.query(
      `insert into public.source_connections (org_id, project_id, type, name)
       select org_id, project_id, 'webhook', 'Many ' || lpad((n / 2)::text, 4, '0') from public.source_connections cross join generate_series(1, 1200) n
       where id = $1`,
      [connectionId('B')],
    );
    const client = clients['member of B'];
    const page = async (options: object) => {
      const { data, error } = await client.rpc('connection_health', { org_id: orgId('B'), ...options });
      expect(error).toBeNull();
      return data as { source_connection_id: string; name: string }[];
    };
    const found: string[] = [];
    for (let after: string | undefined; ; ) {
      const rows = await page({ page_limit: 250, search: 'mANY', active: true, ...(after ? { after } : {}) });
      if (rows.length === 0) break;
      expect(rows.length).toBeLessThanOrEqual(250);
      found.push(...rows.map((row) => row.source_connection_id));
      after = rows.at(-1)?.source_connection_id;
    }
    expect([found.length, new Set(found).size]).toEqual([1200, 1200]);
    expect(await page({})).toHaveLength(1000);
    expect((await page({ ids: found.slice(7, 9) })).map((row) => row.source_connection_id).sort()).toEqual(found.slice(7, 9).sort());
    const { data: trends } = await client.rpc('connection_sparklines', { org_id: orgId('B'), ids: found.slice(0, 3) });
    expect(trends).toHaveLength(3);
    // Without any limit, the Data API answers with the rows that `max_rows` allows.
    expect((await client.from('source_connections').select('id')).data).toHaveLength(1000);
    await admin.query(`delete from public.source_connections where name like 'Many %'`);
  });

  it("ingest_timeseries accepts parameters named by reserved words and counts the caller's orgs only", async () => {
    const range = { org_id: orgId('B'), from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z', bucket: 'day' };
    for (const person of signedIn) {
      const { data, error } = await clients[person].rpc('ingest_timeseries', range);
      expect(error).toBeNull();
      expect(data.length).toBe(person === 'member of B' ? 1 : 0);
    }
    expect((await clients.anon.rpc('ingest_timeseries', range)).error?.code).toBe('42501');
  });

  it('cannot call any function of the private schema', async () => {
    for (const person of people) {
      const client = clients[person];
      expect((await client.rpc('my_orgs')).error).not.toBeNull();
      expect((await client.schema('private' as 'public').rpc('find_connection', { p_id: connectionId('A') })).error).not.toBeNull();
      expect(
        (
          await client
            .schema('private' as 'public')
            .from('connection_secrets')
            .select('*')
        ).error,
      ).not.toBeNull();
    }
  });
});
