import type { Delivery, Json } from '@tributary/pipeline/source.ts';
import type { Arrival } from '../../../apps/api/src/deliveries/prepare.ts';
import { type Choices, createChoices } from './choices.ts';
import { encode } from './encode.ts';
import { mutate } from './mutate.ts';
import type { Setup } from './setups.ts';

/** A body from which deliveries are made: a sample, or a delivery that was captured from a platform. */
export interface Base {
  /** The source's type; undefined for a platform without a source, whose bodies go to the generic webhook source. */
  type: string | undefined;
  contentType: string;
  text: string;
}

/** All times are fixed, so that both checkouts make the same rows. */
const fixedNowMs = Date.UTC(2026, 10, 30, 12);
const url = 'https://in.example.com/api/webhooks/source/0199d3a1-0000-7000-8000-000000000001';

/** Makes deliveries by their numbers. The first ones are the bases as they are, once for each config of their source; the others are mutated. */
export function createDeliveries(
  bases: readonly Base[],
  setups: readonly Setup[],
  seed: number,
  nowMs = fixedNowMs,
): { unchanged: number; make(n: number): Arrival } {
  const pairs = setups.flatMap((setup) =>
    bases.filter((base) => suits(base, setup)).map((base) => ({ setup, base, parsed: parsed(base) })),
  );
  const bySetup = Map.groupBy(pairs, ({ setup }) => setup);
  const make = (n: number): Arrival => {
    const choices = createChoices(seed * 2_000_003 + n);
    const unchanged = pairs[n];
    if (unchanged) return arrivalOf(unchanged.setup, unchanged.setup.connections[0], unchanged.base, nowMs);
    const setup = choices.one(setups);
    const pair = choices.one(bySetup.get(setup) ?? pairs);
    const body = mutate(structuredClone(pair.parsed), 1 + choices.below(choices.chance(80) ? 4 : 12), choices);
    const encoded = encode(body, pair.base.contentType, choices);
    return vary(
      arrivalOf(setup, choices.chance(70) ? setup.connections[0] : choices.one(setup.connections), encoded, nowMs, choices),
      setup,
      choices,
    );
  };
  return { unchanged: pairs.length, make };
}

const suits = (base: Base, { source }: Setup) => base.type === source.type || (base.type === undefined && source.type === 'webhook');

function parsed({ contentType, text }: Base): Json {
  if (contentType.includes('form')) return Object.fromEntries(new URLSearchParams(text));
  try {
    return JSON.parse(text);
  } catch {
    return text
      .split('\n')
      .filter(Boolean)
      .map((line): Json => JSON.parse(line));
  }
}

function arrivalOf(
  { source, secrets, otherSecrets }: Setup,
  connection: Arrival['connection'] | undefined,
  { contentType, text, bytes }: { contentType: string; text: string; bytes?: (text: string) => Buffer },
  nowMs: number,
  choices?: Choices,
): Arrival {
  if (!connection) throw new Error('a setup has no connection');
  const sign = (body: string) => {
    try {
      return source.sign(
        body,
        choices?.chance(4) ? otherSecrets : secrets,
        connection.config,
        choices?.chance(2) ? nowMs - 86_400_000 : nowMs,
        url,
      );
    } catch {
      return { headers: {} };
    }
  };
  const { headers, query, body = text } = sign(text);
  const delivery: Delivery = {
    method: 'POST',
    url: query ? `${url}?${new URLSearchParams(query)}` : url,
    headers: { ...headers, 'content-type': contentType },
    raw: bytes ? bytes(body) : Buffer.from(body),
  };
  return { connection, delivery, secrets: connection.secrets, receivedAtMs: nowMs, isTest: false };
}

/** Changes what is beside the body: headers, the query, and how the delivery came in. */
function vary(arrival: Arrival, { secrets }: Setup, choices: Choices): Arrival {
  const nowMs = arrival.receivedAtMs;
  const secret = secrets[0]?.value ?? 'none';
  const headers: Record<string, string | undefined> = { ...arrival.delivery.headers };
  let { url: called } = arrival.delivery;
  if (choices.chance(10))
    headers[choices.one(['x-event', 'x-github-event', 'x-shopify-topic', 'ce-type', 'user-agent'])] = choices.one([
      'order.paid',
      'push',
      'orders/create',
      'Lívia',
    ]);
  if (choices.chance(4))
    headers[choices.one(['x-other', 'cookie', 'x-long', 'authorization'])] = choices.one([
      secret,
      `a=${secret}; b`,
      'z'.repeat(9_000),
      `Basic ${btoa(`u:${secret}`)}`,
    ]);
  if (choices.chance(3))
    headers['content-type'] = choices.one([
      undefined,
      '',
      'text/plain',
      'application/octet-stream',
      'APPLICATION/JSON; charset=iso-8859-1',
      'application/problem+json',
      'multipart/form-data; boundary=x',
    ]);
  if (choices.chance(3))
    called += `${called.includes('?') ? '&' : '?'}${choices.one(['hottok', 'token', 'key', 'email', 'utm_source'])}=${choices.one([secret, 'livia.campos@example.com', '%zz', ''])}`;
  if (choices.chance(3)) {
    const name = choices.one(Object.keys(headers));
    const value = headers[name] ?? '';
    headers[name] = choices.one([undefined, '', `${value}0`, value.slice(0, -1), value.toUpperCase(), `${value},${value}`, ` ${value} `]);
  }
  return {
    ...arrival,
    delivery: { ...arrival.delivery, headers, url: called },
    isTest: choices.chance(5),
    receivedAtMs: choices.chance(97) ? arrival.receivedAtMs : choices.one([0, nowMs - 31_536_000_000, nowMs + 86_400_000]),
    ...(choices.chance(8) ? { replay: { of: '0199d3a1-0000-7000-8000-00000000000f', nowMs: nowMs + 3_600_000 } } : {}),
  };
}
