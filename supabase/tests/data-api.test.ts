import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../local/test-cluster.ts';
import { createTestDatabase, startSupabase } from '../local/testing.ts';
import { alertChannelId, connectionId, createWorld, deadLetterId, orgId, projectId } from './world.ts';

// What the owner of an org may write through the Data API, with supabase-js and a real sign-in: what the API would refuse, the Data API refuses.

let database: TestDatabase;
let supabase: Awaited<ReturnType<typeof startSupabase>>;
let admin: pg.Client;
let owner: SupabaseClient;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = new pg.Client({ connectionString: database.superuserUrl });
  await admin.connect();
  await createWorld(admin);
  supabase = await startSupabase({ databaseUrl: database.adminUrl, port: 0 });
  owner = createClient(supabase.url, supabase.publishableKey, { auth: { persistSession: false, autoRefreshToken: false } });
  const { data, error } = await owner.auth.signUp({ email: 'owner@people.example', password: 'correct horse battery' });
  if (error || !data.user) throw error ?? new Error('no user');
  await admin.query(`insert into public.org_members (org_id, user_id, role) values ($1, $2, 'owner')`, [orgId('A'), data.user.id]);
});
afterAll(async () => {
  await supabase?.close();
  await admin?.end();
  await database?.drop();
});

/** A check constraint refused it. The embedded Supabase hides the code of such errors; a hosted one says 23514. */
const byCheck = expect.stringMatching(/^(23514|SUP)$/);

/** The texts that people may write, each by a function that writes it. */
const texts: Record<string, (text: string) => PromiseLike<{ error: { code: string } | null }>> = {
  'the name of an org': (name) => owner.from('orgs').update({ name }).eq('id', orgId('A')),
  'the name of a project': (name) => owner.from('projects').update({ name }).eq('id', projectId('A')),
  'the name of a new project': (name) => owner.from('projects').insert({ org_id: orgId('A'), name, slug: 'new' }),
  'the name of a connection': (name) => owner.from('source_connections').update({ name }).eq('id', connectionId('A')),
  'the name of a channel': (name) => owner.from('alert_channels').update({ name }).eq('id', alertChannelId('A')),
  'the reason of a legal hold': (reason) => owner.from('legal_holds').insert({ org_id: orgId('A'), reason }),
  'the name of a new org': (name) => owner.rpc('create_org', { name }),
  'the name of the first project': (project_name) => owner.rpc('create_org', { name: 'Fine', project_name }),
};
const bad: Record<string, string> = {
  'a huge text': 'x'.repeat(200_000),
  'a text that is just too long': 'x'.repeat(501),
  'an empty text': '',
  'white space': ' \t ',
  'invisible characters': '\u200b\u2060\u3164',
  'a control character': 'Shop\u0007',
  'an escape sequence of a terminal': 'Shop\u001b[2J',
  'a right-to-left override': 'Shop \u202egpj.exe',
  'an isolate': '\u2067Shop',
};

describe.each(Object.entries(texts))('%s', (_, write) => {
  it.each(Object.entries(bad))('is refused: %s', async (_what, text) => {
    expect((await write(text)).error?.code).toEqual(byCheck);
  });

  it('may be in any script, with emoji', async () => {
    for (const text of ['Loja São João', '商店 東京', 'متجر', 'Loja 🛍️ 👩‍👩‍👧']) {
      expect((await write(text)).error).toBeNull();
      await admin.query(`delete from public.projects where slug = 'new'`);
      await admin.query(
        `delete from public.org_members where role = 'owner' and org_id in (select id from public.orgs where name in ($1, 'Fine')) and org_id <> $2`,
        [text, orgId('A')],
      );
    }
  });
});

describe('other values', () => {
  it('of a rule are refused when they are not its thresholds', async () => {
    const write = (thresholds: unknown) =>
      owner.from('alert_rules').update({ thresholds }).eq('org_id', orgId('A')).eq('kind', 'IngestDLQSpike');
    const deep = JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`);
    for (const wrong of [{}, [], 'x', deep, { critical: 1 }, { text: 'x'.repeat(100_000) }])
      expect((await write(wrong)).error?.code).toEqual(byCheck);
  });

  it('of a dead letter are only a status and a retry within 30 days', async () => {
    // A legal hold forbids every change of a dead letter.
    await admin.query('update public.legal_holds set released_at = now() where released_at is null');
    const write = (row: object) => owner.from('dlq_events').update(row).eq('id', deadLetterId('A'));
    for (const at of ['infinity', '-infinity', '9999-01-01', '1970-01-01'])
      expect((await write({ status: 'pending', next_retry_at: at })).error?.code).toEqual(byCheck);
    for (const row of [{ sample: {} }, { last_error_message: 'x' }, { attempts: 0 }, { error_class: 'x' }])
      expect((await write(row)).error?.code).toBe('42501');
    for (const status of ['retrying', 'resolved', 'exhausted', 'x']) expect((await write({ status })).error).not.toBeNull();
    expect((await write({ status: 'pending', next_retry_at: new Date().toISOString() })).error).toBeNull();
  });

  it('beyond a quota are refused with 429, and the answer says which quota and how to get more', async () => {
    await admin.query(`insert into private.quotas (name, org_id, value) values ('open_legal_holds', $1, 0)`, [orgId('A')]);
    const { status, error } = await owner.from('legal_holds').insert({ org_id: orgId('A'), reason: 'Case 9' });
    expect(status).toBe(429);
    expect(error).toMatchObject({
      code: 'PT429',
      message: 'the quota "open_legal_holds" is used up: it is 0',
      hint: expect.stringContaining('operator'),
    });
  });

  it('of a suspended org are refused with 403, and its rows can be read', async () => {
    await admin.query(`update public.orgs set suspended_at = now(), suspended_reason = 'Unpaid' where id = $1`, [orgId('A')]);
    const { status, error } = await owner.from('projects').update({ name: 'Other' }).eq('id', projectId('A'));
    expect([status, error?.code]).toEqual([403, 'PT403']);
    expect((await owner.from('orgs').select('suspended_reason').eq('id', orgId('A'))).data).toEqual([{ suspended_reason: 'Unpaid' }]);
    expect((await owner.from('orgs').update({ suspended_at: null }).eq('id', orgId('A'))).error?.code).toBe('42501');
  });
});
