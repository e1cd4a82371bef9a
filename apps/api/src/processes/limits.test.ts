import { describe, expect, it } from 'vitest';
import { severalProcesses } from '../test/process.ts';
import { keepConnection, until, useSeveralProcesses } from '../test/several-processes.ts';

const { world, lines, start } = useSeveralProcesses();

/** Clients of which each process has some. */
async function connectToAll(origin: string, processes: number) {
  const clients = Array.from({ length: 4 * processes }, keepConnection);
  await Promise.all(clients.map(({ ask }) => ask(`${origin}/health`)));
  await until(() => expect(new Set(lines('request').map((line) => line.process)).size).toBe(processes));
  return clients;
}

const count = <T>(all: readonly T[], one: T) => all.filter((each) => each === one).length;

describe('two processes', () => {
  it('let a person have the same number of requests as one process, on many connections and on one', async () => {
    const burst = 40;
    const { origin } = await start(2, severalProcesses, { API_USER_PER_SECOND: '1', API_USER_BURST: String(burst) });
    const clients = await connectToAll(origin, 2);
    const { owner } = await world().makeOrg();
    const { owner: other } = await world().makeOrg();
    const url = `${origin}/api/connections?limit=1`;
    const as = (token: string) => ({ authorization: `Bearer ${token}` });

    const began = performance.now();
    const answers: (number | string)[] = [];
    while (answers.length < 4 * burst) answers.push(...(await Promise.all(clients.map(({ ask }) => ask(url, as(owner.token))))));
    const refilled = Math.ceil((performance.now() - began) / 1_000);
    expect(count(answers, 200) + count(answers, 429)).toBe(answers.length);
    expect(count(answers, 200)).toBeGreaterThanOrEqual(burst);
    expect(count(answers, 200)).toBeLessThanOrEqual(burst + refilled);

    const [first] = clients;
    for (let n = 0; n < burst; n++) expect(await first?.ask(url, as(other.token))).toBe(200);
    for (const { close } of clients) close();
  }, 90_000);

  it('compare together no more wrong operator tokens than one process, and both know who had the right one', async () => {
    const token = 'twenty-four-characters--';
    const { origin, child } = await start(2, severalProcesses, { OPERATOR_TOKEN: token, TRUSTED_PROXIES: '127.0.0.1/32' });
    const clients = await connectToAll(origin, 2);
    const ask = (client: (typeof clients)[number] | undefined, from: string, sent: string) =>
      client?.ask(`${origin}/api/admin/flow`, { authorization: `Bearer ${sent}`, 'x-forwarded-for': from });
    const askAll = (from: (n: number) => string, sent: string) => Promise.all(clients.map((client, n) => ask(client, from(n), sent)));
    expect(await ask(clients[0], '10.0.0.2', token)).toBe(200);

    const began = performance.now();
    const elapsed = () => (performance.now() - began) / 1_000;
    const ofOne: (number | string | undefined)[] = [];
    while (ofOne.length < 80) ofOne.push(...(await askAll(() => '10.0.0.1', 'wrong')));
    expect(count(ofOne, 401)).toBeGreaterThanOrEqual(20);
    expect(count(ofOne, 401)).toBeLessThanOrEqual(20 + Math.ceil(elapsed() / 10));
    // Beyond the limit the right token is not compared, at either process.
    expect(new Set(await askAll(() => '10.0.0.1', token))).toEqual(new Set([429]));

    const ofMany: (number | string | undefined)[] = [];
    const guessFromMany = async () => {
      for (let round = 0; round < 60; round++) ofMany.push(...(await askAll((n) => `10.1.${round}.${n}`, 'wrong')));
    };
    await guessFromMany();
    // A reload brings no new tries.
    child.kill('SIGHUP');
    await until(() => expect(lines('reload: all processes were replaced')).toHaveLength(1));
    await guessFromMany();
    expect(count(ofMany, 401)).toBeGreaterThan(100);
    expect(count(ofOne, 401) + count(ofMany, 401)).toBeLessThanOrEqual(200 + Math.ceil(elapsed()));
    expect(new Set(await askAll(() => '10.0.0.2', token))).toEqual(new Set([200]));
    expect(count(await askAll((n) => `10.2.0.${n}`, token), 429)).toBeGreaterThan(0);
    for (const { close } of clients) close();
  }, 90_000);

  it('refuse a connection that was switched off, each within a second, and use no more database connections than documented', async () => {
    const [before] = await world().admin<{ now: string }>('select now()::text as now');
    const { origin } = await start(2);
    const clients = await connectToAll(origin, 2);
    const org = await world().makeOrg();
    const id = await world().makeConnection(org, { type: 'webhook' });
    const url = `${origin}/api/webhooks/webhook/${id}`;
    const send = () => Promise.all(clients.map(({ ask }) => ask(url, { 'content-type': 'application/json' }, '{"id":"1"}')));
    // The connection has no secret yet: the deliveries go into the quarantine.
    expect(new Set(await send())).toEqual(new Set([401]));
    await world().admin('update public.source_connections set is_active = false where id = $1', [id]);
    await until(async () => expect(new Set(await send())).toEqual(new Set([403])));

    const [sessions] = await world().admin<{ all: number; listening: number }>(
      `select count(*)::integer as all, (count(*) filter (where application_name like 'tributary listen %'))::integer as listening
       from pg_stat_activity where datname = current_database() and application_name like 'tributary %' and backend_start > $1`,
      [before?.now],
    );
    // docs/deploy.md, Postgres and its connections: the most for two processes.
    expect(sessions?.listening).toBe(4);
    expect(sessions?.all).toBeLessThanOrEqual(44);
    for (const { close } of clients) close();
  }, 90_000);
});
