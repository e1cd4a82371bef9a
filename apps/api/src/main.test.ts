import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeWorld, type World } from './test/make.ts';
import { startProcess } from './test/process.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world?.close());

const exitOf = (child: ReturnType<typeof spawn>) => new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));

describe('the process', () => {
  it('stops in good order while a client has a download open and reads no further', async () => {
    const { origin, child, exited } = await startProcess(world);
    try {
      const org = await world.makeOrg();
      await world.admin(
        `insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, event_time,
           received_at, ingested_at, idempotency_key, journal_id, schema_version, properties)
         select gen_random_uuid(), $1, $2, $3, 'order.paid', 'hotmart', 'X', now() - n * interval '1 second', now(), now(), n::text,
           gen_random_uuid(), 1, jsonb_build_object('x', repeat('y', 6000)) from generate_series(1, 4000) n`,
        [org.id, org.projectId, await world.makeConnection(org)],
      );
      const prepared = await fetch(`${origin}/api/events/export`, {
        method: 'POST',
        headers: { authorization: `Bearer ${org.owner.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ orgId: org.id, filter: {}, format: 'ndjson' }),
      });
      const { url } = (await prepared.json()) as { url: string };
      const reader = connect(Number(new URL(origin).port), '127.0.0.1', () => reader.write(`GET ${url} HTTP/1.1\r\nhost: x\r\n\r\n`));
      reader.on('error', () => {});
      await new Promise((begun) => reader.once('readable', begun));
      await sleep(500);
      child.kill('SIGTERM');
      expect(await exited).toBe(0);
      reader.destroy();
      // The process has given back its leases, so another instance need not wait until it is considered dead.
      expect(await world.admin('select 1 from private.instances')).toEqual([]);
    } finally {
      child.kill('SIGKILL');
    }
  }, 60_000);

  it('ends although no program reads its log', async () => {
    const script = `
      const { createLog, exit } = await import(${JSON.stringify(join(import.meta.dirname, 'platform/log.ts'))});
      const log = createLog('info');
      for (let n = 0; n < 20_000; n++) log.info({ n, filling: 'x'.repeat(100) }, 'line');
      setTimeout(() => exit(log, 3), 100);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout?.pause();
    const exited = exitOf(child);
    const given = AbortSignal.timeout(20_000);
    given.addEventListener('abort', () => child.kill('SIGKILL'));
    expect(await exited).toBe(3);
  });
});
