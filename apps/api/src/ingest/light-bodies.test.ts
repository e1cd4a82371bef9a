import { randomBytes, randomUUID } from 'node:crypto';
import { sources } from '@tributary/pipeline/sources.ts';
import { expect, test } from 'vitest';
import { type Shape, shapes } from '../../../../chaos/src/shapes.ts';
import type { Connection } from '../deliveries/connection-cache.ts';
import { isHeavyInSteps } from '../deliveries/heavy.ts';
import type { Arrival } from '../deliveries/prepare.ts';
import { finish, type Steps } from '../platform/steps.ts';
import { type TakeDeps, takeArrival } from './take.ts';

/** The settings and secrets of a connection of each type, by which deliveries are signed. */
const types = {
  hotmart: { config: {}, secrets: [{ name: 'hottok', value: 'hottok-of-the-measured-connection' }] },
  webhook: { config: { verification: { scheme: 'hmac', header: 'x-signature' } }, secrets: [{ name: 'secret', value: randomUUID() }] },
  meta: { config: {}, secrets: [{ name: 'app_secret', value: '0123456789abcdef0123456789abcdef' }] },
};
type Type = keyof typeof types;

const key = () => new Uint8Array(randomBytes(32));
function connectionOf(type: Type): Connection {
  const source = sources.get(type);
  if (!source) throw new Error(`there is no source ${type}`);
  const [data, hash] = [key(), key()];
  return {
    id: randomUUID(),
    orgId: randomUUID(),
    projectId: randomUUID(),
    source,
    isActive: true,
    isSuspended: false,
    isOrgSuspended: false,
    allowedNetworks: undefined,
    exceededQuota: undefined,
    priority: 'normal',
    rateLimitPerSecond: undefined,
    orgRateLimitPerSecond: undefined,
    config: source.config.parse(types[type].config),
    secrets: types[type].secrets.map((secret) => ({ ...secret, expiresAtMs: undefined })),
    keys: {
      data: new Map([[1, data]]),
      dataKey: { version: 1, key: data },
      hashKey: { version: 1, key: hash },
      hash: new Map([[1, hash]]),
      lostHash: [],
      hasFormerIds: false,
      erasedKeys: new Set(),
      digestKey: key(),
    },
  };
}

const connections = { hotmart: connectionOf('hotmart'), webhook: connectionOf('webhook'), meta: connectionOf('meta') };

function arrivalOf(type: Type, text: string, contentType = 'application/json', isGenuine = true): Arrival {
  const connection = connections[type];
  const { headers } = isGenuine ? connection.source.sign(text, connection.secrets, connection.config, Date.now()) : { headers: {} };
  return {
    connection,
    delivery: {
      method: 'POST',
      url: 'http://localhost/',
      headers: { ...headers, 'content-type': contentType },
      raw: Buffer.from(text),
    },
    secrets: connection.secrets,
    receivedAtMs: Date.now(),
    isTest: false,
  };
}

class OnThread extends Error {}
const depsOf = (inTurn: TakeDeps['inTurn']): TakeDeps => ({
  threads: { run: () => Promise.reject(new OnThread()), stop: async () => {} },
  mayKeep: () => true,
  inTurn,
});

async function isLight(arrival: Arrival): Promise<boolean> {
  let isHere = false;
  const inTurn = async <T>(work: Steps<T>) => {
    isHere = true;
    return finish(work);
  };
  await takeArrival(depsOf(inTurn), arrival).catch((error: unknown) => {
    if (!(error instanceof OnThread)) throw error;
  });
  return isHere;
}

/** How often each thing is measured. The shortest time counts, because a busy machine interrupts what takes some milliseconds. */
const runs = 6;

/** How long the longest step of the work takes. */
async function longestStepMs(arrival: Arrival): Promise<number> {
  const shortest: number[] = [];
  const inTurn = async <T>(work: Steps<T>) => {
    for (let step = 0; ; step++) {
      const startedAt = performance.now();
      const { done, value } = work.next();
      shortest[step] = Math.min(shortest[step] ?? Number.POSITIVE_INFINITY, performance.now() - startedAt);
      if (done) return value;
    }
  };
  for (let run = 0; run < runs; run++) await takeArrival(depsOf(inTurn), arrival);
  return Math.max(...shortest);
}

