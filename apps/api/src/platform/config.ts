import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseMasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { z } from 'zod';
import { createNetworks } from './client-address.ts';
import { limitVariables, toLimits } from './limits.ts';

/** Networks in CIDR notation, separated by commas. */
const Networks = z
  .string()
  .default('')
  .transform((text, context) => {
    try {
      return createNetworks(
        text
          .split(',')
          .map((one) => one.trim())
          .filter((one) => one !== ''),
      );
    } catch {
      context.addIssue({ code: 'custom', message: 'give networks separated by commas, for example 10.0.0.0/8,fd00::/8' });
      return z.NEVER;
    }
  });

const bytes = (fallback: number) => z.coerce.number().int().positive().default(fallback);

/** Every environment variable that the API reads; .env.example explains each of them. Only main.ts and commands read `process.env`. */
const Environment = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  DATABASE_TLS: z.enum(['off', 'on', 'verify']).optional(),
  DATABASE_QUERY_TIMEOUT_MS: z.coerce.number().int().min(1_000).max(60_000).default(15_000),
  SUPABASE_URL: z.url({ protocol: /^https?$/ }),
  SUPABASE_PUBLISHABLE_KEY: z.string().min(1),
  SUPABASE_JWT_SECRET: z.string().min(32).optional(),
  SUPABASE_JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
  SUPABASE_JWT_ALGORITHM: z.enum(['HS256', 'RS256', 'ES256', 'EdDSA']).optional(),
  SUPABASE_JWT_ISSUER: z.string().min(1).optional(),
  MASTER_KEY: z.string().min(1),
  OPERATOR_TOKEN: z.string().min(24),
  API_PROCESSES: z.coerce.number().int().min(1).max(128).optional(),
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65535).default(8787),
  METRICS_PORT: z.coerce.number().int().min(1).max(65535).optional(),
  METRICS_TOKEN: z.string().min(16).optional(),
  TRUSTED_PROXIES: Networks,
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  WEB_DIR: z.string().default(join(import.meta.dirname, '..', '..', '..', 'web', 'dist')),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  LOG_DELIVERIES: z.enum(['counted', 'all']).default('counted'),
  BODY_BYTES_MAX: bytes(1_048_576),
  BODY_INFLATED_BYTES_MAX: bytes(8_388_608),
  WRITE_BATCH_RECORDS_MAX: bytes(250),
  WRITE_BATCH_BYTES_MAX: bytes(2_097_152),
  WRITE_BATCH_AGE_MS: z.coerce.number().int().min(0).default(3),
  WRITE_BATCHES_IN_FLIGHT: z.coerce.number().int().min(1).max(3).default(2),
  BUFFER_RECORDS_MAX: bytes(5_000),
  BUFFER_BYTES_MAX: bytes(33_554_432),
  BUFFER_LARGE_RECORDS_MAX: bytes(10_000),
  BUFFER_LARGE_BYTES_MAX: bytes(16_777_216),
  REQUESTS_IN_FLIGHT_MAX: bytes(1_000),
  QUARANTINE_PER_HOUR: bytes(100),
  FAIR_SHARE_PER_SECOND: bytes(500),
  FAIR_SHARE_BURST: bytes(1_000),
  DLQ_RETRY_ATTEMPTS: z.coerce.number().int().min(1).max(100).default(8),
  DLQ_RETRY_BASE_SECONDS: z.coerce.number().min(0.1).max(3600).default(30),
  DLQ_RETRY_MAX_SECONDS: z.coerce.number().min(1).max(86_400).default(3600),
  SMTP_URL: z.url({ protocol: /^smtps?$/ }).optional(),
  SMTP_FROM: z.string().min(3).max(320).optional(),
  PAGERDUTY_EVENTS_URL: z.url({ protocol: /^https?$/ }).default('https://events.pagerduty.com/v2/enqueue'),
  OUTBOUND_ALLOW_PRIVATE: z.enum(['true', 'false', 'even-on-a-public-address']).default('false'),
  REPLAY_APPROVAL_THRESHOLD: z.coerce.number().int().min(0).default(10_000),
  ...limitVariables,
  JOBS_CONCURRENCY: z.coerce.number().int().min(0).max(50).default(4),
});

