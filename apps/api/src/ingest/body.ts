import type { IncomingMessage } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Refusal } from '../platform/refusal.ts';

export interface BodyLimits {
  /** Of the bytes on the wire. */
  bodyBytesMax: number;
  /** Of the decoded body: a gzip bomb ends here. */
  inflatedBytesMax: number;
}

const inflaters = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress } as const;
const inflatedChunkBytes = 32_768;

/** The bytes of one request's body among those of all requests: see flow/gate.ts. */
export interface BodyRoom {
  /** The body is being read from now on: `cut` ends that. */
  startReading(cut: () => void): void;
  /** So many bytes more are held. Throws Refusal `overloaded` where there is no room for them. */
  grow(bytes: number): void;
  stopReading(): void;
}

/**
 * The body's bytes. The caps hold while it is read and while it is inflated, whatever content-length says or a chunked body hides, and every byte
 * that is held is counted in `room` first.
 * Throws Refusal `payload_too_large`, `unsupported_encoding`, `invalid_payload`, or `overloaded` where it took too long while others waited or
 * no room is left.
 */
export async function readBody(
  request: Request,
  incoming: IncomingMessage | undefined,
  limits: BodyLimits,
  room: BodyRoom,
): Promise<Buffer> {
  const tooLarge = () => new Refusal('payload_too_large', `at most ${limits.bodyBytesMax} bytes are taken`, { closesConnection: true });
  const announced = request.headers.get('content-length');
  if (announced !== null && Number(announced) > limits.bodyBytesMax) throw tooLarge();

  // On Node the socket's own stream, by its events: a web stream and an async iterator cost more than all the parsing after them.
  const raw = incoming
    ? await readIncoming(incoming, limits.bodyBytesMax, tooLarge, room)
    : await readStream(request.body, limits.bodyBytesMax, tooLarge, room);

  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return raw;
  if (!Object.hasOwn(inflaters, encoding)) throw new Refusal('unsupported_encoding', 'gzip, deflate, br or none');
  return await inflate(raw, encoding as keyof typeof inflaters, limits.inflatedBytesMax, room);
}

/** Chunk by chunk: eight kilobytes become eight megabytes, and a thousand requests do that at once. */
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
        if (size > bytesMax) throw new Refusal('payload_too_large', `at most ${bytesMax} bytes are taken after decompression`);
        room.grow(chunk.length);
        chunks.push(chunk);
      } catch (problem) {
        chunks.length = 0;
        stream.destroy();
        reject(problem);
      }
    });
    stream.on('error', invalid);
    stream.on('end', () => resolve(Buffer.concat(chunks, size)));
    stream.end(raw);
  });
}

const incomplete = () => new Refusal('invalid_request', 'the body ended before it was complete', { closesConnection: true });

const cutOff = () => new Refusal('overloaded', 'the body took too long to come', { closesConnection: true, retryAfterSeconds: 2 });

function readIncoming(incoming: IncomingMessage, bytesMax: number, tooLarge: () => Refusal, room: BodyRoom): Promise<Buffer> {
  const read = new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const giveUp = (problem: unknown) => {
      incoming.pause();
      chunks.length = 0;
      reject(problem);
    };
    room.startReading(() => giveUp(cutOff()));
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bytesMax) return giveUp(tooLarge());
      try {
        room.grow(chunk.length);
        chunks.push(chunk);
      } catch (problem) {
        giveUp(problem);
      }
    });
    incoming.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    incoming.on('error', () => reject(incomplete()));
    incoming.on('close', () => {
      if (!incoming.complete) reject(incomplete());
    });
    // The sender may have hung up while its connection was looked up: its events are past.
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
