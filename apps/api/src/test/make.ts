import { randomBytes, randomUUID } from 'node:crypto';
import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { createTestDatabase } from '@tributary/supabase/local/testing.ts';
import { SignJWT } from 'jose';
import pg from 'pg';
import { type Logger, pino } from 'pino';
import { type Claims, createDb, type Db } from '../platform/db.ts';

export const jwtSecret = 'a test secret for access tokens, of 32 characters or more';
export const jwt = { secret: jwtSecret, jwksUrl: undefined, algorithm: 'HS256', issuer: undefined } as const;

export interface TestUser {
  id: string;
  email: string;
  token: string;
  claims: Claims;
}

export interface TestOrg {
  id: string;
  projectId: string;
  owner: TestUser;
}

type Role = 'owner' | 'admin' | 'analyst';

/** A new database with helpers that make real rows, and a log that is kept in memory. */
export interface World {
  db: Db;
  /** Logs in as the API's login role. */
  databaseUrl: string;
  /** Logs in as the owner of the tables: the role `postgres`, which is not a superuser. */
  adminUrl: string;
  masterKeys: MasterKeys;
  log: Logger;
  /** Every log line so far. */
  logged(): string;
  /** Runs a statement as the owner of the tables, past RLS, for rows that a test must see and no caller may. */
  admin: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>;
  makeUser(email?: string): Promise<TestUser>;
  makeOrg(owner?: TestUser): Promise<TestOrg>;
  /** Makes a new user with that role in the org. */
  makeMember(org: TestOrg, role: Role): Promise<TestUser>;
  makeProject(org: TestOrg, name?: string): Promise<string>;
  /** Makes a connection without secrets. */
  makeConnection(org: TestOrg, options?: { type?: string; name?: string; config?: object }): Promise<string>;
  close(): Promise<void>;
}

/** An access token as Supabase Auth issues it; `claims` and `secret` to issue a wrong one. */
export function makeToken(user: { id: string; email: string }, claims: object = {}, secret = jwtSecret): Promise<string> {
  return new SignJWT({ email: user.email, role: 'authenticated', aud: 'authenticated', ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(user.id)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret));
}

export function makeMasterKeys(...versions: number[]): MasterKeys {
  const [current = 1] = versions;
  return { current, keys: new Map((versions.length > 0 ? versions : [1]).map((version) => [version, randomBytes(32)])) };
}

/** Call `close` in afterAll. */
export async function makeWorld(): Promise<World> {
  const database = await createTestDatabase();
  const adminPool = new pg.Pool({ connectionString: database.adminUrl, max: 2 });
  adminPool.on('error', () => {});
  const lines: string[] = [];
  const log: Logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const db = createDb({ url: database.apiUrl, tls: 'off', ingestConnections: 4, jobConnections: 4 }, log);

  // biome-ignore lint/suspicious/noExplicitAny: the row type is the caller's assertion about its own SQL
  const admin: World['admin'] = async (text, values) => (await adminPool.query<any>(text, values)).rows;

  async function makeUser(email = `user-${randomUUID()}@example.com`): Promise<TestUser> {
    const id = randomUUID();
    await admin(`insert into auth.users (id, email) values ($1, $2)`, [id, email]);
    return { id, email, token: await makeToken({ id, email }), claims: { sub: id, role: 'authenticated', email } };
  }

  return {
    db,
    databaseUrl: database.apiUrl,
    adminUrl: database.adminUrl,
    masterKeys: makeMasterKeys(),
    log,
    logged: () => lines.join(''),
    admin,
    makeUser,
    async makeOrg(owner) {
      const user = owner ?? (await makeUser());
      const name = `Org ${randomUUID().slice(0, 8)}`;
      const [row] = await db.as(user.claims, (sql) =>
        sql<{ created: { org_id: string; project_id: string } }>('select public.create_org($1) as created', [name]),
      );
      if (!row) throw new Error('create_org returned no row');
      return { id: row.created.org_id, projectId: row.created.project_id, owner: user };
    },
    async makeMember(org, role) {
      const user = await makeUser();
      await admin('insert into public.org_members (org_id, user_id, role) values ($1, $2, $3)', [org.id, user.id, role]);
      return user;
    },
    async makeProject(org, name = `Project ${randomUUID().slice(0, 8)}`) {
      const slug = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
      const [row] = await db.as(org.owner.claims, (sql) =>
        sql<{ id: string }>('insert into public.projects (org_id, name, slug) values ($1, $2, $3) returning id', [org.id, name, slug]),
      );
      if (!row) throw new Error('insert returned no row');
      return row.id;
    },
    async makeConnection(org, { type = 'hotmart', name = 'Shop', config = {} } = {}) {
      const [row] = await db.as(org.owner.claims, (sql) =>
        sql<{ id: string }>('select private.create_connection($1, $2, $3, $4, $5) as id', [
          org.id,
          org.projectId,
          type,
          name,
          JSON.stringify(config),
        ]),
      );
      if (!row) throw new Error('insert returned no row');
      return row.id;
    },
    async close() {
      await db.close();
      await adminPool.end();
      await database.drop();
    },
  };
}