const purchase = sources.get('hotmart')?.samples.find(({ name }) => name === 'PURCHASE_APPROVED');
/** How long a purchase takes now: the speed of a machine changes with its load. Thirty are measured at a time, as long as what they are compared with. */
async function purchaseMs(): Promise<number> {
  const arrival = arrivalOf('hotmart', purchase?.body({ id: randomUUID(), nowMs: Date.now() }) ?? '');
  let shortest = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const startedAt = performance.now();
    for (let n = 0; n < 30; n++) await isLight(arrival);
    shortest = Math.min(shortest, performance.now() - startedAt);
  }
  return shortest / 30;
}

/** The largest body of the shape that is read on the event loop. */
function largestLight(shape: Pick<Shape, 'make'>): string {
  for (let part = 1; part > 0.01; part *= 0.9) {
    const text = shape.make({ bytes: Math.floor(82_000 * part), values: Math.floor(2_600 * part) });
    if (!isHeavyInSteps(Buffer.from(text))) return text;
  }
  throw new Error('no body of the shape is light');
}

/** A WhatsApp notice repeats in each of its records what they share. */
const sharedByRecords: Shape = {
  name: 'records that share much',
  contentType: 'application/json',
  make: ({ values }) => {
    const shared = Array.from({ length: values / 4 }, (_, n) => `"k${n}":"${n}"`);
    const messages = Array.from({ length: values / 8 }, (_, n) => `{"id":"${randomUUID()}","from":"5511${950_000_000 + n}"}`);
    const value = `{"metadata":{${shared}},"messages":[${messages}]}`;
    return `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":${value}}]}]}`;
  },
};

const form = (n: number) => ({
  id: randomUUID(),
  type: 'lead.created',
  lead: { name: `Pessoa ${n}`, email: `pessoa${n}@example.com`, phone: `+55 11 95555-${1_000 + n}` },
  answers: { budget: 'ate-500', experience: 'iniciante', goal: 'Aprender a tornear e vender as primeiras peças' },
  score: n,
});

test('a delivery of a hundred records is read on the event loop and paused after each of them, and one of ten thousand goes to a thread', async () => {
  const body = (count: number) => JSON.stringify(Array.from({ length: count }, (_, n) => form(n)));
  const arrival = arrivalOf('webhook', body(100));
  expect(await isLight(arrival)).toBe(true);
  let pauses = 0;
  const inTurn = async <T>(work: Steps<T>) => {
    for (; ; pauses++) {
      const { done, value } = work.next();
      if (done) return value;
    }
  };
  await takeArrival(depsOf(inTurn), arrival);
  expect(pauses).toBe(100);
  expect(await isLight(arrivalOf('webhook', body(10_000)))).toBe(false);
});

test('no step of a delivery that is read on the event loop holds it as long as a hundred purchases, whatever the shape of the largest such body', async () => {
  const measured: [string, number][] = [];
  await purchaseMs();
  for (const [type, shape] of [...shapes.map((one) => ['webhook', one] as const), ['meta', sharedByRecords] as const]) {
    const arrival = arrivalOf(type, largestLight(shape), shape.contentType);
    measured.push([shape.name, (await longestStepMs(arrival)) / (await purchaseMs())]);
  }
  expect(measured.filter(([, purchases]) => purchases > 100)).toEqual([]);
});

test('a delivery without its credential is refused for the cost of some purchases, although its body is as large as one that is read', async () => {
  const measured: [string, number][] = [];
  for (const type of ['webhook', 'hotmart'] as const) {
    const ofPurchase = await purchaseMs();
    for (const shape of shapes) {
      const arrival = arrivalOf(type, largestLight(shape), shape.contentType, false);
      measured.push([`${shape.name}, ${type}`, (await longestStepMs(arrival)) / ofPurchase]);
    }
  }
  expect(measured.filter(([, purchases]) => purchases > 20)).toEqual([]);
});
