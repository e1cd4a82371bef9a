import { randomUUID } from 'node:crypto';

/** How large a body of a shape may become. */
interface Size {
  bytes: number;
  /** JSON values in it, fields of a form, or lines. */
  values: number;
}

/** A kind of body that costs more to read than its bytes suggest. */
export interface Shape {
  name: string;
  contentType: string;
  make(size: Size): string;
}

/** `unit` repeated between `head` and `tail` as often as the size allows; the units are counted from 0. */
function fill({ bytes, values }: Size, head: string, unit: (index: number) => string, tail: string, valuesPerUnit = 1): string {
  const parts: string[] = [];
  let left = bytes - head.length - tail.length;
  for (let index = 0; index * valuesPerUnit < values; index++) {
    const part = unit(index);
    left -= Buffer.byteLength(part) + 1;
    if (left < 0) break;
    parts.push(part);
  }
  return head + parts.join(',') + tail;
}

/** One readable record whose field `data` holds the list, or the object, of `unit`s. */
const record = (size: Size, open: '[' | '{', unit: (index: number) => string, valuesPerUnit = 1): string =>
  fill(
    { ...size, values: size.values - 12 },
    `{"id":"${randomUUID()}","type":"bomb","created_at":${Date.now()},"data":${open}`,
    unit,
    `${open === '[' ? ']' : '}'}}`,
    valuesPerUnit,
  );

const json = (name: string, make: Shape['make']): Shape => ({ name, contentType: 'application/json', make });
const list = (name: string, unit: (index: number) => string, valuesPerUnit = 1): Shape =>
  json(name, (size) => record(size, '[', unit, valuesPerUnit));
const fields = (name: string, unit: (index: number) => string, valuesPerUnit = 1): Shape =>
  json(name, (size) => record(size, '{', unit, valuesPerUnit));
const records = (name: string, unit: (index: number) => string, valuesPerUnit: number): Shape =>
  json(name, (size) => fill({ ...size, values: Math.min(size.values, 9_999 * valuesPerUnit) }, '[', unit, ']', valuesPerUnit));
/** `text` repeated to the size in bytes, without commas between. */
const text = (name: string, head: string, unit: string, tail: string, contentType = 'application/json'): Shape => ({
  name,
  contentType,
  make: ({ bytes }) => head + unit.repeat(Math.floor((bytes - head.length - tail.length) / Buffer.byteLength(unit))) + tail,
});
const form = (name: string, field: (index: number) => string, contentType = 'application/x-www-form-urlencoded'): Shape => ({
  name,
  contentType,
  make: ({ bytes, values }) => fill({ bytes, values: Math.min(values, 1_000) }, '', field, '').replaceAll(',', '&'),
});

const inRecord = (key: string) => `{"id":"${randomUUID()}","type":"bomb","${key}":"`;
const levels = (depth: number) => `${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}`;

