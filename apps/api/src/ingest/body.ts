import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { Problem } from '../platform/errors.ts';

export interface BodyLimits {
  /** Of the bytes on the wire. */
  bodyBytesMax: number;
  /** Of the decoded body: a gzip bomb ends here. */
  inflatedBytesMax: number;
}

const decoders = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

/** Where a body that is being read is known: see flow/gate.ts. */
export type StartUpload = (cut: () => void) => { grow(bytes: number): void; end(): void };

/**
 * The body's bytes. The cap holds while reading, whatever content-length says or a chunked body hides.
 * Throws Problem `payload_too_large`, `unsupported_encoding`, `invalid_payload`, or `overloaded` where it took too long while others waited.
 */
export async function readBody(
  request: Request,
  incoming: IncomingMessage | undefined,
  limits: BodyLimits,
  startUpload: StartUpload,
): Promise<Buffer> {
  const tooLarge = () => new Problem('payload_too_large', `at most ${limits.bodyBytesMax} bytes are taken`, { connection: 'close' });
  const announced = request.headers.get('content-length');
  if (announced !== null && Number(announced) > limits.bodyBytesMax) throw tooLarge();

  // On Node the socket's own stream, by its events: a web stream and an async iterator cost more than all the parsing after them.
  const raw = incoming
    ? await readIncoming(incoming, limits.bodyBytesMax, tooLarge, startUpload)
    : await readStream(request.body, limits.bodyBytesMax, tooLarge);

  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return raw;
  const decode = decoders[encoding as keyof typeof decoders];
  if (!decode) throw new Problem('unsupported_encoding', 'gzip, deflate, br or none');
  try {
    return await decode(raw, { maxOutputLength: limits.inflatedBytesMax });
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Problem('payload_too_large', `at most ${limits.inflatedBytesMax} bytes are taken after decompression`);
    }
    throw new Problem('invalid_payload', `the body is not valid ${encoding}`);
  }
}

const incomplete = () => new Problem('invalid_request', 'the body ended before it was complete', { connection: 'close' });

const cutOff = () => new Problem('overloaded', 'the body took too long to come', { connection: 'close', 'retry-after': '2' });

function readIncoming(incoming: IncomingMessage, bytesMax: number, tooLarge: () => Problem, startUpload: StartUpload): Promise<Buffer> {
  let upload: ReturnType<StartUpload>;
  const read = new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const giveUp = (problem: unknown) => {
      incoming.pause();
      chunks.length = 0;
      reject(problem);
    };
    upload = startUpload(() => giveUp(cutOff()));
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bytesMax) return giveUp(tooLarge());
      try {
        upload.grow(chunk.length);
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
  return read.finally(() => upload.end());
}

async function readStream(body: ReadableStream<Uint8Array> | null, bytesMax: number, tooLarge: () => Problem): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body ?? []) {
      size += chunk.byteLength;
      if (size > bytesMax) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof Problem ? error : incomplete();
  }
  return Buffer.concat(chunks);
}
