import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeBody } from '@tributary/pipeline/reading/body.ts';
import { fingerprintOf } from '@tributary/pipeline/reading/fingerprint.ts';
import type { Sample, Secret, Signed, Source } from '@tributary/pipeline/source.ts';

/** A connection that the demo sends to, with its secrets. */
export interface DemoTarget {
  source: Source;
  webhookUrl: string;
  secrets: readonly Secret[];
  /** The settings of the connection. */
  config: unknown;
}

/** The kinds of deliveries; most are `good`. */
export type DeliveryKind = 'good' | 'duplicate' | 'conflict' | 'wrong secret' | 'broken' | 'unreadable';

export interface Sent {
  source: string;
  kind: DeliveryKind;
  /** The outcome of each record (accepted, duplicate, dead_lettered), or `rejected` for the whole delivery when it was refused. */
  outcomes: { outcome: string; code?: string | undefined }[];
  /** The answer, when it was not the expected one. */
  unexpected?: string | undefined;
}

interface Prepared {
  kind: DeliveryKind;
  url: string;
  headers: Record<string, string>;
  body: string;
  /** The event ids of the delivery that a duplicate repeats. */
  eventIds?: string[];
}

interface Good {
  prepared: Prepared;
  sample: Sample;
  id: string;
  nowMs: number;
  eventIds: string[];
}

interface Answer {
  status?: string;
  records?: { status: string; eventId?: string; code?: string }[];
  code?: string;
}

/** Deliveries of each kind in a hundred; the rest is good. */
const shares: readonly [DeliveryKind, number][] = [
  ['duplicate', 8],
  ['wrong secret', 5],
  ['broken', 4],
  ['unreadable', 4],
  ['conflict', 4],
];

/** Sends `count` deliveries round-robin to the targets, about `perSecond` a second, and reports the outcome of each. */
export async function sendTraffic(
  targets: readonly DemoTarget[],
  { count, perSecond, random = Math.random }: { count: number; perSecond: number; random?: () => number },
  onSent: (sent: Sent) => void,
): Promise<void> {
  const good = new Map<DemoTarget, Good[]>(targets.map((target) => [target, []]));
  const samplesSent = new Map<DemoTarget, number>();
  const pending = new Set<Promise<void>>();
  const started = performance.now();
  for (let n = 0; n < count; n++) {
    await sleep(Math.max(0, started + (n * 1000) / perSecond - performance.now()));
    const target = targets[n % targets.length] as DemoTarget;
    const earlier = good.get(target) ?? [];
    const next = samplesSent.get(target) ?? 0;
    const { prepared, made } = prepare(target, pickKind(random), earlier, next, random);
    if (made) samplesSent.set(target, next + 1);
    const work = deliver(target, prepared).then(({ sent, eventIds }) => {
      if (made && eventIds.length > 0) earlier.push({ ...made, prepared, eventIds });
      onSent(sent);
    });
    pending.add(work);
    void work.finally(() => pending.delete(work)).catch(() => {});
  }
  await Promise.all(pending);
}

function pickKind(random: () => number): DeliveryKind {
  let dice = random() * 100;
  for (const [kind, share] of shares) {
    dice -= share;
    if (dice < 0) return kind;
  }
  return 'good';
}

function prepare(
  target: DemoTarget,
  kind: DeliveryKind,
  earlier: Good[],
  next: number,
  random: () => number,
): { prepared: Prepared; made?: Omit<Good, 'prepared' | 'eventIds'> } {
  const { source } = target;
  const known = earlier[Math.floor(random() * earlier.length)];
  if (kind === 'duplicate' && known) return { prepared: { ...known.prepared, kind, eventIds: known.eventIds } };
  if (kind === 'conflict') {
    // The same id with another time. Only some samples then keep their idempotency key and have other contents, so the source reads both.
    for (const one of earlier) {
      const prepared = request(target, kind, one.sample, one.sample.body({ id: one.id, nowMs: one.nowMs - 1_000 }));
      const identity = identityOf(target, prepared);
      const former = identityOf(target, one.prepared);
      if (identity.keys !== undefined && identity.keys === former.keys && identity.contents.isDisjointFrom(former.contents)) {
        earlier.splice(earlier.indexOf(one), 1);
        return { prepared };
      }
    }
  }
  const sample = source.samples[next % source.samples.length] as Sample;
  const made = { sample, id: randomUUID(), nowMs: Date.now() };
  const body = sample.body(made);
  if (kind === 'wrong secret') {
    const wrong = target.secrets.map((secret) => ({ ...secret, value: randomBytes(32).toString('base64') }));
    return { prepared: request({ ...target, secrets: wrong }, kind, sample, body) };
  }
  if (kind === 'broken') return { prepared: request(target, kind, sample, '{"id": "cut off in the mid') };
  if (kind === 'unreadable') return { prepared: request(target, kind, sample, '[17]') };
  return { prepared: request(target, 'good', sample, body), made };
}

