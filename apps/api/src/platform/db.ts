import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { isRetryable, retryLostRaces } from './lost-race.ts';
import { Refusal, type RefusalCode } from './refusal.ts';
import { sqlState } from './sql-state.ts';
import { createTurns, type TurnLimits, type TurnRefusal } from './turns.ts';

/** bigint and numeric stay text, as JSON carries them without rounding; timestamps are ISO text. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === pg.types.builtins.TIMESTAMPTZ) return (text: string) => new Date(text).toISOString();
    return pg.types.getTypeParser(oid, format as 'text');
  }) as pg.CustomTypesConfig['getTypeParser'],
};

export type QueryRow = pg.QueryResultRow;

export type Sql = <Row extends QueryRow = QueryRow>(text: string, values?: unknown[]) => Promise<Row[]>;

const preparedNames = new Map<string, string>();

/**
 * Names a statement that each connection parses and plans only once (measured: 80 microseconds a batch). Only for statements whose text is
 * constant: a connection keeps all of them. Returns the text, which runs like any other.
 */
export function prepared(name: string, text: string): string {
  preparedNames.set(text, name);
  return text;
}

/** The org whose share of the database a person's statements use. It is a symbol, so that no token can set it and Postgres never sees it. */
export const payingOrg = Symbol('paying org');

/** The claims of a verified access token. */
export interface Claims {
  [payingOrg]?: string;
  sub: string;
  role: 'authenticated';
  email?: string | undefined;
  [claim: string]: unknown;
}

export interface Db {
  /**
   * Runs as the signed-in user, under RLS: a transaction whose first statement sets role and claims. People's statements take turns by org
   * and person. Throws Refusal `rate_limited` or `overloaded` when too much waits already: see {@link createTurns}. After a lost race `run` is called
   * again in a new transaction, so it changes nothing besides the database.
   */
  as<T>(claims: Claims, run: (sql: Sql) => Promise<T>): Promise<T>;
  /** The other roles for what a person's request needs in them. It uses the pool and the turns of {@link Db.as}. */
  onBehalfOf(claims: Claims): Pick<Db, 'ingest' | 'lookUp' | 'worker'>;
  /** Runs work that uses the jobs' pool for a person's request, in the turns of {@link Db.as}. */
  inTurn<T>(claims: Claims, work: () => Promise<T>): Promise<T>;
  /** One statement as the role `ingest`, as one transaction, on the pool that only ingestion uses. */
  ingest: Sql;
  /** One statement as the role `ingest` on a small pool that only look-ups of connections use, so that strangers never occupy the pool of batches. */
  lookUp: Sql;
  /** Opens the connections of {@link Db.ingest}, which stay open. Those that cannot be opened now are opened when they are needed. */
  openIngest(): Promise<void>;
  /** Runs as the role `ingest` in one transaction, on the pool of {@link Db.ingest}. */
  ingestTogether<T>(run: (sql: Sql) => Promise<T>): Promise<T>;
  /** Runs as the role `maintenance` in one transaction. */
  maintenance<T>(run: (sql: Sql) => Promise<T>): Promise<T>;
  /** Runs as the role `worker` in one transaction: jobs work across orgs. */
  worker<T>(run: (sql: Sql) => Promise<T>): Promise<T>;
  /** One statement as `worker`, as one transaction in one round trip. */
  workerStatement: Sql;
  /**
   * Calls `onMessage` for every notification, and `onState(false)` when notifications may be missed from now on. Resolves when it listens.
   */
  listen(channel: string, onMessage: (payload: string) => void, onState: (listening: boolean) => void): Promise<() => Promise<void>>;
  /**
   * Why ingestion cannot commit right now; undefined when it can. The check uses the pool of ingestion, so a busy pool of users or jobs does
   * not matter.
   */
  commitFailure(): Promise<CommitFailure | undefined>;
  /** The sessions of `jobs` have the role `worker`: the job queue uses this pool, and so does {@link Db.worker}. */
  pools: { ingest: pg.Pool; lookups: pg.Pool; commands: pg.Pool; jobs: pg.Pool };
  close(): Promise<void>;
}

type CommitFailure = 'database_unavailable' | 'database_login_refused';

export interface DbOptions {
  url: string;
  tls: 'off' | 'on' | 'verify';
  /** How long to wait for an answer of Postgres. Postgres cancels the statement after four fifths of this time. */
  queryTimeoutMs?: number;
  /** Connections of the ingest pool: batches in flight, quarantine, the probe of {@link Db.commitFailure}. */
  ingestConnections: number;
  /** Connections of the jobs pool: one that listens, and one for every running job. */
  jobConnections: number;
  /** How many of people's transactions run at a time, and how many wait. */
  turns?: TurnLimits;
}

