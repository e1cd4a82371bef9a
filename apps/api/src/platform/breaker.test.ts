import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CircuitOpenError, createCircuits } from './breaker.ts';
import { createMetrics } from './metrics.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function make() {
  const metrics = createMetrics();
  const circuits = createCircuits({ metrics, log: pino({ level: 'silent' }), now: Date.now });
  const gauge = async (sink: string) => (await metrics.circuitState.get()).values.find(({ labels }) => labels.sink === sink)?.value;
  return { circuits, gauge };
}
const fails = (message = 'down') => Promise.reject(new Error(message));

describe('a circuit breaker', () => {
  test('opens after failures in a row, lets one call try after half a minute, and closes when it succeeds', async () => {
    const { circuits, gauge } = make();
    const seen: string[] = [];
    const breaker = circuits.createBreaker('sink', { failuresMax: 3, onChange: (state) => seen.push(state) });
    expect(await gauge('sink')).toBe(0);
    for (let n = 0; n < 2; n++) await expect(breaker.run(() => fails())).rejects.toThrow('down');
    await breaker.run(async () => 'a success starts the count anew');
    for (let n = 0; n < 3; n++) await expect(breaker.run(() => fails('no answer'))).rejects.toThrow('no answer');
    expect(breaker.state()).toBe('open');
    expect(breaker.opened()?.error).toBe('no answer');
    expect(await gauge('sink')).toBe(2);

    const task = vi.fn(async () => 'done');
    vi.advanceTimersByTime(29_000);
    expect(breaker.isBlocking()).toBe(true);
    await expect(breaker.run(task)).rejects.toBeInstanceOf(CircuitOpenError);
    expect(task).not.toHaveBeenCalled();

    vi.advanceTimersByTime(1_001);
    expect(breaker.isBlocking()).toBe(false);
    let finish = (_: string) => {};
    const trial = breaker.run(() => new Promise<string>((resolve) => (finish = resolve)));
    expect(breaker.state()).toBe('half_open');
    expect(breaker.isBlocking()).toBe(true);
    expect(await gauge('sink')).toBe(1);
    finish('ok');
    expect(await trial).toBe('ok');
    expect(breaker.state()).toBe('closed');
    expect(await gauge('sink')).toBe(0);
    expect(seen).toEqual(['open', 'half_open', 'closed']);
  });

  test('opens again for another half a minute when the trial fails', async () => {
    const { circuits } = make();
    const breaker = circuits.createBreaker('sink', { failuresMax: 1 });
    await expect(breaker.run(() => fails())).rejects.toThrow('down');
    vi.advanceTimersByTime(30_001);
    await expect(breaker.run(() => fails())).rejects.toThrow('down');
    expect(breaker.state()).toBe('open');
    vi.advanceTimersByTime(29_000);
    await expect(breaker.run(async () => 1)).rejects.toBeInstanceOf(CircuitOpenError);
    vi.advanceTimersByTime(1_001);
    expect(await breaker.run(async () => 1)).toBe(1);
  });

  test('uses the monotonic timer: a host clock that is set back does not keep a circuit open longer', async () => {
    const { circuits } = make();
    const tried = circuits.createBreaker('tried', { failuresMax: 1 });
    const probe = vi.fn(async () => true);
    let isUp = false;
    const probed = circuits.createBreaker('probed', { failuresMax: 1, probe: async () => isUp && probe() });
    for (const breaker of [tried, probed]) await expect(breaker.run(() => fails())).rejects.toThrow('down');
    vi.setSystemTime(Date.now() - 600_000);
    isUp = true;
    await vi.advanceTimersByTimeAsync(1_001);
    expect(probed.state()).toBe('closed');
    expect(probe).toHaveBeenCalledTimes(1);
    expect(tried.isBlocking()).toBe(true);
    vi.advanceTimersByTime(29_000);
    expect(tried.isBlocking()).toBe(false);
    expect(await tried.run(async () => 'tried')).toBe('tried');
  });

  test('closes as soon as its probe succeeds, without any traffic', async () => {
    const { circuits } = make();
    let isUp = false;
    const probe = vi.fn(async () => isUp);
    const breaker = circuits.createBreaker('sink', { failuresMax: 1, probe });
    expect(probe).not.toHaveBeenCalled();
    await expect(breaker.run(() => fails())).rejects.toThrow('down');
    await vi.advanceTimersByTimeAsync(3_500);
    expect(probe).toHaveBeenCalledTimes(4);
    expect(breaker.state()).toBe('open');
    isUp = true;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(breaker.state()).toBe('closed');
    expect(await breaker.run(async () => 7)).toBe(7);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(probe).toHaveBeenCalledTimes(5);
  });

  test('rethrows an error that does not count, without counting it', async () => {
    const { circuits } = make();
    const breaker = circuits.createBreaker('sink', { failuresMax: 1, counts: (error) => (error as Error).message !== 'your fault' });
    for (let n = 0; n < 10; n++) await expect(breaker.run(() => fails('your fault'))).rejects.toThrow('your fault');
    expect(breaker.state()).toBe('closed');
  });

  test('shows the worst of the circuits that share a sink, and forgets a disposed one', async () => {
    const { circuits, gauge } = make();
    const [first, second] = ['a', 'b'].map((name) => circuits.createBreaker(name, { sink: 'notifier', failuresMax: 1 }));
    await expect(second?.run(() => fails())).rejects.toThrow('down');
    expect(await gauge('notifier')).toBe(2);
    expect(circuits.list().map((breaker) => [breaker.name, breaker.state()])).toEqual([
      ['a', 'closed'],
      ['b', 'open'],
    ]);
    second?.dispose();
    expect(await gauge('notifier')).toBe(0);
    first?.dispose();
    expect(await gauge('notifier')).toBeUndefined();
  });
});
