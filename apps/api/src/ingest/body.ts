import type { IncomingMessage } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Refusal } from '../platform/refusal.ts';

export interface BodyLimits {
  /** The maximum of the bytes on the wire. */
  bodyBytesMax: number;
  /** The maximum of the decompressed body, which stops a gzip bomb. */
  inflatedBytesMax: number;
}

const inflaters = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress } as const;
const inflatedChunkBytes = 32_768;

/** Counts the bytes of one request's body among the bodies of all requests: see flow/gate.ts. */
export interface BodyRoom {
  /** Call it before the body is read. `cut` aborts the reading. */
  startReading(cut: () => void): void;
  /** Adds bytes that are now held. Throws Refusal `overloaded` when there is no room for them. */
  grow(bytes: number): void;
  stopReading(): void;
}

/**
 * Reads and decompresses the body. The limits are enforced during reading and decompression, also when content-length is wrong or missing,
 * and every byte is counted in `room` before it is kept.
 * Throws Refusal `payload_too_large`, `unsupported_encoding`, `invalid_payload`, or `overloaded` when the upload was slow while other
 * requests waited or when no room is left.
 */
export async function readBody(
  request: Request,
  incoming: IncomingMessage | undefined,
  limits: BodyLimits,
  room: BodyRoom,
): Promise<Buffer> {
  const tooLarge = () =>
    new Refusal('payload_too_large', `the body may have at most ${limits.bodyBytesMax} bytes`, { closesConnection: true });
  const announced = request.headers.get('content-length');
  if (announced !== null && Number(announced) > limits.bodyBytesMax) throw tooLarge();

  // On Node the events of the socket's own stream are used: a web stream and an async iterator cost more than all the parsing after them.
  const raw = incoming
    ? await readIncoming(incoming, limits.bodyBytesMax, tooLarge, room)
    : await readStream(request.body, limits.bodyBytesMax, tooLarge, room);

  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return raw;
  if (!Object.hasOwn(inflaters, encoding)) throw new Refusal('unsupported_encoding', 'supported encodings are gzip, deflate, br and none');
  return await inflate(raw, encoding as keyof typeof inflaters, limits.inflatedBytesMax, room);
}

/** Decompresses chunk by chunk, because eight kilobytes can become eight megabytes in a thousand requests at once. */
function inflate(raw: Buffer, encoding: keyof typeof inflaters, bytesMax: number, room: BodyRoom): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const invalid = () => reject(new Refusal('invalid_payload', `the body is not valid ${encoding}`));
    if (raw.length === 0) return invalid();
    const chunks: Buffer[] = [];
    let size = 0;
    const stream = inflaters[encoding]({ chunkSize: inflatedChunkBytes });
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      try {
        if (size > bytesMax) throw new Refusal('payload_too_large', `the body may have at most ${bytesMax} bytes after decompression`);
        room.grow(chunk.length);
        chunks.push(chunk);
      } catch (refusal) {
        chunks.length = 0;
        stream.destroy();
        reject(refusal);
      }
    });
    stream.on('error', invalid);
    stream.on('end', () => resolve(Buffer.concat(chunks, size)));
    stream.end(raw);
  });
}

const incomplete = () => new Refusal('invalid_request', 'the body ended before it was complete', { closesConnection: true });

const cutOff = () => new Refusal('overloaded', 'the body arrived too slowly', { closesConnection: true, retryAfterSeconds: 2 });

function readIncoming(incoming: IncomingMessage, bytesMax: number, tooLarge: () => Refusal, room: BodyRoom): Promise<Buffer> {
  const read = new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const giveUp = (refusal: unknown) => {
      incoming.pause();
      chunks.length = 0;
      reject(refusal);
    };
    room.startReading(() => giveUp(cutOff()));
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bytesMax) return giveUp(tooLarge());
      try {
        room.grow(chunk.length);
        chunks.push(chunk);
      } catch (refusal) {
        giveUp(refusal);
      }
    });
    incoming.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    incoming.on('error', () => reject(incomplete()));
    incoming.on('close', () => {
      if (!incoming.complete) reject(incomplete());
    });
    // The sender may have hung up while the connection was looked up: `close` was emitted before this listener existed.
    if (incoming.destroyed) reject(incomplete());
  });
  return read.finally(() => room.stopReading());
}

async function readStream(
  body: ReadableStream<Uint8Array> | null,
  bytesMax: number,
  tooLarge: () => Refusal,
  room: BodyRoom,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body ?? []) {
      size += chunk.byteLength;
      if (size > bytesMax) throw tooLarge();
      room.grow(chunk.byteLength);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof Refusal ? error : incomplete();
  }
  return Buffer.concat(chunks);
}
