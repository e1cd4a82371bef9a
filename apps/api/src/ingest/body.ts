import type { IncomingMessage } from 'node:http';
import { nextTurn } from '../platform/next-turn.ts';
import { Refusal } from '../platform/refusal.ts';
import type { Arriving, ArrivingBody } from './arriving.ts';
import { decodeCodings, parseCodings } from './codings.ts';

export interface BodyLimits {
  /** The maximum of the bytes on the wire. */
  bodyBytesMax: number;
  /** The maximum of the decompressed body, which stops a gzip bomb. */
  inflatedBytesMax: number;
}

/** Counts the bytes of one request's body among the bodies of all requests: see flow/gate.ts. */
export interface BodyRoom {
  /** Call it before the body is read. `cut` aborts the reading. */
  startReading(cut: () => void): void;
  /** Adds bytes that are now held. Throws Refusal `overloaded` when there is no room for them. */
  grow(bytes: number): void;
  stopReading(): void;
}

/** How far the reading of a body came, also when the body was refused. */
export interface BodyProgress {
  /** The bytes that the sender announced, or else those that arrived or were decompressed. */
  bytes: number;
  /** Whether the body had arrived whole and was being decompressed. */
  isDecoding: boolean;
}

/**
 * Reads and decompresses the body. The limits are enforced during reading and decompression, also when content-length is wrong or missing,
 * and every byte is counted in `room` before it is kept.
 * Throws Refusal `payload_too_large`, `unsupported_encoding`, `invalid_payload`, or `overloaded` when the upload was slow while other
 * requests waited or when no room is left.
 */
export async function readBody(
  { headers, body }: Pick<Arriving, 'headers' | 'body'>,
  { bodyBytesMax, inflatedBytesMax }: BodyLimits,
  room: BodyRoom,
  progress: BodyProgress,
): Promise<Buffer> {
  const tooLarge = (has: string) =>
    new Refusal('payload_too_large', `the body has ${has} bytes and may have at most ${bodyBytesMax}`, { closesConnection: true });
  const announced = Number(headers['content-length'] ?? 0);
  if (announced > bodyBytesMax) {
    progress.bytes = announced;
    throw tooLarge(String(announced));
  }

  const tooMuch = (bytes: number) => {
    progress.bytes = bytes;
    return tooLarge(`more than ${bodyBytesMax}`);
  };
  const raw = await readRaw(body, bodyBytesMax, tooMuch, room);
  progress.bytes = raw.length;
  const codings = parseCodings(headers['content-encoding']);
  if (codings.length === 0) return raw;
  progress.isDecoding = true;
  return await decodeCodings(raw, codings, (chunkBytes, totalBytes) => {
    progress.bytes = totalBytes;
    if (totalBytes > inflatedBytesMax)
      throw new Refusal('payload_too_large', `the body has more than ${inflatedBytesMax} bytes after decompression, and may have no more`);
    room.grow(chunkBytes);
  });
}

/**
 * Most bodies arrive in the packet of their headers, so that one turn later Node holds them whole: those are taken at once, without listeners and
 * promises.
 */
async function readRaw(body: ArrivingBody, bytesMax: number, tooLarge: (bytes: number) => Refusal, room: BodyRoom): Promise<Buffer> {
  await nextTurn();
  if ('incoming' in body && body.incoming.complete) return takeWhole(body.incoming, bytesMax, tooLarge, room);
  return 'incoming' in body ? readIncoming(body.incoming, bytesMax, tooLarge, room) : readStream(body.stream, bytesMax, tooLarge, room);
}

function takeWhole(incoming: IncomingMessage, bytesMax: number, tooLarge: (bytes: number) => Refusal, room: BodyRoom): Buffer {
  const raw: Buffer = incoming.read() ?? Buffer.alloc(0);
  if (raw.length > bytesMax) throw tooLarge(raw.length);
  room.grow(raw.length);
  return raw;
}

const incomplete = () => new Refusal('invalid_request', 'the body ended before it was complete', { closesConnection: true });

const cutOff = () => new Refusal('overloaded', 'the body arrived too slowly', { closesConnection: true, retryAfterSeconds: 2 });

function readIncoming(incoming: IncomingMessage, bytesMax: number, tooLarge: (bytes: number) => Refusal, room: BodyRoom): Promise<Buffer> {
  const read = new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const giveUp = (refusal: unknown) => {
      incoming.off('data', take);
      incoming.pause();
      chunks.length = 0;
      reject(refusal);
    };
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > bytesMax) return giveUp(tooLarge(size));
      try {
        room.grow(chunk.length);
        chunks.push(chunk);
      } catch (refusal) {
        giveUp(refusal);
      }
    };
    room.startReading(() => giveUp(cutOff()));
    incoming.on('data', take);
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
  tooLarge: (bytes: number) => Refusal,
  room: BodyRoom,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body ?? []) {
      size += chunk.byteLength;
      if (size > bytesMax) throw tooLarge(size);
      room.grow(chunk.byteLength);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof Refusal ? error : incomplete();
  }
  return Buffer.concat(chunks);
}
