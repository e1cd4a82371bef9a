import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { decodeBody } from '@tributary/pipeline/reading/body.ts';
import type { CaseContext, CaseReport } from '../case.ts';
import { type Client, createClient } from '../client.ts';
import { createFindings, type Findings } from '../findings.ts';
import { type Neighbour, startNeighbour } from '../neighbour.ts';
import { percentile } from '../percentile.ts';
import { createRandom, shuffle } from '../random.ts';
import { type ProofConnection, signed } from '../seed.ts';
import { randomShape, type Shape, shapes } from '../shapes.ts';
import { type Api, type ProofStack, withProofStack } from '../stack.ts';

const mebibyte = 1_048_576;
/** What a delivery may have at most: as sent, after decompression, and in JSON values. */
const sentMax = mebibyte;
const inflatedMax = 8 * mebibyte;
const valuesMax = 200_000;
/** The promise: no delivery delays a delivery of another tenant by more. */
const delayMsMax = 100;
const containerMegabytes = 512;
const perSecond = 40;
const shapesInShort = 7;

/** A delivery that is sent while the neighbour sends, with the answers that are right for it. */
interface Bomb {
  name: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
  right: number;
}

/** Fault 27: bodies that cost more to read than their bytes suggest, with and without the credential, while another tenant sends. */
export async function valueBombs({ seed, long, say }: CaseContext): Promise<CaseReport> {
  const random = createRandom(seed);
  return withProofStack(async (stack) => {
    const scene = await openScene(stack, say);
    const chosen = long ? [...shapes, ...Array.from({ length: 40 }, () => randomShape(random))] : pickShort(random);
    const { hotmart, webhook } = stack.connections;
    // They are made when they are sent: all of them together take gigabytes, and a signature is valid for some minutes.
    const bombs = chosen.flatMap((shape) => [
      () => provedBomb(shape, webhook, { bytes: sentMax - 1_000, values: valuesMax }),
      ...(long ? [() => provedBomb(shape, hotmart, { bytes: inflatedMax - 1_000, values: valuesMax })] : []),
      () => unprovedBomb(shape, hotmart),
      ...(long ? [() => unprovedBomb(shape, webhook)] : []),
    ]);
    say(`${bombs.length} deliveries of ${chosen.length} shapes`);
    await scene.measure('one at a time', async () => {
      for (const make of bombs) await scene.send(make());
    });
    await scene.measure('several at a time', async () => {
      const queue = shuffle(long ? [...bombs, ...bombs] : bombs, random).slice(0, long ? undefined : 6);
      const sendQueued = async () => {
        for (let make = queue.pop(); make; make = queue.pop()) await scene.send(make(), [503]);
      };
      await Promise.all(Array.from({ length: 6 }, sendQueued));
    });
    return scene.finish();
  });
}

/** Fault 28: small anonymous requests that inflate to the largest body, in every encoding, alone and 120 at once. */
export async function inflation({ long, say }: CaseContext): Promise<CaseReport> {
  return withProofStack(async (stack) => {
    const scene = await openScene(stack, say);
    const { hotmart } = stack.connections;
    const text = Buffer.from(`{"n":12345678901234567890,"a":[${'{},'.repeat(2_790_000)}{}]}`);
    const tooLarge = Buffer.alloc(64 * mebibyte, '[');
    const half = text.length / 2;
    const bombs: Bomb[] = [
      anonymous(hotmart, 'gzip', gzipSync(text), 401),
      anonymous(hotmart, 'deflate', deflateSync(text), 401),
      anonymous(hotmart, 'br', brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }), 401),
      anonymous(hotmart, 'gzip', Buffer.concat([gzipSync(text.subarray(0, half)), gzipSync(text.subarray(half))]), 401),
      anonymous(hotmart, 'gzip', gzipSync(gzipSync(text)), 401),
      anonymous(hotmart, 'gzip', gzipSync(tooLarge), 413),
      anonymous(hotmart, 'deflate', deflateSync(tooLarge), 413),
      anonymous(hotmart, 'br', brotliCompressSync(tooLarge, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }), 413),
    ];
    await scene.measure('one at a time', async () => {
      for (const bomb of bombs) await scene.send(bomb);
    });
    await scene.measure('120 at once', async () => {
      for (let round = 0; round < (long ? 10 : 1); round++) {
        for (const bomb of long ? bombs : bombs.slice(0, 1)) {
          await Promise.all(Array.from({ length: 120 }, () => scene.send(bomb, [503])));
        }
      }
    });
    return scene.finish();
  });
}

interface Scene {
  /** Sends a bomb, and notes an answer that is neither right nor one of `alsoRight`. */
  send(bomb: Bomb, alsoRight?: readonly number[]): Promise<void>;
  /** Runs `act`, and compares what the neighbour observes meanwhile with what it observed before. */
  measure(what: string, act: () => Promise<void>): Promise<void>;
  finish(): Promise<CaseReport>;
}

