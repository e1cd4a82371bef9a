import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { decodeBody } from '@tributary/pipeline/reading/body.ts';
import { type Bomb, openBombScene } from '../bomb-scene.ts';
import type { CaseContext, CaseReport } from '../case.ts';
import { createRandom, shuffle } from '../random.ts';
import { rerunEverything } from '../reruns.ts';
import { type ProofConnection, signed } from '../seed.ts';
import { randomShape, type Shape, shapes } from '../shapes.ts';
import { withProofStack } from '../stack.ts';

const mebibyte = 1_048_576;
/** What a delivery may have at most: as sent, after decompression, and in JSON values. */
const sentMax = mebibyte;
const inflatedMax = 8 * mebibyte;
const valuesMax = 200_000;
const shapesInShort = 6;

/** Fault 31: bodies that cost more to read than their bytes suggest, with and without the credential, while another tenant sends. */
export async function valueBombs({ seed, long, say }: CaseContext): Promise<CaseReport> {
  const random = createRandom(seed);
  return withProofStack(async (stack) => {
    const scene = await openBombScene(stack, say);
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
    await scene.measure('retried, verified again, replayed and searched for a person', async () => {
      scene.unfinished.push(...(await rerunEverything(stack, scene.api)));
    });
    return scene.finish();
  });
}

/** Fault 32: small anonymous requests that inflate to the largest body, in every encoding, alone and 120 at once. */
export async function inflation({ long, say }: CaseContext): Promise<CaseReport> {
  return withProofStack(async (stack) => {
    const scene = await openBombScene(stack, say);
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
      anonymous(hotmart, 'deflate', deflateRawSync(text), 401),
      anonymous(hotmart, 'zstd', zstdCompressSync(text), 401),
      anonymous(hotmart, 'gzip, gzip', gzipSync(gzipSync(text)), 401),
      anonymous(hotmart, 'gzip', gzipSync(tooLarge), 413),
      anonymous(hotmart, 'zstd', zstdCompressSync(tooLarge), 413),
      anonymous(hotmart, 'br, gzip', gzipSync(brotliCompressSync(tooLarge, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })), 413),
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
