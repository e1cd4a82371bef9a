import type { BodyField } from '../reading/body-field.ts';
import { declaredCharset } from '../reading/charset.ts';
import type { Delivery } from '../source.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Why a body has no usable text in a field that should hold a credential: the real cause, where the body could not be searched. Undefined where the
 * body was searched and simply has no such field. The sentence begins with "the body".
 */
export function bodyTokenProblem({ raw, headers }: Delivery, name: string, { text, places, isComplete }: BodyField): string | undefined {
  if (text !== undefined || raw.length === 0) return undefined;
  if (places.length > 0) return `the body's ${name} is empty or is no text`;
  if (raw[0] === 0x1f && raw[1] === 0x8b) return 'the body is compressed with gzip, and no header Content-Encoding says so';
  if ((raw[0] === 0xff && raw[1] === 0xfe) || (raw[0] === 0xfe && raw[1] === 0xff) || raw[0] === 0 || raw[1] === 0)
    return 'the body is in UTF-16, which is not searched';
  if (declaredCharset(headers['content-type'] ?? '') === undefined && !isUtf8(raw)) return 'the body is not UTF-8 text';
  return isComplete ? undefined : 'the body is too long to be searched, or neither a whole JSON object nor a form';
}

function isUtf8(raw: Uint8Array): boolean {
  try {
    utf8.decode(raw);
    return true;
  } catch {
    return false;
  }
}