async function openScene(stack: ProofStack, say: (line: string) => void): Promise<Scene> {
  const api = await stack.startApi();
  const other = await stack.addOrg();
  const client = createClient(200);
  const neighbour = startNeighbour(api.url, other.connections.hotmart, perSecond);
  const findings = createFindings();
  const wrong: string[] = [];
  let sent = 0;
  // The first deliveries of a process are slower than all others.
  await sleep(2_000);
  await neighbour.take();
  await sleep(4_000);
  const idle = await observe(neighbour, 'idle', findings);
  return {
    async send(bomb, alsoRight = []) {
      sent += 1;
      const status = await post(client, api, bomb);
      if (status !== bomb.right && !alsoRight.includes(status)) wrong.push(`${bomb.name}: ${status} instead of ${bomb.right}`);
    },
    async measure(what, act) {
      const startedAt = performance.now();
      await act();
      const { maxMs } = await observe(neighbour, what, findings);
      say(`${what}: ${Math.round(performance.now() - startedAt)} ms`);
      findings.atMost(
        `${what}: milliseconds by which the slowest delivery of the neighbour is slower than without`,
        maxMs - idle.maxMs,
        delayMsMax,
      );
    },
    async finish() {
      findings.none('deliveries that were answered wrongly', wrong, sent);
      findings.none('processes that ended', stack.crashes, 1);
      findings.atMost('megabytes of memory that the process had at most', peakMegabytes(api), containerMegabytes);
      const { refused } = await neighbour.stop();
      findings.none('deliveries of the neighbour that were refused at the end', refused, 1);
      client.close();
      return findings.report();
    },
  };
}

async function observe(neighbour: Neighbour, what: string, findings: Findings): Promise<{ maxMs: number }> {
  const { latenciesMs, refused } = await neighbour.take();
  const maxMs = Math.max(0, ...latenciesMs);
  findings.none(`${what}: deliveries of the neighbour that were not accepted`, refused, latenciesMs.length);
  findings.figure(`${what}: median of the neighbour in ms`, percentile(latenciesMs, 0.5));
  findings.figure(`${what}: p99 of the neighbour in ms`, percentile(latenciesMs, 0.99));
  findings.figure(`${what}: slowest delivery of the neighbour in ms`, maxMs);
  return { maxMs };
}

async function post(client: Client, api: Api, { path, headers, body }: Bomb): Promise<number> {
  const answer = await client.post(api.url + path, headers, body);
  return answer.kind === 'answered' ? answer.status : 0;
}

/** The short form sends some of the shapes, each time others, and always those that took longest. */
function pickShort(random: () => number): Shape[] {
  const always = ['empty objects', 'unique short keys', 'records with a person each', 'records that are no objects'];
  const others = shuffle(
    shapes.filter(({ name }) => !always.includes(name)),
    random,
  );
  return [
    ...shapes.filter(({ name }) => always.includes(name)),
    ...others.slice(0, shapesInShort - always.length - 1),
    randomShape(random),
    randomShape(random),
  ];
}

function provedBomb(shape: Shape, connection: ProofConnection, size: { bytes: number; values: number }): Bomb {
  const text = shape.make(size);
  const { headers } = signed(connection, text);
  const allHeaders = { ...headers, 'content-type': shape.contentType };
  const isReadable = (() => {
    try {
      decodeBody({ method: 'POST', url: 'http://localhost', headers: allHeaders, raw: Buffer.from(text) });
      return true;
    } catch {
      return false;
    }
  })();
  return bomb(`${shape.name}, proved, ${connection.source.type}`, connection, allHeaders, text, isReadable ? 200 : 400);
}

/** As large as the shape can be sent: the largest body after decompression, where it can be compressed enough. */
function unprovedBomb(shape: Shape, connection: ProofConnection): Bomb {
  const make = (bytes: number) =>
    bomb(
      `${shape.name}, unproved, ${connection.source.type}`,
      connection,
      { 'content-type': shape.contentType },
      shape.make({ bytes, values: Number.POSITIVE_INFINITY }),
      401,
    );
  const largest = make(inflatedMax - 1_000);
  return largest.right === 401 ? largest : make(sentMax - 1_000);
}

/** Sends the text as it is while it fits, and compressed otherwise. A text that does not fit compressed either is refused as too large. */
function bomb(name: string, { path }: ProofConnection, headers: Record<string, string>, text: string, right: number): Bomb {
  const raw = Buffer.from(text);
  if (raw.length <= sentMax) return { name, path, headers, body: raw, right };
  const body = gzipSync(raw, { level: 6 });
  return { name, path, headers: { ...headers, 'content-encoding': 'gzip' }, body, right: body.length <= sentMax ? right : 413 };
}

function anonymous({ path }: ProofConnection, encoding: string, body: Buffer, right: number): Bomb {
  return {
    name: `${encoding} of ${body.length} bytes`,
    path,
    headers: { 'content-type': 'application/json', 'content-encoding': encoding },
    body,
    right,
  };
}

function peakMegabytes(api: Api): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${api.pid}/status`, 'utf8'))?.[1]) / 1024;
}
