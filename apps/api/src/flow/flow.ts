import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FlowState, type FlowTransition, type FlushedState, type Mode, modes, type OperatorMode } from '@tributary/shared/flow.ts';
import type { Logger } from 'pino';
import type { Writer } from '../deliveries/writer.ts';
import type { Db } from '../platform/db.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Rate } from '../platform/token-bucket.ts';
import { createGate, type Gate } from './gate.ts';
import { createLevelWatch, defaultThresholds, levels, type Thresholds } from './levels.ts';
import { createLimits, type Limits } from './limits.ts';
import { beat, getOverview, leaveFleet, listTransitions, type Orders, requestFlush, setOperatorMode, toInstance } from './store.ts';

/** What this instance takes and refuses, in step with all the others. */
export interface Flow {
  gate: Gate;
  limits: Limits;
  instanceId: string;
  thresholds: Thresholds;
  /** What is obeyed here and now. */
  mode(): Mode;
  /** Of the whole fleet, as Postgres knows it. */
  getState(): Promise<FlowState>;
  /** Null ends what the operator demanded. The answer is given when this instance obeys; the others follow within a second. */
  demand(mode: OperatorMode | null, brownoutRate: number | null, reason: string): Promise<FlowState>;
  /** Every live instance writes at once what it holds. */
  flush(): Promise<FlushedState>;
  /** Newest first. */
  listTransitions(limit: number): Promise<FlowTransition[]>;
  stop(): Promise<void>;
}

const observeEveryMs = 250;
const beatEveryMs = 1_000;
/** What the fleet was heard to do counts this long; the operator's mode counts until another is heard. */
const heardForMs = 5_000;
const automaticBrownoutRate = 0.5;
const flushWithinMs = 10_000;

