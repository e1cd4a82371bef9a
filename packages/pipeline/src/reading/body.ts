import { type Body, type Delivery, type Json, RecordError } from '../source.ts';
import { decodeLatin1Component, isLatin1Form, parseForm } from './form.ts';
import { decodeText, jsonValuesMax, parseJson, type ValueBudget } from './json.ts';
import { recordsMax } from './records.ts';

const latin1 = new TextDecoder('windows-1252');

/**
 * The body by its declared content type: JSON (also `*+json`), NDJSON, form. With `text/plain`, an unknown or a missing type the first
 * character decides. Throws INVALID_PAYLOAD when the bytes are not what they are declared to be, are nested too deep or hold too many
 * values (json.ts). Only for deliveries that are proved genuine, because parsing costs many times as much as reading the bytes.
 */
export function decodeBody(delivery: Delivery): Body {
  const contentType = delivery.headers['content-type'] ?? '';
  const [declared = ''] = contentType.toLowerCase().split(';', 1);
  const type = declared.trim();
  const isForm = type === 'application/x-www-form-urlencoded';
  const isLatin1 = isForm && isLatin1Form(contentType);
  const text = isLatin1 ? latin1.decode(delivery.raw) : decodeText(delivery.raw);
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
  if (isForm) return { kind: 'form', value: parseForm(text.trim(), isLatin1 ? decodeLatin1Component : undefined) };
  if (/^\s*[^\s=&<>{}"]{1,200}=\S*\s*$/.test(text)) return { kind: 'form', value: parseForm(text.trim()) };
  const shown = /^[\w.+-]{1,60}\/[\w.+-]{1,60}$/.test(type) ? `of type ${type} ` : '';
  throw new RecordError('INVALID_PAYLOAD', `The body ${shown}is neither JSON nor a form.`);
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
