import type { Logger } from 'pino';
import { createNotifier, type Notifier } from './alerts/notifier.ts';
import { writeRequiredSecrets } from './connections/required-secrets.ts';
import { type Connections, createConnections } from './deliveries/connection-cache.ts';
import { createDesk } from './deliveries/desk.ts';
import { createQuarantine, type Quarantine } from './deliveries/quarantine.ts';
import { createReplayer, type Replayer } from './deliveries/rerun.ts';
import { createWriter, type Writer } from './deliveries/writer.ts';
import { createFlow, type Flow, type FlowTimes } from './flow/flow.ts';
import type { Thresholds } from './flow/levels.ts';
import { createDoor, type Door } from './ingest/door.ts';
import { registerGauges } from './operate/gauges.ts';
import { createAccounts } from './operators/accounts.ts';
import { type Allowances, createAllowances } from './platform/allowances.ts';
import type { RecogniseOperator } from './platform/auth.ts';
import { type Circuits, createCircuits } from './platform/breaker.ts';
import type { Clock } from './platform/clock.ts';
import type { Config } from './platform/config.ts';
import type { Db } from './platform/db.ts';
import { createMetrics, type Metrics } from './platform/metrics.ts';
import { createOutbound, type Outbound, type OutboundOptions } from './platform/outbound.ts';
import { createThreads, type Threads } from './platform/threads.ts';

/** The services that routes and jobs use. A process has one of each. */
export interface Services {
  config: Config;
  db: Db;
  log: Logger;
  metrics: Metrics;
  /** The time of the database's clock, which all instances share, in milliseconds since the epoch. */
  now(): number;
  circuits: Circuits;
  connections: Connections;
  writer: Writer;
  flow: Flow;
  quarantine: Quarantine;
  threads: Threads;
  door: Door;
  outbound: Outbound;
  notifier: Notifier;
  replayer: Replayer;
  recogniseOperator: RecogniseOperator;
  allowances: Allowances;
  /**
   * Writes the buffered records, then stops all services. Call it when no request and no job is running any more. It does not close `db`.
   */
  stop(): Promise<void>;
}

/** Builds the services on `db` for `main.ts` and the tests. The caller makes the clock, which is stopped with the services. */
export async function createServices(given: {
  config: Config;
  db: Db;
  log: Logger;
  clock: Clock;
  thresholds?: Thresholds | undefined;
  flowTimes?: FlowTimes | undefined;
  /** Returns the metrics of all processes that share the port, where there are several. */
  readAllMetrics?: (() => Promise<string>) | undefined;
  /** The limits that all processes which share the port have in common, where there are several. */
  allowances?: Allowances | undefined;
  /** Looks up host names for outbound requests, for tests. */
  lookup?: OutboundOptions['lookup'];
}): Promise<Services> {
  const { config, db, log, clock } = given;
  const { now } = clock;
  const allowances = given.allowances ?? createAllowances();
  const metrics = createMetrics(given.readAllMetrics);
  const circuits = createCircuits({ metrics, log, now });
  const connections = await createConnections(db, config.masterKeys, log);
  // Without a database at the start, the list of an earlier start still holds.
  await writeRequiredSecrets(db).catch((error: unknown) => log.warn({ err: error }, 'the list of required secrets was not written'));
  void db.openIngest();
  const writer = createWriter({ db, limits: config.writer, metrics, log, circuits, now });
  const desk = createDesk((sender) => !writer.isFull(sender));
  const flow = await createFlow({
    db,
    writer,
    requestsInFlightMax: config.limits.requestsInFlightMax,
    batchRecordsMax: config.writer.batchRecordsMax,
    largestBodyBytes: Math.max(config.limits.bodyBytesMax, config.limits.inflatedBytesMax),
    fairShare: config.fairShare,
    metrics,
    log,
    thresholds: given.thresholds,
    times: given.flowTimes,
  });
  const quarantine = createQuarantine(db, config.quarantinePerHour, log, now);
  const threads = createThreads({ entry: new URL('./thread.ts', import.meta.url), metrics, log });
  const door = createDoor({ config, log, flow, connections, writer, desk, quarantine, threads, metrics, now });
  const outbound = createOutbound({ allowPrivate: config.outboundAllowPrivate, ...(given.lookup && { lookup: given.lookup }) });
  const notifier = createNotifier({ outbound, circuits, smtp: config.smtp, pagerDutyUrl: config.pagerDutyUrl, now });
  const replayer = createReplayer({ db, connections, threads, metrics, now, log });
  registerGauges(metrics, { db, writer, log });

  return {
    config,
    db,
    log,
    metrics,
    now,
    circuits,
    connections,
    writer,
    flow,
    quarantine,
    threads,
    door,
    outbound,
    notifier,
    replayer,
    recogniseOperator: createAccounts({
      db,
      bootstrapToken: config.operatorToken,
      trustedProxies: config.http.trustedProxies,
      allowances,
      log,
    }),
    allowances,
    async stop() {
      await Promise.all([writer.drain(), quarantine.drain(), connections.close()]);
      await threads.stop();
      notifier.close();
      await outbound.close();
      clock.stop();
      await flow.stop();
    },
  };
}
