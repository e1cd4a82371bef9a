import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { Problem } from '../errors.ts';

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

/**
 * The body's bytes. The cap holds while reading, whatever content-length says or a chunked body hides.
 * Throws Problem `payload_too_large`, `unsupported_encoding` or `invalid_payload`.
 */
export async function readBody(request: Request, incoming: IncomingMessage | undefined, limits: BodyLimits): Promise<Buffer> {
  const tooLarge = () => new Problem('payload_too_large', `at most ${limits.bodyBytesMax} bytes are taken`, { connection: 'close' });
  const announced = request.headers.get('content-length');
  if (announced !== null && Number(announced) > limits.bodyBytesMax) throw tooLarge();

  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    // On Node the socket's own stream: no copy into a web stream. In tests and elsewhere, the Request's body.
    for await (const chunk of incoming ?? request.body ?? []) {
      size += (chunk as Uint8Array).byteLength;
      if (size > limits.bodyBytesMax) throw tooLarge();
      chunks.push(chunk as Uint8Array);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('invalid_request', 'the body ended before it was complete', { connection: 'close' });
  }
  const first = chunks[0];
  const raw = chunks.length === 1 && first ? Buffer.from(first.buffer, first.byteOffset, first.byteLength) : Buffer.concat(chunks);

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