export async function createFlow(deps: {
  db: Db;
  writer: Writer;
  requestsInFlightMax: number;
  fairShare: Rate;
  metrics: Metrics;
  log: Logger;
  thresholds?: Thresholds;
}): Promise<Flow> {
  const { db, writer, metrics, thresholds = defaultThresholds } = deps;
  const instanceId = randomUUID();
  const log = deps.log.child({ instanceId });
  const watch = createLevelWatch(thresholds);
  const obeyed = { mode: 'normal' as Mode, brownoutRate: automaticBrownoutRate, instances: 1 };
  const gate = createGate({ mode: () => obeyed.mode, requestsInFlightMax: deps.requestsInFlightMax, metrics });
  const limits = createLimits({ obeyed: () => obeyed, fairShare: deps.fairShare, metrics });
  let orders: Orders | undefined;
  let heardAt = Number.NEGATIVE_INFINITY;
  let isDeaf = false;
  let saidDrained = false;
  let flushedTurn = 0;
  let isFlushing = false;

  /** The operator's mode, or else the highest level of this instance and of the fleet. */
  function obey(): void {
    const before = obeyed.mode;
    const fleet = orders && performance.now() - heardAt < heardForMs ? orders.automatic_mode : 'normal';
    const automatic = levels[Math.max(levels.indexOf(watch.level()), levels.indexOf(fleet))] ?? 'normal';
    obeyed.mode = orders?.operator_mode ?? automatic;
    obeyed.brownoutRate = orders?.brownout_rate ?? automaticBrownoutRate;
    obeyed.instances = orders?.instances ?? 1;
    if (obeyed.mode !== before) {
      saidDrained = false;
      log.warn({ from: before, to: obeyed.mode, local: watch.cause() }, 'mode');
    }
    if (obeyed.mode === 'drain' && !saidDrained && gate.inFlight() === 0 && writer.state().records === 0) {
      saidDrained = true;
      log.warn('drained: nothing is held here any more');
    }
  }

  function observe(): void {
    const { records, recordsMax, bytes, bytesMax, oldestAgeMs, flushAgeMs } = writer.state();
    const pressure = { records: records / recordsMax, bytes: bytes / bytesMax, ageMs: Math.max(oldestAgeMs, flushAgeMs) };
    const change = watch.observe(pressure, performance.now());
    obey();
    if (change) void poll();
  }

  async function beatOnce(): Promise<void> {
    const { records, bytes, oldestAgeMs, flushAgeMs } = writer.state();
    try {
      const heard = await beat(db, {
        id: instanceId,
        automatic_mode: watch.level(),
        cause: watch.cause(),
        obeyed_mode: obeyed.mode,
        buffer_records: records,
        buffer_bytes: bytes,
        oldest_age_seconds: Math.max(oldestAgeMs, flushAgeMs) / 1000,
        in_flight: gate.inFlight(),
        flushed_turn: flushedTurn,
      });
      // Flushes of before this instance lived are done.
      if (!orders) flushedTurn = heard.flush_turn;
      orders = heard;
      heardAt = performance.now();
      isDeaf = false;
      obey();
      if (heard.flush_turn > flushedTurn) startFlush(heard.flush_turn);
    } catch (error) {
      if (!isDeaf) log.warn({ err: error }, 'the fleet cannot be heard: the last demand of the operator holds, and the own level');
      isDeaf = true;
      obey();
    }
  }

  function startFlush(turn: number): void {
    if (isFlushing) return;
    isFlushing = true;
    void writer.flush().then(() => {
      isFlushing = false;
      flushedTurn = turn;
      void poll();
    });
  }

  let beating: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  /** Resolves after a heartbeat that began later than this call. */
  function poll(): Promise<void> {
    if (!beating) {
      beating = beatOnce().finally(() => {
        beating = undefined;
      });
      return beating;
    }
    next ??= beating.then(() => {
      next = undefined;
      return poll();
    });
    return next;
  }

  async function getState(): Promise<FlowState> {
    const { state, instances } = await getOverview(db);
    const mode = state.operator_mode ?? state.automatic_mode;
    return {
      mode,
      operatorMode: state.operator_mode,
      automaticMode: state.automatic_mode,
      brownoutRate: mode === 'brownout' ? (state.brownout_rate ?? automaticBrownoutRate) : null,
      reason: state.reason,
      changedBy: state.changed_by,
      changedAt: new Date(state.changed_at).toISOString(),
      instances: instances.map(toInstance),
      drained:
        (mode === 'drain' || mode === 'paused') &&
        instances.every((one) => one.obeyed_mode === mode && one.buffer_records === 0 && one.in_flight === 0),
    };
  }

  const stopListening = await db.listen(
    'flow_changed',
    () => void poll(),
    () => {},
  );
  await poll();
  const timers = [setInterval(observe, observeEveryMs), setInterval(() => void (beating ?? poll()), beatEveryMs)];
  metrics.gauge('ingest_backpressure_state', 'Mode: 0 normal, 1 throttled, 2 brownout, 3 drain, 4 paused', () =>
    modes.indexOf(obeyed.mode),
  );

  return {
    gate,
    limits,
    instanceId,
    thresholds,
    mode: () => obeyed.mode,
    getState,
    async demand(mode, brownoutRate, reason) {
      await setOperatorMode(db, mode, brownoutRate, reason, instanceId);
      // The first heartbeat brings the demand, the second reports that it is obeyed.
      await poll();
      await poll();
      return getState();
    },
    async flush() {
      const turn = await requestFlush(db);
      void poll();
      const deadline = performance.now() + flushWithinMs;
      let flushed = false;
      while (!flushed && performance.now() < deadline) {
        await sleep(50);
        const { instances } = await getOverview(db);
        flushed = instances.every((one) => one.flushed_turn >= turn);
      }
      return { ...(await getState()), flushed };
    },
    listTransitions: (limit) => listTransitions(db, limit),
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await stopListening();
      await beating;
      await leaveFleet(db, instanceId).catch((error: unknown) => log.warn({ err: error }, 'this instance could not say that it leaves'));
    },
  };
}
