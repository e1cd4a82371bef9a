import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withClient } from '../local/database.ts';
import type { TestDatabase } from '../local/test-cluster.ts';
import { createTestDatabase } from '../local/testing.ts';
import { shortDiff, writeOrCheck } from '../tools/generated.ts';
import { advise, lint } from '../tools/lint.ts';
import { createMigration } from '../tools/new.ts';
import { snapshot, snapshotFile } from '../tools/snapshot.ts';
import { generateTypes, typesFile } from '../tools/types.ts';

let database: TestDatabase;
let scratch: string;
beforeAll(async () => {
  database = await createTestDatabase();
  scratch = mkdtempSync(join(tmpdir(), 'tributary-tools-'));
});
afterAll(async () => {
  await database?.drop();
  rmSync(scratch, { recursive: true, force: true });
});

describe("Supabase's advisors", () => {
  it('report no ERROR and no WARN, in a run that proved that it can report both', { timeout: 120_000 }, async () => {
    const clone = await createTestDatabase();
    try {
      expect(await lint(database, clone)).toEqual([]);
    } finally {
      await clone.drop();
    }
  });

  it('that cannot reach the database raise an error instead of reporting no finding', { timeout: 120_000 }, async () => {
    await expect(advise(database.adminUrl.replace(/\/[^/]*$/, '/no_such_database'))).rejects.toThrow('could not be run');
  });
});

describe('the snapshot', () => {
  it('in the repository matches the migrations (else: npm run db:snapshot)', async () => {
    expect(shortDiff(readFileSync(snapshotFile, 'utf8'), await snapshot(database.adminUrl))).toBe('');
  });

  it.each([
    ['a column', 'alter table public.orgs add column note text'],
    ['a default', `alter table public.projects alter column name set default 'x'`],
    ['a nullable column', 'alter table public.orgs alter column name drop not null'],
    ['a check', 'alter table public.orgs drop constraint orgs_name_check'],
    ['a foreign key', 'alter table private.connection_secrets drop constraint connection_secrets_org_id_source_connection_id_fkey'],
    ['an index', 'drop index public.audit_log_org_id_created_at_idx'],
    ['a trigger', 'drop trigger audit on public.orgs'],
    ['row level security', 'alter table public.orgs disable row level security'],
    ['a policy', 'alter policy orgs_select on public.orgs using (true)'],
    ['a grant on a table', 'grant select on public.orgs to anon'],
    ['a grant on a column', 'grant update (slug) on public.orgs to authenticated'],
    ['a grant on a schema', 'grant usage on schema private to anon'],
    ['a grant on a function', 'grant execute on function private.my_orgs(text[]) to public'],
    ['a function', 'alter function private.my_orgs(text[]) volatile'],
    ['a view', 'create view public.names as select name from public.orgs'],
    ['a type', `create type public.mood as enum ('ok')`],
    ['a composite type', 'alter type private.key_row add attribute note text'],
    ['the comment of a table', `comment on table public.orgs is 'another'`],
    ['the comment of a function', `comment on function private.my_orgs(text[]) is 'another'`],
    ['the comment of a type', `comment on type private.key_row is 'another'`],
    ['a storage', 'alter table private.journal_payloads alter column sealed set storage extended'],
  ])('changes when %s changes', async (_, change) => {
    const copy = await createTestDatabase();
    try {
      await withClient(copy.adminUrl, (client) => client.query(change));
      expect(await snapshot(copy.adminUrl)).not.toBe(await snapshot(database.adminUrl));
    } finally {
      await copy.drop();
    }
  });

  it('does not depend on which months have partitions', async () => {
    const copy = await createTestDatabase();
    try {
      await withClient(copy.adminUrl, (client) => client.query(`select private.ensure_partitions('2031-05-17')`));
      expect(await snapshot(copy.adminUrl)).toBe(await snapshot(database.adminUrl));
    } finally {
      await copy.drop();
    }
  });
});

describe('the types', () => {
  it('in the repository match the migrations (else: npm run db:types)', { timeout: 120_000 }, async () => {
    expect(shortDiff(readFileSync(typesFile, 'utf8'), await generateTypes(database.adminUrl))).toBe('');
  });
});

describe('a generated file', () => {
  it('that is stale fails its check, which names the command that renews it and the first difference', () => {
    const path = join(scratch, 'generated.sql');
    writeFileSync(path, 'one\ntwo\nthree\n');
    const check = (content: string) => writeOrCheck(path, content, { check: true, command: 'npm run db:snapshot' });
    expect(() => check('one\n2\nthree\n')).toThrow(/does not match the migrations; run `npm run db:snapshot`\.\nline 2:\n- two\n\+ 2$/);
    expect(() => check('one\ntwo\nthree\nfour\n')).toThrow('+ four');
    expect(() => check('one\nthree\n')).toThrow('- two');
    check('one\ntwo\nthree\n');
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\nthree\n');
  });
});

describe('a new migration', () => {
  const now = new Date('2027-03-04T05:06:07.890Z');

  it('is named by its time in UTC and begins with its purpose', () => {
    const path = createMigration('add_alert_rules', { directory: scratch, now });
    expect(basename(path)).toBe('20270304050607_add_alert_rules.sql');
    expect(readFileSync(path, 'utf8')).toMatch(/^-- Add alert rules: /);
  });

  it('sorts after all others, even when the clock is behind', () => {
    expect(basename(createMigration('later', { directory: scratch, now: new Date('2020-01-01T00:00:00Z') }))).toBe(
      '20270304050608_later.sql',
    );
  });

  it.each([undefined, '', 'Add rules', 'add-rules', 'AddRules', '../escape', '1st', 'a__b', 'a_', 'x'.repeat(61), "a';drop"])(
    'refuses the name %j',
    (name) => {
      expect(() => createMigration(name, { directory: scratch, now })).toThrow(/migration/);
    },
  );

  it('refuses a name that another migration has', () => {
    expect(() => createMigration('add_alert_rules', { directory: scratch, now })).toThrow('already');
  });
});
