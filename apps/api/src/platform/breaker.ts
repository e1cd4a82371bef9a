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
  /**
   * The label of the metric, from a short fixed list. The metric shows the worst of the circuits with the same label. Default: the name.
   */
  sink?: string;
  /** The circuit opens after this many failures in a row. */
  failuresMax?: number;
  /** An open circuit lets one call through after this time, to find out whether the sink works again. */
  halfOpenAfterMs?: number;
  /** Whether an error is a failure of the sink. Other errors are rethrown without being counted. Default: every error counts. */
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
  /** When the circuit last opened, and why. Undefined when it never opened. */
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

/** The circuit breakers of this process, whose states are shown to operators. */
export function createCircuits({ metrics, log, now }: { metrics: Metrics; log: Logger; now(): number }): Circuits {
  const breakers = new Set<Breaker>();

  function publish(sink: string): void {
    const states = [...breakers].filter((breaker) => breaker.sink === sink).map((breaker) => numbers[breaker.state()]);
    if (states.length === 0) metrics.circuitState.remove({ sink });
    else metrics.circuitState.set({ sink }, Math.max(...states));
  }

  return {
    createBreaker(name, options = {}) {
      const { sink = name, onChange } = options;
      const breaker = createBreaker(name, {
        ...options,
        now,
        onStateChange(state, error) {
          publish(sink);
          log[state === 'closed' ? 'info' : 'warn']({ circuit: name, state, ...(state === 'open' ? { error } : {}) }, 'circuit');
          onChange?.(state);
        },
        onDispose() {
          breakers.delete(breaker);
          publish(sink);
        },
      });
      breakers.add(breaker);
      publish(sink);
      return breaker;
    },
    list: () => [...breakers],
  };
}

interface BreakerDeps extends BreakerOptions {
  now(): number;
  onStateChange(state: CircuitState, error: string): void;
  onDispose(): void;
}

function createBreaker(name: string, deps: BreakerDeps): Breaker {
  const { sink = name, failuresMax = 5, halfOpenAfterMs = 30_000, counts = () => true, probe, now } = deps;
  let opened: { at: Date; atMs: number; error: string } | undefined;
  let isHealed = false;
  let disposed = false;
  let isProbing = false;

  const isDue = () => isHealed || !opened || performance.now() - opened.atMs >= halfOpenAfterMs;
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
      opened = { at: new Date(now()), atMs: performance.now(), error: messageOf(policy.lastFailure) };
      isHealed = false;
      if (probe && !isProbing) void probeUntilClosed(probe);
    }
    deps.onStateChange(state, opened?.error ?? '');
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

  return {
    name,
    sink,
    state: () => stateOf(policy.state),
    opened: () => opened && { at: opened.at, error: opened.error },
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
      deps.onDispose();
    },
  };
}

function stateOf(state: Cockatiel): CircuitState {
  return state === Cockatiel.Closed ? 'closed' : state === Cockatiel.HalfOpen ? 'half_open' : 'open';
}

function messageOf(failure: object | undefined): string {
  return failure && 'error' in failure && failure.error instanceof Error ? failure.error.message : '';
}
