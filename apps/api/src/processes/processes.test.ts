import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@tributary/supabase/local/ports.ts';
import { describe, expect, it } from 'vitest';
import { severalProcesses } from '../test/process.ts';
import { keepConnection, metric, pidsOf, until, useSeveralProcesses } from '../test/several-processes.ts';

const { world, text, lines, logLines, writeEntry, begin, start } = useSeveralProcesses();

describe.skipIf(process.platform !== 'linux')('several processes, which this test finds in /proc of Linux', () => {
  it('share the port, add up their metrics in one scrape, and keep what an ended process has counted', async () => {
    const { origin, child } = await start(3);
    const clients = Array.from({ length: 12 }, keepConnection);
    for (let round = 0; round < 5; round++)
      expect(await Promise.all(clients.map(({ ask }) => ask(`${origin}/health`)))).toEqual(clients.map(() => 200));
    const answered = 'ingest_request_duration_seconds_count{route="/health",status_class="2xx"}';
    expect(await metric(origin, answered)).toBe(60);
    expect(await metric(origin, 'api_processes')).toBe(3);
    // Every process has answered some of them.
    await until(() => expect(new Set(lines('request').map((line) => line.process)).size).toBe(3));

    const [victim] = pidsOf(child.pid);
    process.kill(victim as number, 'SIGKILL');
    await until(() => expect(lines('listening')).toHaveLength(4));
    await until(async () => expect(await metric(origin, 'api_processes')).toBe(3));
    expect(await metric(origin, answered)).toBe(60);
    expect(await metric(origin, 'api_process_ends_total{reason="failed"}')).toBe(1);
    for (const { close } of clients) close();
  }, 90_000);

  it('are replaced at SIGHUP by the code on the disk, without a refused or lost request', async () => {
    const version = (url: string) => writeEntry(`process.env.PUBLIC_URL = '${url}';\nawait import('${severalProcesses}');\n`);
    const { origin, child } = await start(2, version('https://one.example.com'));
    const shown = async () => ((await (await fetch(`${origin}/openapi.json`)).json()) as { servers: { url: string }[] }).servers[0]?.url;
    expect(await shown()).toBe('https://one.example.com');

    const outcomes = new Set<number | string>();
    let isOver = false;
    const askOn = async () => {
      const { ask, close } = keepConnection();
      while (!isOver) {
        outcomes.add(await ask(`${origin}/ready`));
        await sleep(5);
      }
      close();
    };
    const clients = Array.from({ length: 8 }, askOn);

    version('https://two.example.com');
    child.kill('SIGHUP');
    await until(() => expect(lines('reload: all processes were replaced')).toHaveLength(1));
    expect(await shown()).toBe('https://two.example.com');

    writeEntry(`import cluster from 'node:cluster';\nif (cluster.isWorker) throw new Error('broken');`);
    child.kill('SIGHUP');
    await until(() =>
      expect(logLines().filter(({ msg }) => msg.startsWith('reload: a process with the code on the disk could'))).toHaveLength(1),
    );
    expect(await shown()).toBe('https://two.example.com');
    isOver = true;
    await Promise.all(clients);
    expect([...outcomes]).toEqual([200]);
    expect(await metric(origin, 'api_processes')).toBe(2);
    expect(await metric(origin, 'api_reloads_total{outcome="done"}')).toBe(1);
    expect(await metric(origin, 'api_reloads_total{outcome="failed"}')).toBe(1);
  }, 120_000);

  it('are replaced twice when SIGHUP comes again during a reload, because the code may have changed meanwhile', async () => {
    const { origin, child } = await start(2);
    child.kill('SIGHUP');
    await until(() => expect(logLines().filter(({ msg }) => msg.startsWith('reload: processes that run'))).toHaveLength(1));
    child.kill('SIGHUP');
    await sleep(50);
    child.kill('SIGHUP');
    await until(() => expect(lines('reload: all processes were replaced')).toHaveLength(2));
    expect(await metric(origin, 'api_process_ends_total{reason="replaced"}')).toBe(4);
    expect(await metric(origin, 'api_processes')).toBe(2);
  }, 90_000);

  it('stop at SIGTERM in good order, and end when the primary is killed', async () => {
    const instances = async () => (await world().admin<{ id: string }>('select id from private.instances')).map(({ id }) => id);
    const before = await instances();
    const { child, exited } = await start(2);
    expect(await instances()).toHaveLength(before.length + 2);
    const pids = pidsOf(child.pid);
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    // The processes have given back their leases, so that other instances need not wait until they count as dead.
    expect(await instances()).toEqual(before);
    expect(lines('stopped')).toHaveLength(2);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');

    const second = await begin(2);
    await until(() => expect(lines('listening')).toHaveLength(4));
    const left = pidsOf(second.child.pid);
    second.child.kill('SIGKILL');
    await second.exited;
    await until(() => {
      for (const pid of left) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    });
    expect(lines('stopped')).toHaveLength(4);
  }, 90_000);

  it('stop at SIGTERM during a reload, also when a new process never becomes ready', async () => {
    const { child, exited } = await start(2, writeEntry(`await import('${severalProcesses}');`));
    writeEntry('setInterval(() => {}, 1_000);');
    child.kill('SIGHUP');
    await until(() => expect(pidsOf(child.pid)).toHaveLength(3));
    const pids = pidsOf(child.pid);
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(lines('stopped')).toHaveLength(2);
    expect(logLines().filter(({ level }) => Number(level) >= 50)).toEqual([]);
  }, 60_000);

  it('do not start with a configuration that is wrong: it is said once, and the exit code is 1', async () => {
    await expect(begin('many')).rejects.toThrow('exit code 1');
    expect(text().match(/API_PROCESSES/g)).toHaveLength(1);
    expect(text().trim().split('\n').at(-1)).toContain('The API has not started');
  }, 60_000);

  it('answer with the metrics of all on METRICS_PORT, also while they are replaced, and no counter goes backwards', async () => {
    const port = await freePort();
    const { origin, child } = await start(2, severalProcesses, { METRICS_PORT: String(port), METRICS_TOKEN: 'a-token-of-the-metrics' });
    const scrape = async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`, {
        headers: { authorization: 'Bearer a-token-of-the-metrics', connection: 'close' },
      });
      expect(answer.status).toBe(200);
      return answer.text();
    };
    const answered = (all: string) =>
      Number(/^ingest_request_duration_seconds_count\{route="\/health",status_class="2xx"\} (\d+)$/m.exec(all)?.[1]);
    expect((await fetch(`${origin}/metrics`)).status).toBe(404);
    for (let n = 0; n < 20; n++) await fetch(`${origin}/health`, { headers: { connection: 'close' } });

    child.kill('SIGHUP');
    let isReplaced = false;
    while (!isReplaced) {
      isReplaced = lines('reload: all processes were replaced').length > 0;
      const all = await scrape();
      expect(answered(all)).toBe(20);
      // Every metric and every series stands in a scrape once: Prometheus rejects the whole scrape otherwise.
      const names = all.split('\n').flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
      expect(names).toEqual([...new Set(names)]);
      const series = all.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      expect(new Set(series.map((line) => line.slice(0, line.lastIndexOf(' ')))).size).toBe(series.length);
    }
    await until(async () => expect(await scrape()).toMatch(/^api_processes 2$/m));
  }, 90_000);
});