export type Config = ReturnType<typeof readConfig>;

/** Throws an error with one sentence for each variable that is missing or wrong. The message never repeats a value. */
export function readConfig(env: Readonly<Record<string, string | undefined>>) {
  // An empty variable counts as unset, as is usual in shells and container files.
  const parsed = Environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  if (!parsed.success) {
    throw new Error(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'));
  }
  const e = parsed.data;
  if (!e.SUPABASE_JWT_SECRET && !e.SUPABASE_JWKS_URL) {
    throw new Error('SUPABASE_JWT_SECRET or SUPABASE_JWKS_URL: set one of the two, or no user can sign in');
  }
  if (e.SUPABASE_JWT_SECRET && e.SUPABASE_JWKS_URL) {
    throw new Error('SUPABASE_JWT_SECRET and SUPABASE_JWKS_URL: set one, not both, so that one algorithm is trusted');
  }
  if ((e.SUPABASE_JWT_ALGORITHM ?? 'HS256') !== 'HS256' && e.SUPABASE_JWT_SECRET) {
    throw new Error('SUPABASE_JWT_ALGORITHM: only HS256 goes with SUPABASE_JWT_SECRET');
  }
  if (e.SUPABASE_JWT_ALGORITHM === 'HS256' && e.SUPABASE_JWKS_URL) {
    throw new Error('SUPABASE_JWT_ALGORITHM: HS256 does not go with SUPABASE_JWKS_URL');
  }
  if ((e.SMTP_URL === undefined) !== (e.SMTP_FROM === undefined)) {
    throw new Error('SMTP_URL and SMTP_FROM: set both or neither; mail needs a relay and a sender');
  }
  if (e.OUTBOUND_ALLOW_PRIVATE === 'true' && !isLoopback(e.HOST)) {
    throw new Error(
      'OUTBOUND_ALLOW_PRIVATE and HOST: people who reach this server from outside could make it call your private network. Leave ' +
        'OUTBOUND_ALLOW_PRIVATE out, or listen on 127.0.0.1; if you want both, set OUTBOUND_ALLOW_PRIVATE=even-on-a-public-address',
    );
  }
  const supabaseUrl = e.SUPABASE_URL.replace(/\/+$/, '');
  return {
    processes: e.API_PROCESSES ?? processesByDefault(),
    database: {
      url: e.DATABASE_URL,
      tls: e.DATABASE_TLS ?? (isOnThisHost(e.DATABASE_URL) ? ('off' as const) : ('verify' as const)),
      queryTimeoutMs: e.DATABASE_QUERY_TIMEOUT_MS,
    },
    supabase: { url: supabaseUrl, publishableKey: e.SUPABASE_PUBLISHABLE_KEY },
    jwt: {
      secret: e.SUPABASE_JWT_SECRET,
      jwksUrl: e.SUPABASE_JWKS_URL,
      algorithm: e.SUPABASE_JWT_ALGORITHM ?? (e.SUPABASE_JWT_SECRET ? ('HS256' as const) : ('ES256' as const)),
      issuer: issuerOf(e.SUPABASE_JWT_ISSUER, supabaseUrl),
    },
    masterKeys: parseMasterKeys(e.MASTER_KEY),
    operatorToken: e.OPERATOR_TOKEN,
    metrics: { port: e.METRICS_PORT, token: e.METRICS_TOKEN },
    http: {
      host: e.HOST,
      port: e.PORT,
      trustedProxies: e.TRUSTED_PROXIES,
      publicUrl: e.PUBLIC_URL?.replace(/\/+$/, '') ?? `http://${e.HOST}:${e.PORT}`,
    },
    webDirectory: e.WEB_DIR,
    logLevel: e.LOG_LEVEL,
    logsEachDelivery: e.LOG_DELIVERIES === 'all',
    limits: {
      bodyBytesMax: e.BODY_BYTES_MAX,
      inflatedBytesMax: e.BODY_INFLATED_BYTES_MAX,
      requestsInFlightMax: e.REQUESTS_IN_FLIGHT_MAX,
    },
    writer: {
      batchRecordsMax: e.WRITE_BATCH_RECORDS_MAX,
      batchBytesMax: e.WRITE_BATCH_BYTES_MAX,
      batchAgeMs: e.WRITE_BATCH_AGE_MS,
      batchesInFlightMax: e.WRITE_BATCHES_IN_FLIGHT,
      bufferRecordsMax: e.BUFFER_RECORDS_MAX,
      bufferBytesMax: e.BUFFER_BYTES_MAX,
      largeRecordsMax: e.BUFFER_LARGE_RECORDS_MAX,
      largeBytesMax: e.BUFFER_LARGE_BYTES_MAX,
    },
    quarantinePerHour: e.QUARANTINE_PER_HOUR,
    fairShare: { perSecond: e.FAIR_SHARE_PER_SECOND, burst: e.FAIR_SHARE_BURST },
    dlq: {
      attemptsMax: e.DLQ_RETRY_ATTEMPTS,
      retryBaseSeconds: e.DLQ_RETRY_BASE_SECONDS,
      retryMaxSeconds: e.DLQ_RETRY_MAX_SECONDS,
    },
    smtp: e.SMTP_URL !== undefined && e.SMTP_FROM !== undefined ? { url: e.SMTP_URL, from: e.SMTP_FROM } : undefined,
    pagerDutyUrl: e.PAGERDUTY_EVENTS_URL,
    outboundAllowPrivate: e.OUTBOUND_ALLOW_PRIVATE !== 'false',
    replayApprovalThreshold: e.REPLAY_APPROVAL_THRESHOLD,
    people: toLimits(e),
    jobs: { concurrency: e.JOBS_CONCURRENCY },
  };
}

/** What one process needs in memory, together with its threads: docs/deploy.md. */
const processBytes = 536_870_912;

/**
 * One process for each core but one, which is left to the rest of the host, as far as the memory suffices. Both respect the limits of a
 * container: Node asks the control groups.
 */
function processesByDefault(): number {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return Math.max(1, Math.min(availableParallelism() - 1, Math.floor(memory / processBytes)));
}

/**
 * The configuration of one of several processes on a host; of the only one without `slot`. Each process has its own buffers, but the jobs and the
 * database connections of people are divided: otherwise more cores would mean more of them than the database can take.
 */
export function partOf(config: Config, slot: number | undefined): Config {
  if (slot === undefined) return config;
  const { processes, people, jobs } = config;
  const part = (whole: number, least: number) => Math.min(whole, Math.max(least, Math.ceil(whole / processes)));
  const { all, org, member } = people.turns.running;
  return {
    ...config,
    people: { ...people, turns: { ...people.turns, running: { all: part(all, 3), org: part(org, 2), member: part(member, 2) } } },
    // The processes in the first places have one job more when the division leaves a rest.
    jobs: { concurrency: Math.floor(jobs.concurrency / processes) + (slot < jobs.concurrency % processes ? 1 : 0) },
  };
}

/** Whether only processes of the same host reach the name or address. */
function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

/** Whether the database is on the same host: by a loopback address, or by a socket. */
function isOnThisHost(databaseUrl: string): boolean {
  const { hostname, searchParams } = new URL(databaseUrl);
  const host = searchParams.get('host') ?? decodeURIComponent(hostname);
  return host === '' || host.startsWith('/') || isLoopback(host);
}

/** The `iss` that tokens must have; undefined when it is not checked: with `any`, and for a Supabase on the same host. */
function issuerOf(given: string | undefined, supabaseUrl: string): string | undefined {
  if (given !== undefined) return given === 'any' ? undefined : given;
  return isLoopback(new URL(supabaseUrl).hostname) ? undefined : `${supabaseUrl}/auth/v1`;
}
