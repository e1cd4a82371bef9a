import { BrokenCircuitError, CircuitState as Cockatiel, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import type { Logger } from 'pino';
import type { Metrics } from './metrics.ts';

export type CircuitState = 'closed' | 'half_open' | 'open';

/** The values of the gauge `ingest_circuit_state`. */
const numbers: Record<CircuitState, number> = { closed: 0, half_open: 1, open: 2 };

/** Thrown instead of calling the sink, because its last calls failed. */
export class CircuitOpenError extends Error {
  override readonly name = 'CircuitOpenError';
  readonly sink: string;
  constructor(sink: string) {
    super(`the circuit of ${sink} is open`);
    this.sink = sink;
  }
}

interface BreakerOptions {
  /** The label of the metric, out of a short fixed list. Of several circuits with one label the worst is shown. Default: the name. */
  sink?: string;
  /** The circuit opens after this many failures in a row. */
  failuresMax?: number;
  /** An open circuit lets one call through after this time, to find out whether the sink works again. */
  halfOpenAfterMs?: number;
  /** Whether an error means that the sink is in trouble; other errors are rethrown without being counted. Default: every error counts. */
  counts?(error: unknown): boolean;
  /**
   * Called when the circuit opens and every second while it is open, apart from the traffic. The circuit closes as soon as this answers
   * true.
   */
  probe?(): Promise<boolean>;
  onChange?(state: CircuitState): void;
}

export interface Breaker {
  readonly name: string;
  readonly sink: string;
  state(): CircuitState;
  /** When it last opened, and why; undefined if it never did. */
  opened(): { at: Date; error: string } | undefined;
  /** True while {@link Breaker.run} would not call at once: callers refuse early, before they do any work. */
  isBlocking(): boolean;
  /**
   * Calls `task`, or throws CircuitOpenError without calling it. While the circuit is half open one call tries, and the others wait for its
   * result.
   */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Removes the circuit from the metrics and stops its probe. */
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
      // The library reads this at every call and compares it with a time span by the host's clock: a host that is set back would keep the
      // circuit open. So this answers only whether the span is over, by the monotonic timer.
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
