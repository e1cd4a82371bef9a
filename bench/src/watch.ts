import { cpuSeconds, residentBytes } from './process.ts';

export interface Sample {
  second: number;
  megabytes: number;
  /** Share of one core since the sample before. */
  cores: number;
}

/** Samples memory and processor time of a process every second. */
export function watchProcesses({ api }: { api: number }): { stop(): Sample[] } {
  const samples: Sample[] = [];
  const started = performance.now();
  let lastAt = started;
  let lastCpu = cpuSeconds(api) ?? 0;
  const timer = setInterval(() => {
    const now = performance.now();
    const cpu = cpuSeconds(api) ?? 0;
    const bytes = residentBytes(api) ?? 0;
    samples.push({
      second: Math.round((now - started) / 1000),
      megabytes: Math.round(bytes / 1e5) / 10,
      cores: Math.round(((cpu - lastCpu) / ((now - lastAt) / 1000)) * 100) / 100,
    });
    lastAt = now;
    lastCpu = cpu;
  }, 1_000);
  return {
    stop() {
      clearInterval(timer);
      return samples;
    },
  };
}

/** `growth` compares the mean of the last third with that of the middle third: 1 is flat. */
export function summariseMemory(samples: readonly Sample[]) {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const mean = (some: readonly Sample[]) => some.reduce((sum, one) => sum + one.megabytes, 0) / Math.max(1, some.length);
  const middle = mean(samples.slice(third, 2 * third));
  const last = mean(samples.slice(2 * third));
  return {
    peakMb: Math.max(0, ...samples.map((one) => one.megabytes)),
    growth: middle === 0 ? 0 : Math.round((last / middle) * 1000) / 1000,
    samples,
  };
}
