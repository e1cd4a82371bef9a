import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { personForms, readPerson } from './person.ts';
import { personMatcher } from './person-in-text.ts';

const email = 'zulmira.teles-maria+1@ex-ample.com';
const { person } = readPerson({ email, phone: '11 98765-4321', document: '529.982.247-25', external_id: 'cus-9Fh2Kq81' }, ['BR']);
const matcher = personMatcher(personForms(person), ['BR']);
const isNamed = (text: string) => matcher.names([text]);
const other = readPerson({ email: 'ana@example.com', phone: '21 91234-5678', document: '111.444.777-35', external_id: 'cus_AAAA1111' }, [
  'BR',
]);
const isOther = (text: string) => personMatcher(personForms(other.person), ['BR']).names([text]);

const spellings = [
  email,
  'Zulmira.Teles-Maria+1@EX-AMPLE.com',
  'zulmira.teles-maria+1＠ex-ample.com',
  'zulmira.\u200bteles-maria+1@ex-ample.com',
  '+55 11 98765-4321',
  '5511987654321',
  '(11) 98765-4321',
  '(11) 8765-4321',
  '+55.11.98765.4321',
  '011 98765-4321',
  '529.982.247-25',
  '52998224725',
  'cus-9Fh2Kq81',
  ...['md5', 'sha1', 'sha256'].flatMap((algorithm) => [
    hash(algorithm, email),
    hash(algorithm, email).toUpperCase(),
    hash(algorithm, email, 'base64'),
  ]),
  hash('sha256', '5511987654321'),
];

const escapeAll = (text: string) => [...text].map((c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`).join('');
const percentAll = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const encodings: Record<string, (text: string) => string> = {
  plain: (text) => text,
  'percent-encoded': (text) => encodeURIComponent(text),
  'percent-encoded except the plus sign': (text) => encodeURIComponent(text).replaceAll('%2B', '+'),
  'percent-encoded, each byte': percentAll,
  'percent-encoded twice': (text) => encodeURIComponent(percentAll(text)),
  'escaped, each character': escapeAll,
  'JSON in a text': (text) => JSON.stringify(JSON.stringify({ who: text })),
  base64: (text) => Buffer.from(`{"who":"${text}"}`).toString('base64'),
  base64url: (text) => Buffer.from(`who=${text}`).toString('base64url'),
  'base64 behind a word': (text) => `order-${Buffer.from(`who=${text}`).toString('base64')}`,
  'base64 twice': (text) => Buffer.from(Buffer.from(`<${text}>`).toString('base64')).toString('base64'),
  'base64, percent-encoded': (text) => encodeURIComponent(Buffer.from(`<${text}>`).toString('base64')),
  hexadecimal: (text) => Buffer.from(`<${text}>`).toString('hex'),
  'character references': (text) => [...text].map((c) => `&#${c.codePointAt(0)};`).join(''),
  'character references in hexadecimal': (text) => [...text].map((c) => `&#x${(c.codePointAt(0) ?? 0).toString(16)};`).join(''),
  'quoted-printable': (text) => [...Buffer.from(text)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  'with a byte order and NULs': (text) => `\ufeff${[...text].join('\0')}`,
};
const around = fc.tuple(
  fc.constantFrom('', 'write to <', 'who:', '"', '{"a":"', 'mail=', 'ligue ', 'x\n', '['),
  fc.constantFrom('', '>', '"', ', thanks', '&b=1', ' amanha', '\n', ']'),
);

describe('a text names a person', () => {
  it.each(Object.entries(encodings))('%s, in every spelling, alone and within other text', (name, encode) => {
    fc.assert(
      fc.property(fc.constantFrom(...spellings), around, (spelling, [before, after]) => {
        // Digests of digests are not looked for.
        if (spelling.length === 32 && name !== 'plain') return;
        const isDigest = /^[0-9a-f]{32,}$/i.test(spelling) || spelling.endsWith('=');
        if (
          isDigest &&
          !['plain', 'percent-encoded', 'percent-encoded except the plus sign', 'JSON in a text', 'escaped, each character'].includes(name)
        )
          return;
        expect(isNamed(`${before}${encode(spelling)}${after}`), `${before}${encode(spelling)}${after}`).toBe(true);
        expect(isOther(`${before}${encode(spelling)}${after}`)).toBe(false);
      }),
      { numRuns: 400 },
    );
  });

  it('in the id of a WhatsApp message, which has the phone in base64', () => {
    const wamid = Buffer.from('\x1d\x02\x12\x0c5511987654321\x15\x02\x00\x11\x18\x123EB0', 'latin1').toString('base64');
    expect(isNamed(`wamid.${wamid}`)).toBe(true);
    expect(isOther(`wamid.${wamid}`)).toBe(false);
  });

  it('not in ordinary texts, ids and numbers', () => {
    for (const text of [
      'the order 11987654321 was paid today, by card',
      'o seu pedido nº 11987654321 foi confirmado hoje',
      '98765-4321',
      'HP16015479281022',
      '1198765432100',
      '99 11 98765-43219',
      'teles-maria+1@ex-ample.com',
      'b.zulmira.teles-maria+1@ex-ample.com',
      'zulmira.teles-maria+1@ex-ample.com.br',
      '0199d3a1-0000-7000-8000-000000000001',
    ])
      expect(isNamed(text), text).toBe(false);
    fc.assert(fc.property(fc.oneof(fc.string(), fc.lorem(), fc.uuid(), fc.base64String()), (text) => !isNamed(text)));
  });

  it('in bounded time, however often the text is encoded', () => {
    const started = performance.now();
    for (const text of [
      '%25'.repeat(40_000),
      '\\u005c'.repeat(20_000),
      'QUFB'.repeat(30_000),
      '1'.repeat(120_000),
      '5 4 3 2 1 '.repeat(12_000),
      '&amp;'.repeat(20_000),
      '98765432 1'.repeat(10_000),
    ])
      isNamed(text);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
