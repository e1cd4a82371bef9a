import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keepConnection, metric, pidsOf, until, useSeveralProcesses } from '../test/several-processes.ts';

const { lines, writeEntry, begin, start } = useSeveralProcesses();
const file = (name: string) => join(import.meta.dirname, '..', name);

/** The program of the API, in which a process counts as hung sooner than in production. `served` runs in the processes before they start. */
const program = (times: { startSecondsMax: number; silentSecondsMax: number }, served: string) => `
import cluster from 'node:cluster';
import { createLog, exit } from '${file('platform/log.ts')}';
import { runPrimary } from '${file('processes/primary.ts')}';
if (cluster.isPrimary) {
  await runPrimary((level) => createLog(level).child({ process: 0 }), (log, code) => (log ? exit(log, code) : process.exit(code)), ${JSON.stringify(times)});
} else {
  ${served}
  await import('${file('main.ts')}');
}`;

describe.skipIf(process.platform !== 'linux')('a process that hangs, which this test finds in /proc of Linux', () => {
  it('is killed and replaced when its event loop stands still, and the others go on serving', async () => {
    const entry = writeEntry(program({ startSecondsMax: 60, silentSecondsMax: 5 }, `process.on('SIGUSR2', () => { for (;;); });`));
    const { origin, child } = await start(2, entry);
    const [stuck, other] = pidsOf(child.pid);
    const clients = Array.from({ length: 6 }, keepConnection);
    for (const { ask } of clients) expect(await ask(`${origin}/health`)).toBe(200);
    process.kill(stuck as number, 'SIGUSR2');
    // The connections of the stuck process wait until it is killed; those of the other are answered at once.
    const answers = await Promise.all(clients.map(({ ask }) => ask(`${origin}/health`)));
    expect(answers).toContain(200);
    expect(answers.filter((answer) => answer !== 200 && answer !== 'ECONNRESET')).toEqual([]);
    await until(() => expect(lines('listening')).toHaveLength(3));
    expect(() => process.kill(stuck as number, 0)).toThrow('ESRCH');
    expect(pidsOf(child.pid)).toContain(other);
    await until(async () => expect(await metric(origin, 'api_processes')).toBe(2));
    expect(await metric(origin, 'api_process_ends_total{reason="hung"}')).toBe(1);
    expect(lines('a process has ended by itself')).toMatchObject([{ reason: 'hung', signal: 'SIGKILL' }]);
    for (const { close } of clients) close();
  }, 90_000);

  it('at its start is ended, and its place is filled by another one', async () => {
    const hangs = `if (process.env.TRIBUTARY_PROCESS_SLOT === '1' && cluster.worker.id === 2) for (;;);`;
    const { origin } = await begin(2, writeEntry(program({ startSecondsMax: 10, silentSecondsMax: 30 }, hangs)));
    await until(() => expect(lines('listening')).toHaveLength(2));
    await until(async () => expect(await metric(origin, 'api_processes')).toBe(2));
    expect(lines('a process has ended by itself')).toMatchObject([{ process: 2, reason: 'failed', signal: 'SIGKILL' }]);
    expect(lines('a process could not be started again')).toHaveLength(1);
  }, 90_000);
});
