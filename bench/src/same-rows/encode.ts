import type { Json } from '@tributary/pipeline/source.ts';
import type { Choices } from './choices.ts';

export interface Encoded {
  contentType: string;
  text: string;
  /** How the text becomes bytes, where that is not UTF-8. */
  bytes?: (text: string) => Buffer;
}

/** Writes a body as JSON, as a form or as lines, now and then in a spelling or an encoding that senders rarely use. */
export function encode(body: Json, contentType: string, choices: Choices): Encoded {
  const isForm = contentType.includes('form');
  if (isForm ? choices.chance(85) : choices.chance(3)) return asForm(body, choices);
  if (contentType.includes('ndjson') ? choices.chance(85) : choices.chance(3)) return asLines(body, choices);
  const type = isForm || contentType.includes('ndjson') ? 'application/json' : contentType;
  // Several records in one delivery, which is what the generic webhook source cuts apart.
  const value = choices.chance(6) ? Array.from({ length: 1 + choices.below(4) }, () => body) : body;
  const text = choices.chance(85) ? JSON.stringify(value) : respell(JSON.stringify(value), value, choices);
  return { contentType: type, text, ...rareBytes(choices) };
}

function asForm(body: Json, choices: Choices): Encoded {
  const fields = typeof body === 'object' && body !== null ? Object.entries(body) : [['value', body] as const];
  const contentType = choices.one([
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded; charset=utf-8',
    'application/x-www-form-urlencoded; charset=iso-8859-1',
  ]);
  if (choices.chance(10)) return { contentType, text: new URLSearchParams({ payload: JSON.stringify(body) }).toString() };
  const form = new URLSearchParams();
  for (const [name, value] of fields) {
    if (typeof value !== 'object' || value === null) form.append(name, String(value));
    else if (choices.chance(30)) form.append(name, JSON.stringify(value));
    else
      for (const [inner, one] of Object.entries(value))
        form.append(`${name}[${inner}]`, typeof one === 'object' ? JSON.stringify(one) : String(one));
    if (choices.chance(3)) form.append(name, choices.one(['', 'again', 'livia.campos@example.com']));
  }
  const text = form.toString();
  return { contentType, text: choices.chance(95) ? text : text.replaceAll('+', ' ').replaceAll('%', choices.one(['%', '%25', '%u00'])) };
}

function asLines(body: Json, choices: Choices): Encoded {
  const values = Array.isArray(body) ? body : [body];
  const joint = choices.one(['\n', '\n', '\r\n', '\n\n']);
  const lines = values.map((value) => JSON.stringify(value));
  if (choices.chance(5)) lines.splice(choices.below(lines.length + 1), 0, choices.one(['', '{', 'null', '[]', '1 2']));
  return { contentType: choices.one(['application/x-ndjson', 'application/jsonl']), text: lines.join(joint) + choices.one(['', joint]) };
}

/** Another spelling of the JSON text: most of them mean the same value, and some are no JSON. */
function respell(text: string, value: Json, choices: Choices): string {
  switch (choices.below(11)) {
    case 0:
      return JSON.stringify(value, undefined, choices.one([1, 2, '\t', ' \n\r ']));
    case 1:
      return `\ufeff${text}`;
    case 2:
      return text + choices.one(['\0', '\0\0 \n', ' ', '\n', ',', '}', ' x']);
    case 3:
      return text.slice(0, choices.below(text.length));
    case 4:
      return text.replace(/[a-z]/g, (letter) => (choices.chance(20) ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}` : letter));
    case 5:
      return text.replace(/:(-?\d+)/g, (all) => (choices.chance(40) ? `:${choices.one(bigNumbers)}` : all));
    case 6: {
      // A second field of the same name: the last one counts.
      const first = /"[^"\\]{1,40}":/.exec(text)?.[0];
      return first === undefined ? text : text.replace('{', `{${first}${choices.one(['1', '"livia.campos@example.com"', 'null', '{}'])},`);
    }
    case 7:
      return text.replace(/\//g, '\\/');
    case 8:
      return text.replace(/"/g, choices.one(["'", '“', '\\"']));
    case 9:
      return text.replace(/[{[]/, (bracket) => bracket.repeat(choices.one([2, 99, 100, 101, 5_000])));
    default:
      return text.replace(/true|false|null/g, (word) => choices.one([word, word.toUpperCase(), '"', 'NaN', 'undefined']));
  }
}

const bigNumbers = [
  '9007199254740993',
  '-9007199254740993',
  '12345678901234567890123',
  '1e400',
  '-1e400',
  '1E+2',
  '0.1e-7',
  '01',
  '1.',
  '.5',
  '-',
  '+1',
  '0x10',
  '1.0',
  '149.90',
  '55219555501420000000',
];

function rareBytes(choices: Choices): Pick<Encoded, 'bytes'> {
  if (choices.chance(96)) return {};
  const bytes = choices.one<(text: string) => Buffer>([
    (text) => Buffer.from(text, 'latin1'),
    (text) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]),
    (text) => Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(text, 'utf16le').swap16()].map((part) => new Uint8Array(part))),
    (text) => Buffer.from(text).subarray(0, -1),
    (text) => Buffer.concat([Buffer.from(text), Buffer.from([0xc3])]),
    () => Buffer.alloc(0),
  ]);
  return { bytes };
}
