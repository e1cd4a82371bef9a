import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FlowState, type FlowTransition, type FlushedState, type Mode, modes, type OperatorMode } from '@tributary/shared/flow.ts';
import type { Logger } from 'pino';
import type { Writer } from '../deliveries/writer.ts';
import type { Db } from '../platform/db.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Rate } from '../platform/token-bucket.ts';
import { createFleet } from './fleet.ts';
import { createGate, type Gate } from './gate.ts';
import { createLevelWatch, defaultThresholds, type LevelWatch, type Pressure, type Thresholds } from './levels.ts';
import { createLimits, type Limits } from './limits.ts';
import { decideMode, toFlowState } from './mode.ts';
import { getOverview, leaveFleet, listTransitions, type Orders, type Report, requestFlush, setOperatorMode } from './store.ts';

/** Decides which deliveries this instance admits and which it refuses, in agreement with all other instances. */
export interface Flow {
  gate: Gate;
  limits: Limits;
  instanceId: string;
  thresholds: Thresholds;
  /** The mode that this instance obeys now. */
  mode(): Mode;
  /** The state of the whole fleet, as Postgres knows it. */
  getState(): Promise<FlowState>;
  /** Sets the operator's mode; null ends it. Resolves once this instance obeys; the others follow within a second. */
  setMode(mode: OperatorMode | null, brownoutRate: number | null, reason: string, operator: string): Promise<FlowState>;
  /** Makes every live instance write its buffered records at once. */
  flush(operator: string, reason?: string): Promise<FlushedState>;
  /** Newest first. */
  listTransitions(limit: number, before?: string): Promise<FlowTransition[]>;
  stop(): Promise<void>;
}

export interface FlowTimes {
  /** How long a flush waits for the instances before it is answered as not done. */
  flushWithinMs: number;
  /** How long the level that the fleet reported counts without a newer report. */
  levelValidForMs: number;
}

const observeEveryMs = 250;
const beatEveryMs = 1_000;
/** A part of a limit that is only assumed brings the next heartbeat forward, at most this often. */
const beatSoonEveryMs = 250;
export const defaultTimes: FlowTimes = { flushWithinMs: 10_000, levelValidForMs: 5_000 };

export async function createFlow(deps: {
  db: Db;
  writer: Writer;
  requestsInFlightMax: number;
  batchRecordsMax: number;
  largestBodyBytes: number;
  fairShare: Rate;
  metrics: Metrics;
  log: Logger;
  thresholds?: Thresholds | undefined;
  times?: FlowTimes | undefined;
}): Promise<Flow> {
  const { db, writer, metrics, thresholds = defaultThresholds, times = defaultTimes } = deps;
  const instanceId = randomUUID();
  const log = deps.log.child({ instanceId });
  const watch = createLevelWatch(thresholds);
  let obeyed = decideMode('normal', undefined, undefined);
  const gate = createGate({
    mode: () => obeyed.mode,
    requestsInFlightMax: deps.requestsInFlightMax,
    workMin: deps.batchRecordsMax,
    largestBodyBytes: deps.largestBodyBytes,
    metrics,
  });
  const limits = createLimits({
    obeyed: () => obeyed,
    fairShare: deps.fairShare,
    metrics,
    onAssumedPartUsed: beatSoon,
  });
  const report = () => ({
    ...reportOf(instanceId, obeyed.mode, watch, gate, writer),
    demands: limits.shares.demands(performance.now()),
  });
  const onBeat = (orders: Orders | undefined) => {
    if (orders) limits.shares.learn(orders.demands);
    obey();
  };
  const fleet = createFleet({ db, report, flush: () => writer.flush(), onBeat, levelValidForMs: times.levelValidForMs, log });
  let isDrainLogged = false;
  let beatenSoonAt = Number.NEGATIVE_INFINITY;

  function beatSoon(): void {
    if (performance.now() - beatenSoonAt < beatSoonEveryMs) return;
    beatenSoonAt = performance.now();
    void fleet.poll();
  }

  function obey(): void {
    const before = obeyed.mode;
    obeyed = decideMode(watch.level(), fleet.level(), fleet.orders());
    if (obeyed.mode !== before) {
      isDrainLogged = false;
      log.warn({ from: before, to: obeyed.mode, local: watch.cause() }, 'mode');
    }
    if (obeyed.mode === 'drain' && !isDrainLogged && gate.inFlight() === 0 && isEmpty(writer)) {
      isDrainLogged = true;
      log.warn('drained: this instance holds no request and no record any more');
    }
  }

  function observe(): void {
    const change = watch.observe(pressureOf(writer), performance.now());
    obey();
    if (change) void fleet.poll();
  }

  const getState = async () => toFlowState(await getOverview(db));
  const stopListening = await db.listen(
    'flow_changed',
    () => void fleet.poll(),
    () => {},
  );
  await fleet.poll();
  const timers = [setInterval(observe, observeEveryMs), setInterval(() => void fleet.beat(), beatEveryMs)];
  metrics.gauge(
    'ingest_backpressure_state',
    'Mode: 0 normal, 1 throttled, 2 brownout, 3 drain, 4 paused',
    () => modes.indexOf(obeyed.mode),
    { together: 'max' },
  );

  return {
    gate,
    limits,
    instanceId,
    thresholds,
    mode: () => obeyed.mode,
    getState,
    async setMode(mode, brownoutRate, reason, operator) {
      await setOperatorMode(db, { mode, brownoutRate, reason, instanceId, operator });
      // The first heartbeat brings the new mode to this instance, the second reports that it obeys.
      await fleet.poll();
      await fleet.poll();
      return getState();
    },
    async flush(operator, reason) {
      const turn = await requestFlush(db, operator, reason);
      void fleet.poll();
      const flushed = await waitForFlush(db, turn, times.flushWithinMs);
      return { ...(await getState()), flushed };
    },
    listTransitions: (limit, before) => listTransitions(db, limit, before),
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await stopListening();
      await fleet.stop();
      await leaveFleet(db, instanceId).catch((error: unknown) =>
        log.warn({ err: error }, 'this instance could not sign off from the fleet'),
      );
    },
  };
}

/** Whether no delivery waits for its commit. */
function isEmpty(writer: Writer): boolean {
  const { records, large } = writer.state();
  return records === 0 && large.records === 0;
}

/** Large deliveries have a room of their own, which belongs to those who send them: it is no pressure on the others. */
function pressureOf(writer: Writer): Pressure {
  const { records, recordsMax, bytes, bytesMax, oldestAgeMs, flushAgeMs } = writer.state();
  return { records: records / recordsMax, bytes: bytes / bytesMax, ageMs: Math.max(oldestAgeMs, flushAgeMs) };
}

function reportOf(id: string, obeyed: Mode, watch: LevelWatch, gate: Gate, writer: Writer): Omit<Report, 'flushed_turn' | 'demands'> {
  const { records, bytes, large, oldestAgeMs, flushAgeMs } = writer.state();
  return {
    id,
    automatic_mode: watch.level(),
    cause: watch.cause(),
    obeyed_mode: obeyed,
    buffer_records: records + large.records,
    buffer_bytes: Math.round(bytes + large.bytes),
    oldest_age_seconds: Math.max(oldestAgeMs, flushAgeMs) / 1000,
    in_flight: gate.inFlight(),
  };
}

/** Whether every live instance has reported this flush as done within this time. */
async function waitForFlush(db: Db, turn: number, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    await sleep(50);
    const { instances } = await getOverview(db);
    if (instances.every((one) => one.flushed_turn >= turn)) return true;
  }
  return false;
}
