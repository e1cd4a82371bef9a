import type { Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';
import { Refusal } from '../platform/refusal.ts';

const inflatedChunkBytes = 32_768;
const options = { chunkSize: inflatedChunkBytes };
/** A zstd frame says how much memory its decoder needs: at most 8 MiB here, which every level up to 19 stays below. */
const zstd = { ...options, params: { [constants.ZSTD_d_windowLogMax]: 23 } };

/** The codings that are decoded. `deflate` is zlib by the rule (RFC 9110), and many senders leave zlib's header out. */
const decoders: Record<string, (raw: Buffer) => Transform> = {
  gzip: () => createGunzip(options),
  'x-gzip': () => createGunzip(options),
  deflate: (raw) => (isZlib(raw) ? createInflate(options) : createInflateRaw(options)),
  br: () => createBrotliDecompress(options),
  zstd: () => createZstdDecompress(zstd),
};

/** Codings that change the bytes of a body and that are not decoded here: those that IANA lists, and those that libraries write. */
const undecoded = new Set([
  'aes128gcm',
  'aws-chunked',
  'base64',
  'bzip2',
  'compress',
  'dcb',
  'dcz',
  'exi',
  'lz4',
  'lzma',
  'pack200-gzip',
  'quoted-printable',
  'sdch',
  'snappy',
  'x-bzip2',
  'x-compress',
  'x-lz4',
  'x-snappy-framed',
  'xz',
]);
const codingsMax = 3;

/**
 * The codings of a Content-Encoding header in the order in which they were applied. Senders write charsets (`UTF-8`), `none` and other words there that
 * are no coding: a word that names no coding is left out, since the bytes are then the body itself. Throws Refusal `unsupported_encoding` for a
 * coding that cannot be decoded, and for more than three.
 */
export function parseCodings(header: string | undefined): string[] {
  if (header === undefined) return [];
  const names = header
    .toLowerCase()
    .split(',')
    .map((name) => name.split(';', 1)[0]?.trim().replace(/^"|"$/g, '') ?? '');
  const unknown = names.find((name) => undecoded.has(name));
  if (unknown !== undefined) {
    throw new Refusal(
      'unsupported_encoding',
      `the body has the content encoding ${unknown}; supported are ${Object.keys(decoders).join(', ')} and none`,
    );
  }
  const codings = names.filter((name) => Object.hasOwn(decoders, name));
  if (codings.length > codingsMax) throw new Refusal('unsupported_encoding', `the body has more than ${codingsMax} content encodings`);
  return codings;
}

/** Decodes a body chunk by chunk, because eight kilobytes can become eight megabytes in a thousand requests at once. */
export async function decodeCodings(
  raw: Buffer,
  codings: readonly string[],
  /** Counts the bytes that are held, and throws when they are too many. */
  take: (chunkBytes: number, totalBytes: number) => void,
): Promise<Buffer> {
  let decoded = raw;
  for (const coding of codings.toReversed()) decoded = await decode(decoded, coding, take);
  return decoded;
}

function decode(raw: Buffer, coding: string, take: (chunkBytes: number, totalBytes: number) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const invalid = () =>
      reject(new Refusal('invalid_payload', `the body is not valid ${coding}, which the header Content-Encoding says it is`));
    const decoder = decoders[coding];
    if (raw.length === 0 || !decoder) return invalid();
    const chunks: Buffer[] = [];
    let size = 0;
    const stream = decoder(raw);
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      try {
        take(chunk.length, size);
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

/** Whether the body begins with the header of zlib (RFC 1950): method 8, and a check value. */
function isZlib([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}
