import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withClient } from './database.ts';
import type { Supabase } from './supabase.ts';
import type { TestDatabase } from './test-cluster.ts';
import { createTestDatabase, startSupabase } from './testing.ts';

let database: TestDatabase;
let supabase: Supabase;
let grantsOfMigrations: unknown[];
const clientOf = (key: string): SupabaseClient => createClient(supabase.url, key, { auth: { persistSession: false } });

const grants = () =>
  withClient(database.adminUrl, async (client) => {
    const { rows } = await client.query(`
      select n.nspname, c.relname, c.relacl::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('public', 'private', 'hidden') and c.relkind in ('r', 'p')
      union all select nspname, '', nspacl::text from pg_namespace where nspname in ('public', 'private', 'hidden')
      union all select 'default', defaclrole::regrole::text || defaclobjtype::text, defaclacl::text from pg_default_acl
      order by 1, 2`);
    return rows;
  });

beforeAll(async () => {
  database = await createTestDatabase();
  await withClient(database.adminUrl, (client) =>
    client.query(`
      create table public.notes (id int primary key, owner uuid not null);
      alter table public.notes enable row level security;
      revoke all on public.notes from anon, authenticated, service_role;
      grant select, insert on public.notes to authenticated;
      create policy notes_select on public.notes for select to authenticated using (owner = (select auth.uid()));
      create policy notes_insert on public.notes for insert to authenticated with check (owner = (select auth.uid()));
      create schema hidden;
      create table hidden.keys (id int primary key);
      alter table hidden.keys enable row level security;
      create function public.who() returns jsonb language sql stable
        as $$ select jsonb_build_object('uid', auth.uid(), 'role', auth.role(), 'email', auth.jwt() ->> 'email', 'current', current_user) $$;
      grant execute on function public.who() to authenticated, anon;
    `),
  );
  grantsOfMigrations = await grants();
  supabase = await startSupabase({ databaseUrl: database.adminUrl });
});

afterAll(async () => {
  await supabase?.close();
  await database?.drop();
});

describe('the embedded Supabase, used through supabase-js', () => {
  it('signs a user up and in, and runs queries with the rights of that user', async () => {
    const signedUp = await clientOf(supabase.publishableKey).auth.signUp({ email: 'ana@tributary.local', password: 'correct horse' });
    expect(signedUp.error).toBeNull();
    const client = clientOf(supabase.publishableKey);
    const { data, error } = await client.auth.signInWithPassword({ email: 'ana@tributary.local', password: 'correct horse' });
    expect(error).toBeNull();
    const me = data.user?.id;
    const who = await client.rpc('who');
    expect(who.data).toEqual({ uid: me, role: 'authenticated', email: 'ana@tributary.local', current: 'authenticated' });
  });

  it('refuses a wrong password', async () => {
    const { error } = await clientOf(supabase.publishableKey).auth.signInWithPassword({ email: 'ana@tributary.local', password: 'wrong' });
    expect(error?.status).toBe(400);
  });

  it('shows a user only the rows that the policies allow, and hides the table from anonymous callers', async () => {
    const client = clientOf(supabase.publishableKey);
    const { data } = await client.auth.signUp({ email: 'bia@tributary.local', password: 'correct horse' });
    const me = data.user?.id;
    expect((await client.from('notes').insert({ id: 1, owner: me })).error).toBeNull();
    await withClient(database.adminUrl, (sql) => sql.query('insert into public.notes values (2, gen_random_uuid())'));
    expect((await client.from('notes').select()).data).toEqual([{ id: 1, owner: me }]);
    expect((await client.from('notes').insert({ id: 3, owner: '00000000-0000-0000-0000-000000000000' })).error?.code).toBe('42501');
    expect((await clientOf(supabase.publishableKey).from('notes').select()).error?.code).toBe('42501');
  });

  it('does not change the grants of the migrations', async () => {
    await clientOf(supabase.publishableKey).from('notes').select();
    await clientOf(supabase.secretKey).from('notes').select();
    await clientOf(supabase.publishableKey).rpc('who');
    expect(await grants()).toEqual(grantsOfMigrations);
  });

  it('exposes only the schema public', async () => {
    const { error } = await clientOf(supabase.secretKey).schema('hidden').from('keys').select();
    expect(error?.code).toBe('PGRST106');
  });

  it('answers 401 without a key and with the key of another project', async () => {
    expect((await fetch(`${supabase.url}/rest/v1/notes`)).status).toBe(401);
    expect((await fetch(`${supabase.url}/rest/v1/notes`, { headers: { apikey: 'sb_publishable_not_of_this_project' } })).status).toBe(401);
    expect((await fetch(`${supabase.url}/auth/v1/signup`, { method: 'POST', body: '{}' })).status).toBe(401);
  });

  it('serves only the auth and data routes of lite', async () => {
    for (const path of ['/', '/_system', '/_system/info', '/storage/v1/bucket'])
      expect((await fetch(supabase.url + path, { headers: { apikey: supabase.secretKey } })).status, path).toBe(404);
  });

  it('lets a dashboard of another origin sign in and read', async () => {
    for (const path of ['/auth/v1/token?grant_type=password', '/rest/v1/notes']) {
      const preflight = await fetch(supabase.url + path, {
        method: 'OPTIONS',
        headers: {
          origin: 'http://127.0.0.1:8787',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'apikey,authorization,content-type,x-client-info',
        },
      });
      expect(preflight.status, path).toBe(204);
      expect(preflight.headers.get('access-control-allow-origin'), path).toBe('*');
      expect(preflight.headers.get('access-control-allow-headers'), path).toContain('authorization');
      const answer = await fetch(supabase.url + path, { method: 'POST', headers: { origin: 'http://127.0.0.1:8787' }, body: '{}' });
      expect(answer.headers.get('access-control-allow-origin'), path).toBe('*');
    }
  });

  it('names its port when the port is in use', async () => {
    const port = Number(new URL(supabase.url).port);
    await expect(startSupabase({ databaseUrl: database.adminUrl, port })).rejects.toThrow(`could not listen on port ${port}`);
  });
});
