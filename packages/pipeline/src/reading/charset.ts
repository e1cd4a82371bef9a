import { RecordError } from '../source.ts';

type Decoder = InstanceType<typeof TextDecoder>;

/** A charset that a content type declares. */
export interface Charset {
  /** As declared, in lower case. */
  name: string;
  /** Undefined for a name that the encoding standard does not know. */
  decoder: Decoder | undefined;
}

const known = new Map<string, Charset>();
/** The encoding standard has about 220 labels. The limit keeps a sender that invents names from filling the memory. */
const knownMax = 300;

/** The charset of a content type where it is not UTF-8; undefined for UTF-8 and without a declaration. */
export function declaredCharset(contentType: string): Charset | undefined {
  const name = /;\s*charset\s*=\s*["']?([^"';,\s]{1,40})/i.exec(contentType)?.[1]?.toLowerCase();
  if (name === undefined || name === 'utf-8' || name === 'utf8') return undefined;
  let charset = known.get(name);
  if (charset === undefined) {
    charset = { name, decoder: decoderOf(name) };
    if (known.size < knownMax) known.set(name, charset);
  }
  return charset.decoder?.encoding === 'utf-8' ? undefined : charset;
}

function decoderOf(label: string): Decoder | undefined {
  try {
    return new TextDecoder(label, { fatal: true });
  } catch {
    return undefined;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Text of bytes in the charset; bytes in an unknown charset are read as UTF-8. Throws INVALID_PAYLOAD, naming the charset, when they are not.
 */
export function decodeCharset(bytes: Uint8Array, { name, decoder }: Charset, what = 'The body'): string {
  const shown = /^[\w.:-]+$/.test(name) ? `"${name}"` : 'that its content type declares';
  try {
    return (decoder ?? utf8).decode(bytes);
  } catch {
    throw new RecordError(
      'INVALID_PAYLOAD',
      decoder === undefined
        ? `${what} is not UTF-8, and the charset ${shown} is not known, so its text cannot be read.`
        : `${what} is not valid in the charset ${shown}.`,
    );
  }
}
