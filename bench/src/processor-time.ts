import { readdirSync, readFileSync } from 'node:fs';

/** Processor time in seconds. */
export interface ProcessorTime {
  /** The first thread of the busiest process, which runs JavaScript in a Node server. */
  main: number;
  /** All threads of the process and of the processes that it started, also of those that have ended. */
  all: number;
}

/** What a process and its descendants have used so far. On systems without /proc (all but Linux) every figure is 0. */
export function processorTime(pid: number): ProcessorTime {
  const family = familyOf(pid);
  const mains = family.map((one) => stat(`/proc/${one}/task/${one}/stat`)?.used ?? 0);
  const all = family.reduce((sum, one) => {
    const { used = 0, reaped = 0 } = stat(`/proc/${one}/stat`) ?? {};
    return sum + used + reaped;
  }, 0);
  return { main: Math.max(0, ...mains) / ticksPerSecond, all: all / ticksPerSecond };
}

/** Resident memory in MB of a process and its descendants. */
export function residentMb(pid: number): number {
  const kilobytes = familyOf(pid).map((one) => Number(/VmRSS:\s+(\d+) kB/.exec(readText(`/proc/${one}/status`))?.[1] ?? 0));
  return Math.round((kilobytes.reduce((sum, one) => sum + one, 0) * 1024) / 1e5) / 10;
}

/** The unit of processor times in /proc on Linux, independent of the tick rate of the kernel. */
const ticksPerSecond = 100;

interface Stat {
  parent: number;
  used: number;
  /** The time of children that have ended. */
  reaped: number;
}

function stat(file: string): Stat | undefined {
  const text = readText(file);
  if (text === '') return undefined;
  // The second field is the name, in brackets, and may itself hold spaces and brackets.
  const fields = text
    .replace(/^.*\) /s, '')
    .split(' ')
    .map(Number);
  return { parent: fields[1] ?? 0, used: (fields[11] ?? 0) + (fields[12] ?? 0), reaped: (fields[13] ?? 0) + (fields[14] ?? 0) };
}

function familyOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const one of processes()) {
    const parent = stat(`/proc/${one}/stat`)?.parent;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), one]);
  }
  const family = [pid];
  for (const one of family) family.push(...(children.get(one) ?? []));
  return family;
}

function processes(): number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0);
  } catch {
    return [];
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
