import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { alertTasks } from './alerts/jobs.ts';
import { approvalTasks } from './approvals/jobs.ts';
import { conversionTasks } from './conversions/jobs.ts';
import { dlqTasks } from './dlq/jobs.ts';
import { erasureTasks } from './erasures/jobs.ts';
import { maintenanceTasks } from './operate/maintenance.ts';
import { createMetricsApp } from './operate/metrics-routes.ts';
import { orgTasks } from './orgs/jobs.ts';
import { createClock } from './platform/clock.ts';
import { partOf, readConfig } from './platform/config.ts';
import { createDb } from './platform/db.ts';
import { startJobs } from './platform/jobs.ts';
import { createLog, exit } from './platform/log.ts';
import type { Metrics } from './platform/metrics.ts';
import { joinPrimary } from './processes/member.ts';
import type { LeaveReason } from './processes/messages.ts';
import { quotaTasks } from './quotas/jobs.ts';
import { replayTasks } from './replays/jobs.ts';
import { afterReplacement, beforeStop, closeGently, createServer } from './server.ts';
import { createServices } from './services.ts';

function configOrExit() {
  try {
    return readConfig(process.env);
  } catch (error) {
    console.error(`The configuration is not complete (see .env.example):\n${(error as Error).message}`);
    process.exit(1);
  }
}

/** Undefined when this process was started alone. */
const member = joinPrimary(process.env);
const config = partOf(configOrExit(), member?.slot);
const log = member ? createLog(config.logLevel).child({ process: member.id }) : createLog(config.logLevel);
// Besides the batches, the ingest pool serves the one writer of the quarantine, two dry runs of refused batches and the probe of readiness.
const db = createDb(
  {
    ...config.database,
    ingestConnections: config.writer.batchesInFlightMax + 4,
    jobConnections: config.jobs.concurrency + 3,
    turns: config.people.turns,
  },
  log,
);
let leaving: LeaveReason | undefined;

async function start() {
  const clock = await createClock(db, log);
  const services = await createServices({ config, db, log, clock, readAllMetrics: member?.readAll, allowances: member?.allowances });
  if (config.outboundAllowPrivate) log.warn('OUTBOUND_ALLOW_PRIVATE is on: people may make this server call anything that it can reach');
  const jobs = await startJobs({
    ...services,
    tasks: {
      ...maintenanceTasks(db),
      ...orgTasks(db),
      ...quotaTasks(db),
      ...approvalTasks(db),
      ...dlqTasks({ ...services, retry: config.dlq }),
      ...alertTasks({ ...services, masterKeys: config.masterKeys, publicUrl: config.http.publicUrl }),
      ...erasureTasks({ ...services, masterKeys: config.masterKeys }),
      ...replayTasks(services),
      ...conversionTasks({ ...services, masterKeys: config.masterKeys }),
    },
    concurrency: config.jobs.concurrency,
    isPaused: () => services.flow.mode() === 'paused',
  });

  const server = createServer({ ...services, jobs, isStopping: () => leaving !== undefined, isReplaced: () => leaving === 'replaced' });
  if (member?.takesOver) await requireCommit();
  // A burst of new connections waits in the kernel instead of being refused there (Node's default is 511).
  server.listen({ port: config.http.port, host: config.http.host, backlog: 4_096 }, () => {
    log.info({ host: config.http.host, port: config.http.port }, 'listening');
    member?.ready({ processes: config.processes, logLevel: config.logLevel, metrics: services.metrics });
  });
  server.on('error', (error) => {
    log.fatal({ err: error }, 'cannot listen');
    exit(log, 1);
  });

  const metricsServer = config.metrics.port === undefined ? undefined : serveMetrics(services.metrics, config.metrics.port);

  async function leave(reason: LeaveReason, signal?: string) {
    if (leaving) return;
    leaving = reason;
    log.info({ reason, signal }, 'stopping');
    const times = reason === 'replaced' ? afterReplacement : beforeStop;
    // If any step hangs, the process still ends before an orchestrator kills it.
    setTimeout(() => {
      log.error('could not stop in time');
      exit(log, 1);
    }, times.busyMs + 5_000).unref();
    metricsServer?.close();
    await Promise.all([closeGently(server, times), jobs.stop()]);
    await services.stop();
    await db.close();
    await member?.leave();
    log.info('stopped');
    exit(log, 0);
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void leave('stop', signal));
  member?.onLeave((reason) => void leave(reason));
}

/** Throws unless a transaction can be committed: otherwise the process that serves now is the better one. */
async function requireCommit(): Promise<void> {
  const failure = await db.commitFailure();
  if (failure) throw new Error(`nothing can be committed (${failure})`);
}

/** Serves `/metrics` on a port of its own, which the firewall opens to Prometheus only. */
function serveMetrics(metrics: Metrics, port: number): Server {
  const app = createMetricsApp({ metrics, token: config.metrics.token });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.on('error', (error) => {
    log.fatal({ err: error, port }, 'cannot listen for the metrics');
    exit(log, 1);
  });
  return server.listen({ port, host: config.http.host }, () => log.info({ port }, 'listening for the metrics'));
}

start().catch((error: unknown) => {
  log.fatal({ err: error }, 'cannot start');
  if (/\bSSL\b|certificate|TLS/i.test(String((error as Error).message)))
    log.fatal(
      { tls: config.database.tls },
      'the database and DATABASE_TLS do not agree: name its certificate authority in NODE_EXTRA_CA_CERTS, or set DATABASE_TLS=off for a database without TLS in a network that you trust',
    );
  exit(log, 1);
});
