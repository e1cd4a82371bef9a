import { Buffer } from 'node:buffer';
import { type Body, type Delivery, type Json, type JsonObject, RecordError } from '../source.ts';
import { type Charset, declaredCharset, decodeCharset } from './charset.ts';
import { isObject } from './fields.ts';
import { componentDecoder, parseForm } from './form.ts';
import { decodeText, jsonValuesMax, parseJson, type ValueBudget } from './json.ts';
import { recordsMax } from './records.ts';

/**
 * The body by its declared content type: JSON (also `*+json`), NDJSON, form. With `text/plain`, an unknown or a missing type the first
 * character decides. A form of one field that holds JSON (`payload={…}` of GitHub and Slack) is that JSON. Texts are in UTF-8 or else in the
 * charset that the content type declares. Throws INVALID_PAYLOAD when the bytes are not what they are declared to be, are nested too deep or
 * hold too many values (json.ts). Only for deliveries that are proved genuine, because parsing costs many times as much as reading the bytes.
 */
export function decodeBody(delivery: Delivery): Body {
  const contentType = delivery.headers['content-type'] ?? '';
  const [declared = ''] = contentType.toLowerCase().split(';', 1);
  const type = declared.trim();
  const charset = declaredCharset(contentType);
  if (type === 'application/x-www-form-urlencoded' && charset !== undefined) return decodeForm(delivery.raw, charset);
  const text = textOf(delivery.raw, charset);
  const first = /\S/.exec(text)?.[0];
  if (first === undefined) return { kind: 'empty' };
  if (type === 'application/json' || type.endsWith('+json') || type === 'text/json') return { kind: 'json', value: parseJson(text) };
  if (
    type === 'application/x-ndjson' ||
    type === 'application/ndjson' ||
    type === 'application/jsonl' ||
    type === 'application/x-jsonlines'
  ) {
    return { kind: 'ndjson', value: parseLines(text) };
  }
  // An encoded form never begins with a bracket, so this is JSON sent with curl's default content type.
  if (first === '{' || first === '[') return { kind: 'json', value: parseJson(text) };
  if (type === 'application/x-www-form-urlencoded' || /^\s*[^\s=&<>{}"]{1,200}=\S*\s*$/.test(text)) return opened(parseForm(text.trim()));
  const shown = /^[\w.+-]{1,60}\/[\w.+-]{1,60}$/.test(type) ? `of type ${type} ` : '';
  throw new RecordError('INVALID_PAYLOAD', `The body ${shown}is neither JSON nor a form.`);
}

/**
 * Text in UTF-8, and in the declared charset where the bytes are not UTF-8: text of another charset is hardly ever valid UTF-8, and senders
 * of JSON in UTF-8 declare other charsets by mistake. Without the zero bytes that some senders in C leave at the end.
 */
function textOf(raw: Uint8Array, charset: Charset | undefined): string {
  const marked = markedCharset(raw) ?? charset;
  const text = marked === undefined ? decodeText(raw) : (decodeUtf8(raw) ?? decodeCharset(raw, marked));
  return text.endsWith('\0') ? text.replace(/[\0\s]+$/, '') : text;
}

function decodeUtf8(raw: Uint8Array): string | undefined {
  try {
    return decodeText(raw);
  } catch {
    return undefined;
  }
}

/** UTF-16, where the bytes begin with its byte order mark. */
function markedCharset(raw: Uint8Array): Charset | undefined {
  const [first, second] = raw;
  if (first === 0xff && second === 0xfe) return declaredCharset('; charset=utf-16le');
  return first === 0xfe && second === 0xff ? declaredCharset('; charset=utf-16be') : undefined;
}

function decodeForm(raw: Uint8Array, charset: Charset): Body {
  // One character for each byte: the components are decoded after they are cut apart.
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1').trim();
  if (bytes === '') return { kind: 'empty' };
  if (bytes.startsWith('{') || bytes.startsWith('[')) return { kind: 'json', value: parseJson(textOf(raw, charset)) };
  return opened(parseForm(bytes, componentDecoder(charset)));
}

/** The JSON in the only field of a form, otherwise the form. */
function opened(form: JsonObject): Body {
  const [only, ...others] = Object.values(form);
  if (typeof only !== 'string' || others.length > 0 || !/^\s*[{[]/.test(only)) return { kind: 'form', value: form };
  try {
    const value = parseJson(only);
    return isObject(value) || Array.isArray(value) ? { kind: 'json', value } : { kind: 'form', value: form };
  } catch (error) {
    // A text that only begins like JSON stays a field. JSON that is too deep or too large is refused like any other.
    if (error instanceof RecordError && error.message.includes('not valid JSON')) return { kind: 'form', value: form };
    throw error;
  }
}

function parseLines(text: string): Json[] {
  const values: Json[] = [];
  const budget: ValueBudget = { left: jsonValuesMax };
  for (const [index, line] of text.split('\n', recordsMax + 1).entries()) {
    if (index === recordsMax) throw new RecordError('INVALID_PAYLOAD', `The body has more than ${recordsMax} lines.`);
    if (line.trim() === '') continue;
    try {
      values.push(parseJson(line, budget));
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      throw new RecordError('INVALID_PAYLOAD', `Line ${index + 1}: ${error.message.replace('The body', 'it')}`);
    }
  }
  return values;
}