/** Signs the body as the platform would. */
function request(target: DemoTarget, kind: DeliveryKind, sample: Sample, body: string): Prepared {
  const { source, secrets, config } = target;
  const isJson = kind === 'broken' || kind === 'unreadable';
  let signed: Signed = source.sign(body, secrets, config, Date.now());
  if (isJson && signed.body !== undefined) {
    // This source sends the credential in the body, and the body is broken. The first sample has its credential in a header, so it is signed instead.
    const first = source.samples[0] as Sample;
    signed = { headers: source.sign(first.body({ id: randomUUID(), nowMs: Date.now() }), secrets, config, Date.now()).headers };
  }
  const url = new URL(target.webhookUrl);
  for (const [name, value] of Object.entries(signed.query ?? {})) url.searchParams.set(name, value);
  return {
    kind,
    url: url.href,
    headers: { 'content-type': isJson ? 'application/json' : sample.contentType, ...signed.headers },
    body: signed.body ?? body,
  };
}

/** The idempotency keys of the records, undefined when one has none, and the fingerprints of their contents. */
function identityOf({ source, config }: DemoTarget, { url, headers, body }: Prepared): { keys: string | undefined; contents: Set<string> } {
  const delivery = { method: 'POST', url, headers, raw: Buffer.from(body) };
  const records = [...source.split(decodeBody(delivery), config)];
  const keys = records.map((record) => source.read(record, { config, headers, receivedAtMs: Date.now() }).idempotencyKey);
  return {
    keys: keys.includes(undefined) ? undefined : JSON.stringify(keys),
    contents: new Set(records.map((record) => fingerprintOf(source, record.value, { config, headers }))),
  };
}

async function deliver({ source }: DemoTarget, prepared: Prepared): Promise<{ sent: Sent; eventIds: string[] }> {
  const { kind } = prepared;
  const response = await post(prepared);
  const answer = (await response.json().catch(() => ({}))) as Answer;
  const records = response.ok ? (answer.records ?? []) : [];
  const outcomes = response.ok
    ? records.map((record) => ({ outcome: record.status, code: record.code }))
    : [{ outcome: 'rejected', code: answer.code ?? `http_${response.status}` }];
  const eventIds = records.flatMap((record) => record.eventId ?? []);
  const all = (status: string) => response.status === 200 && records.length > 0 && records.every((record) => record.status === status);
  const expected: Record<DeliveryKind, boolean> = {
    good: all('accepted'),
    duplicate: all('duplicate') && eventIds.join() === prepared.eventIds?.join(),
    conflict: all('dead_lettered') && records.every((record) => record.code === 'DUPLICATE_EVENT'),
    'wrong secret': response.status === 401,
    broken: response.status === 400,
    unreadable: all('dead_lettered'),
  };
  const unexpected = expected[kind] ? undefined : `${response.status} ${JSON.stringify(answer)}`;
  return { sent: { source: source.type, kind, outcomes, unexpected }, eventIds };
}

/** Sends a delivery and repeats it when the API answers that it is busy, as platforms do. */
async function post({ url, headers, body }: Prepared): Promise<Response> {
  for (let tries = 1; ; tries++) {
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(30_000) });
    if ((response.status !== 429 && response.status !== 503) || tries === 5) return response;
    await response.body?.cancel();
    await sleep(Math.min(5, Number(response.headers.get('retry-after')) || 1) * 1000);
  }
}
