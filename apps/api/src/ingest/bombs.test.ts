import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { jsonValuesMax } from '@tributary/pipeline/reading/json.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeWorld, type World } from '../test/make.ts';
import { startProcess, type TestProcess } from '../test/process.ts';

const hottok = 'hottok-of-the-bombed-connection-01';
let world: World;
let api: TestProcess;
let url: string;

beforeAll(async () => {
  world = await makeWorld();
  api = await startProcess(world);
  const org = await world.makeOrg();
  const made = await fetch(`${api.origin}/api/connections`, {
    method: 'POST',
    headers: { authorization: `Bearer ${org.owner.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ projectId: org.projectId, type: 'hotmart', name: 'Bombed', secrets: { hottok } }),
  });
  const { webhookUrl } = (await made.json()) as { webhookUrl: string };
  url = api.origin + new URL(webhookUrl).pathname;
});
afterAll(async () => {
  api?.child.kill('SIGKILL');
  await world?.close();
});

const inflatedBytes = 8_388_608;
const list = (first: string, item: string, count: number) => `{"n":12345678901234567890,"a":[${first}${`,${item}`.repeat(count)}]}`;

/** Eight kilobytes that inflate to eight megabytes of JSON. Parsed, they would take hundreds of megabytes of memory. */
const bomb = gzipSync(list('{}', '{}', (inflatedBytes - 100) / 3));
/** A readable record with the maximum number of JSON values, one of them an integer that a double would round. */
const largest = gzipSync(
  JSON.stringify({ id: 'x', event: 'PURCHASE_APPROVED', version: '2.0.0', creation_date: 1, data: {} }).slice(0, -1) +
    `,"n":12345678901234567890,"a":[0${',{}'.repeat(jsonValuesMax - 20)}]}`,
);

async function post(body: Uint8Array<ArrayBuffer> | string, headers: Record<string, string> = {}): Promise<number> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(typeof body === 'string' ? {} : { 'content-encoding': 'gzip' }), ...headers },
    body,
  });
  await answer.arrayBuffer();
  return answer.status;
}

const genuine = { 'x-hotmart-hottok': hottok };
const times = (count: number, send: () => Promise<number>) => Promise.all(Array.from({ length: count }, send));

/** Expects that the process accepts another delivery and was not restarted. */
async function expectItServes(): Promise<void> {
  const event = { id: randomUUID(), creation_date: Date.now(), event: 'SOMETHING_NEW', version: '2.0.0', data: { product: { id: 1 } } };
  await expect.poll(() => post(JSON.stringify(event), genuine)).toBe(200);
  expect(api.child.exitCode).toBeNull();
  expect(api.child.signalCode).toBeNull();
}

describe('a small body that inflates to eight megabytes of JSON values, on the documented heap', () => {
  it('is refused without a credential, alone and a hundred at once, and the process keeps running', async () => {
    expect(bomb.length).toBeLessThan(12_000);
    expect(await post(bomb)).toBe(401);
    const statuses = await times(100, () => post(bomb));
    expect(new Set(statuses).difference(new Set([401, 503]))).toEqual(new Set());
    expect(statuses).toContain(401);
    await expectItServes();
  });

  it('is refused with the right credential because it has too many values, alone and a hundred at once, and the process keeps running', async () => {
    expect(await post(bomb, genuine)).toBe(400);
    const statuses = await times(100, () => post(bomb, genuine));
    expect(new Set(statuses).difference(new Set([400, 503]))).toEqual(new Set());
    expect(statuses).toContain(400);
    await expectItServes();
  });

  it('is accepted with the maximum number of values, alone and twenty at once, and the process keeps running', async () => {
    expect(await post(largest, genuine)).toBe(200);
    const statuses = await times(20, () => post(largest, genuine));
    expect(new Set(statuses).difference(new Set([200, 503]))).toEqual(new Set());
    expect(statuses).toContain(200);
    await expectItServes();
  });

  it('keeps the process within the memory of its container', () => {
    const peakKb = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${api.child.pid}/status`, 'utf8'))?.[1]);
    expect(peakKb).toBeLessThan(512 * 1024);
  });
});