/** Every shape that was found to end a process or to hold its event loop, and the relatives of each. */
export const shapes: readonly Shape[] = [
  list('empty objects', () => '{}'),
  list('empty lists', () => '[]'),
  list('ones', () => '1'),
  list('ones beside a long integer', (index) => (index === 0 ? '12345678901234567890' : '1')),
  list('long integers', (index) => String(10n ** 18n + BigInt(index))),
  list('integers of 300 digits', () => '9'.repeat(300)),
  list('exponents', (index) => `1e${300 + (index % 9)}`),
  list('numbers beyond a double', () => '1e400'),
  list('short texts', (index) => `"v${index}"`),
  list('nested to the limit', () => levels(48), 97),
  list('addresses', (index) => `"ana.${index}@example.com"`),
  list('telephone numbers', (index) => `"+55 11 9${String(10_000_000 + index)}"`),
  list('numbers in sentences', (index) => `"em 1 2 3 4 5 6 7 8 9 ${index}"`),
  list('links with parameters', (index) => `"https://example.com/?a=${index}&b=2&c=3&d=4"`),
  list('percent signs', (index) => `"%41%42%ff+${index}"`),
  list('accents', (index) => `"${'é\u0323'.repeat(30)}${index}"`),
  fields('unique short keys', (index) => `"k${index}":1`),
  fields('unique long keys', (index) => `"${'aB'.repeat(60)}${index}":1`),
  fields('unique keys of many words', (index) => `"${'a_'.repeat(60)}${index}":1`),
  fields('one key again and again', () => '"a":1'),
  fields('escaped keys', (index) => `"\\u0061${index}":1`),
  fields('prototypes', () => '"__proto__":{"a":1}', 2),
  fields('names', (index) => `"name${index}":"Ana Silva ${index}"`),
  fields('as many names as are searched for', (index) =>
    index < 400 ? `"name${index}":"Ana Silva ${index}"` : `"k${index}":"value ${index}"`,
  ),
  fields('credentials', () => '"hottok":"hottok"'),
  text('hottok:"hottok:"', '', 'hottok:"', ''),
  text('a field that is never closed', '{"hottok":"', 'hottok:\\"', ''),
  text('quotes', '{"a":', '"', ''),
  text('backslashes', inRecord('a'), '\\\\', '"}'),
  text('escaped quotes', inRecord('a'), '\\"', '"}'),
  text('unicode escapes', inRecord('a'), '\\u00e9', '"}'),
  text('one long text', inRecord('a'), 'a', '"}'),
  text('spaces', '', ' ', '{}'),
  text('spaces in an object', '{', ' ', '}'),
  text('opening brackets', '', '[', ''),
  text('opening braces', '', '{"a":', ''),
  text('a text that is not JSON', '{"a":', '1 ', '}'),
  text('a form of percent signs', 'a=', '%', '', 'application/x-www-form-urlencoded'),
  text('a form of equals signs', 'hottok', '=', '', 'application/x-www-form-urlencoded'),
  text('a form of ampersands', 'a=1', '&', '', 'application/x-www-form-urlencoded'),
  form('a form of many fields', (index) => `f${index}=${'%C3%A9'.repeat(150)}`),
  form('a form of many brackets', (index) => `a${'[b]'.repeat(90)}[${index}]=1`),
  form('a form in Latin-1', (index) => `f${index}=${'%E9'.repeat(300)}`, 'application/x-www-form-urlencoded; charset=iso-8859-1'),
  records('empty records', () => '{}', 1),
  records('small records', (index) => `{"id":"${randomUUID()}","type":"bomb","n":${index}}`, 4),
  records('records of one id', (index) => `{"id":"same","type":"bomb","n":${index}}`, 4),
  records('records that are no objects', () => '1', 1),
  records(
    'records with a person each',
    (index) => `{"id":"${randomUUID()}","type":"bomb","email":"p${index}@example.com","phone":"+55119${10_000_000 + index}"}`,
    5,
  ),
  {
    name: 'lines of small records',
    contentType: 'application/x-ndjson',
    make: (size) =>
      fill({ ...size, values: Math.min(size.values, 9_999 * 3) }, '', (index) => `{"id":"${randomUUID()}";"n":${index}}`, '', 3)
        .replaceAll(',', '\n')
        .replaceAll(';', ','),
  },
  {
    name: 'lines of ones',
    contentType: 'application/x-ndjson',
    make: (size) => fill({ ...size, values: Math.min(size.values, 9_999) }, '', () => '1', '').replaceAll(',', '\n'),
  },
];

/** A shape made of random pieces: containers, keys, texts and numbers of the kinds above, in random order. */
export function randomShape(random: () => number): Shape {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const leaves = [
    '1',
    '1e308',
    '-0',
    'true',
    'null',
    '12345678901234567890',
    '""',
    '"hottok"',
    '"ana@example.com"',
    '"\\u0000"',
    '"São Paulo 1"',
  ];
  const keys = ['a', 'name', 'email', 'hottok', '__proto__', 'buyer_phone', 'k'];
  const value = (depth: number, index: number): { text: string; values: number } => {
    const kind = random();
    if (depth === 0 || kind < 0.4) return { text: pick(leaves), values: 1 };
    const inner = Array.from({ length: Math.floor(random() * 4) }, (_, at) => value(depth - 1, index + at));
    const values = 1 + inner.reduce((sum, one) => sum + one.values, 0);
    if (kind < 0.7) return { text: `[${inner.map((one) => one.text).join(',')}]`, values };
    return { text: `{${inner.map((one, at) => `"${pick(keys)}${random() < 0.5 ? index + at : ''}":${one.text}`).join(',')}}`, values };
  };
  const units = Array.from({ length: 50 }, (_, index) => value(Math.floor(random() * 6), index * 10));
  const valuesPerUnit = Math.max(...units.map((unit) => unit.values));
  const name = `random pieces (${units[0]?.text.slice(0, 20)}…)`;
  return random() < 0.5
    ? list(name, (index) => units[index % units.length]?.text ?? '1', valuesPerUnit)
    : records(
        name,
        (index) => `{"id":"${randomUUID()}","type":"bomb","data":${units[index % units.length]?.text ?? '1'}}`,
        valuesPerUnit + 3,
      );
}
