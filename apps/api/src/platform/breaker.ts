import { BrokenCircuitError, CircuitState as Cockatiel, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import type { Logger } from 'pino';
import type { Metrics } from './metrics.ts';

export type CircuitState = 'closed' | 'half_open' | 'open';

/** As the gauge `ingest_circuit_state` counts. */
const numbers: Record<CircuitState, number> = { closed: 0, half_open: 1, open: 2 };

/** What a circuit guards did not answer lately, so it was not asked. */
export class CircuitOpenError extends Error {
  override readonly name = 'CircuitOpenError';
  readonly sink: string;
  constructor(sink: string) {
    super(`the circuit of ${sink} is open`);
    this.sink = sink;
  }
}

interface BreakerOptions {
  /** The metric's label; several circuits may share one, and the worst of them shows. Its values are a short fixed list. Default: the name. */
  sink?: string;
  /** Opens after this many failures in a row. */
  failuresMax?: number;
  /** Open at most so long: then one call is let through to try. */
  halfOpenAfterMs?: number;
  /** Whether an error says that the sink is in trouble. Others pass without counting. Default: every error. */
  counts?(error: unknown): boolean;
  /** Asked at once and every second while open, outside the traffic: the circuit closes as soon as it answers true. */
  probe?(): Promise<boolean>;
  onChange?(state: CircuitState): void;
}

export interface Breaker {
  readonly name: string;
  readonly sink: string;
  state(): CircuitState;
  /** When it last opened, and why; undefined if it never did. */
  opened(): { at: Date; error: string } | undefined;
  /** True while {@link Breaker.run} would not call at once: to refuse before any work is done. */
  isBlocking(): boolean;
  /** Calls `task`, or throws CircuitOpenError without calling it. While half open one call tries and the others wait for its end. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Forgets it: it leaves the metrics and stops probing. */
  dispose(): void;
}

export interface Circuits {
  createBreaker(name: string, options?: BreakerOptions): Breaker;
  list(): readonly Breaker[];
}

const probeEveryMs = 1_000;

/** The circuit breakers of this process, where operators see them. */
export function createCircuits({ metrics, log, now }: { metrics: Metrics; log: Logger; now(): number }): Circuits {
  const breakers = new Set<Breaker>();

  function publish(sink: string): void {
    const states = [...breakers].filter((breaker) => breaker.sink === sink).map((breaker) => numbers[breaker.state()]);
    if (states.length === 0) metrics.circuitState.remove({ sink });
    else metrics.circuitState.set({ sink }, Math.max(...states));
  }

  function createBreaker(name: string, options: BreakerOptions = {}): Breaker {
    const { sink = name, failuresMax = 5, halfOpenAfterMs = 30_000, counts = () => true, probe } = options;
    let openedAt: Date | undefined;
    let openedAtMs = 0;
    let error = '';
    let isHealed = false;
    let disposed = false;
    let isProbing = false;

    const isDue = () => isHealed || performance.now() - openedAtMs >= halfOpenAfterMs;
    const wait = {
      // The library reads it at every call, and compares it with a span of the host's clock: one that is set back would keep a circuit open.
      get duration() {
        return isDue() ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
      },
      next: () => wait,
    };
    const policy = circuitBreaker(handleWhen(counts), { halfOpenAfter: wait, breaker: new ConsecutiveBreaker(failuresMax) });
    policy.onStateChange((changed) => {
      const state = stateOf(changed);
      if (state === 'open') {
        openedAt = new Date(now());
        openedAtMs = performance.now();
        isHealed = false;
        error = messageOf(policy.lastFailure);
        if (probe && !isProbing) void probeUntilClosed(probe);
      }
      publish(sink);
      log[state === 'closed' ? 'info' : 'warn']({ circuit: name, state, ...(state === 'open' ? { error } : {}) }, 'circuit');
      options.onChange?.(state);
    });

    async function probeUntilClosed(ask: () => Promise<boolean>): Promise<void> {
      isProbing = true;
      const isClosed = () => policy.state === Cockatiel.Closed;
      while (!isClosed() && !disposed) {
        if ((await ask().catch(() => false)) && policy.state === Cockatiel.Open) {
          isHealed = true;
          await policy.execute(() => undefined).catch(() => {});
          if (isClosed()) break;
        }
        await new Promise((resolve) => setTimeout(resolve, probeEveryMs).unref());
      }
      isProbing = false;
    }

    const breaker: Breaker = {
      name,
      sink,
      state: () => stateOf(policy.state),
      opened: () => openedAt && { at: openedAt, error },
      isBlocking: () => policy.state === Cockatiel.HalfOpen || (policy.state === Cockatiel.Open && !isDue()),
      async run(task) {
        try {
          return await policy.execute(task);
        } catch (thrown) {
          throw thrown instanceof BrokenCircuitError ? new CircuitOpenError(sink) : thrown;
        }
      },
      dispose() {
        disposed = true;
        breakers.delete(breaker);
        publish(sink);
      },
    };
    breakers.add(breaker);
    publish(sink);
    return breaker;
  }

  return { createBreaker, list: () => [...breakers] };
}

function stateOf(state: Cockatiel): CircuitState {
  return state === Cockatiel.Closed ? 'closed' : state === Cockatiel.HalfOpen ? 'half_open' : 'open';
}

function messageOf(failure: object | undefined): string {
  return failure && 'error' in failure && failure.error instanceof Error ? failure.error.message : '';
}