/** One asks which ids exist, the others read connections. */
const lookUpConnections = 3;
/** The turns of people's transactions unless the configuration says otherwise. */
const usualTurns: TurnLimits = {
  running: { all: 10, org: 5, member: 3 },
  waiting: { all: 1_000, org: 200, member: 100 },
  waitMs: 10_000,
};

const turnRefusals: Record<TurnRefusal, Refusal> = {
  member: waitLater('rate_limited', 'too many of your requests are waiting already: wait until some of them are answered', 2),
  org: waitLater('rate_limited', 'too many requests of your org are waiting already: wait until some of them are answered', 2),
  all: waitLater('overloaded', 'too many requests are waiting for the database', 2),
  late: waitLater('overloaded', 'the request waited too long for the database', 5),
};

function waitLater(code: RefusalCode, detail: string, retryAfterSeconds: number): Refusal {
  return new Refusal(code, detail, { retryAfterSeconds });
}

/**
 * The only file that imports the pg driver. Every wait has a time limit: when the server hangs, the query fails by `query_timeout` and its
 * connection is discarded, never reused. The server may still commit; the sender's retry is then recognised as a duplicate.
 */
export function createDb(options: DbOptions, log: Logger): Db {
  const { queryTimeoutMs = 15_000, turns: turnLimits = usualTurns } = options;
  const turns = createTurns(turnLimits, (reason) => turnRefusals[reason]);
  const base: pg.PoolConfig = {
    connectionString: options.url,
    types,
    connectionTimeoutMillis: 5_000,
    query_timeout: queryTimeoutMs,
    statement_timeout: Math.round(queryTimeoutMs * 0.8),
    idle_in_transaction_session_timeout: queryTimeoutMs,
    keepAlive: true,
    ...(options.tls === 'off' ? {} : { ssl: { rejectUnauthorized: options.tls === 'verify' } }),
  };
  const poolAs = (role: 'ingest' | 'worker', name: string, max: number, more: pg.PoolConfig = {}) =>
    new pg.Pool({
      ...base,
      ...more,
      application_name: `tributary ${name}`,
      max,
      onConnect: async (client) => {
        // Without this role the session is of no use. To callers it looks like a lost connection and never like a refusal of their statement.
        await client.query(`set role ${role}`).catch((error: Error) => {
          throw new Error(`cannot connect as ${role}: ${error.message}`, { cause: error });
        });
      },
    });
  const ingestPool = poolAs('ingest', 'ingest', options.ingestConnections, {
    // A batch whose keys another transaction holds must not wait for it with all its deliveries.
    lock_timeout: Math.round(queryTimeoutMs * 0.2),
    // A second batch, which is rare, must not need a new connection when other clients have taken all that Postgres allows.
    idleTimeoutMillis: 0,
  });
  const lookUpPool = poolAs('ingest', 'lookups', lookUpConnections);
  const jobPool = poolAs('worker', 'jobs', options.jobConnections);
  const commandPool = new pg.Pool({ ...base, application_name: 'tributary commands', max: turnLimits.running.all + 1 });
  for (const pool of [ingestPool, lookUpPool, jobPool, commandPool]) {
    pool.on('error', (error) => log.warn({ err: error }, 'idle database connection lost'));
    // A connection that breaks while it is in use fails its query. It also emits an `error` event, which needs a listener, or the process
    // would end.
    pool.on('connect', (client) => client.on('error', () => {}));
  }

  const sqlOn =
    (client: pg.ClientBase | pg.Pool): Sql =>
    async (text, values) =>
      // biome-ignore lint/suspicious/noExplicitAny: the row type is the caller's assertion about its own SQL
      (await client.query<any>({ name: preparedNames.get(text), text, values })).rows;

  async function transaction<T>(
    pool: pg.Pool,
    first: { text: string; values: unknown[] } | undefined,
    run: (sql: Sql) => Promise<T>,
  ): Promise<T> {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('begin');
      if (first) await client.query(first);
      const result = await run(sqlOn(client));
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch((e: Error) => {
        broken = e;
      });
      if (isTimeout(error)) broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  const inTurn: Db['inTurn'] = (claims, work) => turns.run({ org: claims[payingOrg] ?? claims.sub, member: claims.sub }, work);
  const asUser = (claims: Claims) => ({
    text: `select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)`,
    values: [JSON.stringify(claims)],
  });
  const asRole = (role: 'ingest' | 'worker' | 'maintenance') => ({ text: `select set_config('role', $1, true)`, values: [role] });

  return {
    as: (claims, run) => inTurn(claims, () => retryLostRaces(() => transaction(commandPool, asUser(claims), run))),
    onBehalfOf(claims) {
      const ingest: Sql = (text, values) => inTurn(claims, () => transaction(commandPool, asRole('ingest'), (sql) => sql(text, values)));
      return { ingest, lookUp: ingest, worker: (run) => inTurn(claims, () => transaction(commandPool, asRole('worker'), run)) };
    },
    inTurn,
    ingest: sqlOn(ingestPool),
    lookUp: sqlOn(lookUpPool),
    async openIngest() {
      const opened = await Promise.allSettled(Array.from({ length: options.ingestConnections }, () => ingestPool.connect()));
      for (const one of opened) if (one.status === 'fulfilled') one.value.release();
    },
    ingestTogether: (run) => transaction(ingestPool, undefined, run),
    maintenance: (run) => transaction(commandPool, asRole('maintenance'), run),
    worker: (run) => transaction(jobPool, undefined, run),
    workerStatement: sqlOn(jobPool),
    listen: (channel, onMessage, onState) => listen({ ...base, query_timeout: undefined }, channel, onMessage, onState, log),
    async commitFailure() {
      try {
        // Taking a transaction id makes this a commit that is written to disk.
        await ingestPool.query('select pg_current_xact_id()');
        return undefined;
      } catch (error) {
        return isLoginRefused(error) ? 'database_login_refused' : 'database_unavailable';
      }
    },
    pools: { ingest: ingestPool, lookups: lookUpPool, commands: commandPool, jobs: jobPool },
    async close() {
      await Promise.all([ingestPool.end(), lookUpPool.end(), jobPool.end(), commandPool.end()]);
    },
  };
}

async function listen(
  config: pg.ClientConfig,
  channel: string,
  onMessage: (payload: string) => void,
  onState: (listening: boolean) => void,
  log: Logger,
): Promise<() => Promise<void>> {
  let stopped = false;
  let client: pg.Client | undefined;

  async function connect(): Promise<void> {
    const next = new pg.Client({ ...config, application_name: `tributary listen ${channel}` });
    const lost = new Promise<void>((resolve) => {
      next.once('error', () => resolve());
      next.once('end', () => resolve());
    });
    next.on('error', () => {});
    next.on('notification', (message) => onMessage(message.payload ?? ''));
    await next.connect();
    await next.query(`listen ${pg.escapeIdentifier(channel)}`);
    client = next;
    onState(true);
    // A peer that died sends nothing, so a query every five seconds finds a half-open connection.
    const heartbeat = setInterval(() => {
      const timer = setTimeout(() => next.connection?.stream.destroy(), 2_000);
      next.query('select 1').then(
        () => clearTimeout(timer),
        () => clearTimeout(timer),
      );
    }, 5_000);
    heartbeat.unref();
    void lost.then(() => {
      clearInterval(heartbeat);
      onState(false);
      if (!stopped) void reconnect();
    });
  }

  async function reconnect(): Promise<void> {
    for (let waitMs = 100; !stopped; waitMs = Math.min(waitMs * 2, 2_000)) {
      await sleep(waitMs, undefined, { ref: false });
      if (stopped) return;
      try {
        await connect();
        return;
      } catch (error) {
        log.warn({ err: error, channel }, 'listening for notifications failed, trying again');
      }
    }
  }

  await connect();
  return async () => {
    stopped = true;
    await client?.end().catch(() => {});
  };
}

/** What our own SQL says with an error of class PT: a text for the caller, and how long to wait where waiting helps. */
export function ownSqlError(error: unknown): { text: string; retryAfterSeconds: number | undefined } {
  const { message, hint, detail } = error as { message: string; hint?: string; detail?: string };
  const { retry_after_seconds } = JSON.parse(detail ?? '{}') as { retry_after_seconds?: number | null };
  return { text: hint === undefined ? message : `${message}. ${hint}`, retryAfterSeconds: retry_after_seconds ?? undefined };
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

/**
 * Postgres cancelled the statement because it took, or waited for a lock, too long. Postgres answers, so the statement may be at fault and not the
 * database.
 */
export function isCancelled(error: unknown): boolean {
  const state = sqlState(error);
  return state === '57014' || state === '55P03';
}

/** The database refused the data itself (SQLSTATE classes 22, 23, 54, and 42804): it would refuse another try as well. */
export function isRefusal(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && (/^(22|23|54)/.test(state) || state === '42804');
}

/** Postgres refused the login (SQLSTATE class 28), for example after the password was changed, or has no such database (class 3D). */
export function isLoginRefused(error: unknown): boolean {
  return /^(28|3D)/.test(sqlState(error) ?? '');
}

/** Postgres ended the statement because it took too long, or because it waited too long for a lock. */
export function isTooSlow(error: unknown): boolean {
  const state = sqlState(error);
  return state === '57014' || state === '55P03';
}

/** The database cannot be reached, refuses the login, is overloaded, is shutting down or did not answer in time. */
export function isUnavailable(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return /^(08|53|55|57|58|XX|25)/.test(state) || isLoginRefused(error) || isRetryable(error);
  return (
    error instanceof Error &&
    !('status' in error) &&
    (/timeout|terminated|ECONN|EPIPE|ENOTFOUND|ETIMEDOUT|connect/i.test(error.message) || 'errno' in error)
  );
}
