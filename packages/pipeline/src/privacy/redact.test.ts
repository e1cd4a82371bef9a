import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePaths } from '../reading/paths.ts';
import { type JsonObject, RecordError } from '../source.ts';
import { isFreeText, looksPersonal } from './patterns.ts';
import { keyWords, personalKind } from './personal-field-names.ts';
import { type PersonalPaths, redact } from './redact.ts';
import { shrink } from './shrink.ts';

const paths = (remove: string[] = [], keep: string[] = []): PersonalPaths => ({ remove: compilePaths(remove), keep: compilePaths(keep) });
const clean = (record: JsonObject, remove: string[] = [], keep: string[] = []) => redact(record, paths(remove, keep));

describe('redaction by path', () => {
  test('declared paths are removed with everything below them, even under a path of keep', () => {
    const record: JsonObject = { data: { buyer: { vip: 'gold', ok: true }, plans: [{ owner: 'x1', id: 1 }], n: 1 } };
    expect(clean(record, ['data.buyer', 'data.plans.*.owner'], ['data.buyer.vip'])).toEqual({ data: { plans: [{ id: 1 }], n: 1 } });
  });
});

describe('redaction by the only paths that may stay', () => {
  const only = (record: JsonObject, allowed: string[], remove: string[] = []) =>
    redact(record, { ...paths(remove), only: compilePaths(allowed) ?? 'none' });
  test('only fields that a path names are kept, with everything below them that is not personal', () => {
    const record: JsonObject = {
      id: 1,
      to: '55',
      calls: [{ id: 'a', to: '55', ok: true, x: null }, 'b'],
      info: { n: [1], buyer: 'z', email: 'y' },
    };
    expect(only(record, ['id', 'calls.*.id', 'info'], ['info.buyer'])).toEqual({ id: 1, calls: [{ id: 'a' }], info: { n: [1] } });
  });
  test('an object without a field to keep is removed with its key, which may be a name', () => {
    expect(only({ a: { '5511955550101': { x: 1 } }, b: [[{}], []], c: { d: {} } }, ['a.x', 'b.*.*.y', 'c.d'])).toEqual({ c: { d: {} } });
    expect(only({ a: 1 }, [])).toEqual({});
  });
  test('repetitions of a removed value are searched only where its key is personal', () => {
    const record: JsonObject = {
      kind: 'call',
      note: 'by Zulmira',
      status: 'paused',
      who: [{ full_name: 'Zulmira Ávila', state: 'paused' }],
    };
    expect(only(record, ['kind', 'note', 'status'])).toEqual({ kind: 'call', status: 'paused' });
  });
  test('text that jsonb refuses is not an error in a removed field', () => {
    expect(only({ a: 1, b: 'x\0' }, ['a'])).toEqual({ a: 1 });
  });
});

describe('redaction by key', () => {
  test.each([
    'email',
    'buyerEmail',
    'e-mail',
    'checkout_phone',
    'telefone',
    'Celular',
    'whatsapp',
    'cpf',
    'customer_cpf_cnpj',
    'doc',
    'RG',
    'name',
    'first_name',
    'lastName',
    'full-name',
    'nome',
    'nomeCompleto',
    'sobrenome',
    'nombre',
    'username',
    'address',
    'endereço',
    'endereco_rua',
    'street',
    'zipCode',
    'cep',
    'postal_code',
    'ip',
    'client_ip',
    'ipAddress',
    'birth_date',
    'data_nascimento',
    'password',
    'api_key',
    'apiKey',
    'accessToken',
    'client_secret',
    'Authorization',
    'cus_taxnumber',
  ])('%s is personal', (key) => expect(clean({ [key]: 'Zq1', id: 'A1' })).toEqual({ id: 'A1' }));
  test.each([
    'product_name',
    'event_name',
    'campaignName',
    'filename',
    'hostname',
    'description',
    'shipping_id',
    'ship',
    'tipo',
    'grip',
    'mailing',
    'status',
  ])('%s is not', (key) => expect(clean({ [key]: 'Zq1' })).toEqual({ [key]: 'Zq1' }));
  test('a field called name is personal unless its object is a thing', () => {
    expect(clean({ product: { name: 'Curso' }, items: [{ name: 'Livro' }], buyer: { name: 'Ana' } })).toEqual({
      product: { name: 'Curso' },
      items: [{ name: 'Livro' }],
      buyer: {},
    });
  });
  test('the values at kept paths and booleans are kept', () => {
    expect(clean({ plan: { nickname: 'Ouro' }, email_verified: true, phone: null }, [], ['plan.nickname'])).toEqual({
      plan: { nickname: 'Ouro' },
      email_verified: true,
      phone: null,
    });
  });
  test('keys are recognised in every spelling', () => {
    expect(keyWords('buyerIPAddress')).toEqual(['buyer', 'ip', 'address']);
    expect(keyWords('endereço-de_Entrega 2')).toEqual(['endereco', 'de', 'entrega']);
    expect(personalKind('checkout_phone', undefined)).toBe('phone');
  });
});

describe('redaction of repetitions', () => {
  const buyer = { name: 'Zulmira Ávila', email: 'zulmira@example.com', phone: '+55 (11) 98765-4321', document: '123.456.789-09' };
  const kept = (elsewhere: JsonObject) => clean({ buyer, ...elsewhere }, ['buyer'], ['free', 'free.*']);

  test.each([
    'ZULMIRA',
    'zulmira-checkout',
    'Avila',
    'Ávila',
    'x_zulmira@example.com',
    'q=zulmira%40example.com',
    '11987654321',
    '98765-4321',
    '5511 98765 4321',
    '12345678909',
    'Zulmira+%C3%81vila',
  ])('removes %s, which repeats the buyer, also from kept text', (value) => {
    expect(kept({ a: value, b: [value, 1], free: value, ok: 'ok' })).toEqual({ b: [1], ok: 'ok' });
  });
  test('a number with the buyer’s digits is removed', () => {
    expect(kept({ a: 11987654321, b: 12345678909, c: 1198765 })).toEqual({ c: 1198765 });
  });
  test('a key that contains the buyer’s name is removed with its value', () => {
    expect(kept({ zulmira: 1, 'zulmira@example.com': 2, '+5511987654321': 3, deep: { 'by Avila': 4, n: 5 } })).toEqual({ deep: { n: 5 } });
  });
  test('a short name counts only as a separate word: Ana is found in a sentence and not in banana', () => {
    expect(clean({ buyer: { name: 'Ana' }, a: 'banana', b: 'da Ana!', c: 'ana_2' }, ['buyer'])).toEqual({ a: 'banana' });
  });
  test('countries, types and house numbers are not searched for in the rest of the record', () => {
    const address = { country: 'Brasil', country_iso: 'BR', document_type: 'CPF', number: '1200' };
    expect(clean({ buyer: address, a: 'Brasil', b: 'BR', c: 'BRL', d: '2026-12-00', e: 'CPF' }, ['buyer'])).toEqual({
      a: 'Brasil',
      b: 'BR',
      c: 'BRL',
      d: '2026-12-00',
      e: 'CPF',
    });
  });
  test('common words of a test buyer’s name do not empty the record, and the full name is removed', () => {
    expect(clean({ buyer: { name: 'Producer Test Name' }, producer: 'x1', label: 'producer test name' }, ['buyer'])).toEqual({
      producer: 'x1',
    });
  });
});

describe('redaction by the form of a text', () => {
  test.each([
    'maria@example.com',
    'x maria%40example.com',
    '123.456.789-09',
    '12.345.678/0001-95',
    '+55 11 98765-4321',
    'tel:+5511987654321',
    '(11) 98765-4321',
    'ligue 11987654321',
    'wa.me/5511987654321',
  ])('%s is personal anywhere', (text) => expect(looksPersonal(text)).toBe(true));
  test.each([
    '91234567890',
    'HP16015479281022',
    '545e7d21-8fc4-4906-8fba-dcd7889f6481',
    '2026-10-31T12:00:00.000-03:00',
    '2026-10-31 12:00:00',
    '31/10/2026 12:00',
    '1763247745737',
    'R$ 1.500,00',
    'v1.2.3-beta',
    'wamid.HBgNNTUx',
    'a@b',
    '@handle',
  ])('%s is not', (text) => expect(looksPersonal(text)).toBe(false));
  test('prose, long text, encoded data and links with personal parameters are removed', () => {
    for (const text of ['eu quero meu dinheiro', 'x'.repeat(201), '{"name":"x"}', '[{"a":1}]', 'https://x.test/?name=Ze&b=1'])
      expect(isFreeText(text)).toBe(true);
    for (const text of ['Plano de teste', 'https://x.test/?utm_source=fb', 'x'.repeat(200), '[beta] x'])
      expect(isFreeText(text)).toBe(false);
    expect(clean({ comment: 'eu quero meu dinheiro', title: 'How to Make Clear Ice' }, [], ['title'])).toEqual({
      title: 'How to Make Clear Ice',
    });
  });
});

describe('limits of a redaction', () => {
  test('text that jsonb refuses and numbers beyond a double are INVALID_PAYLOAD, except text in removed fields', () => {
    for (const record of [
      { a: 'x\0y' },
      { a: ['\ud800'] },
      { 'k\0': 1 },
      { 'k\udc00': 1 },
      { a: [Number.POSITIVE_INFINITY] },
    ] as JsonObject[]) {
      expect(() => clean(record)).toThrowError(expect.objectContaining({ errorClass: 'INVALID_PAYLOAD' }));
    }
    expect(clean({ name: 'x\0\ud800', ok: '😀' })).toEqual({ ok: '😀' });
  });
  test('numbers with large exponents become text, so that jsonb does not write all digits', () => {
    expect(clean({ a: 1e300, b: -5e-324, c: 1.5, d: 1e20 })).toEqual({ a: '1e+300', b: '-5e-324', c: 1.5, d: 1e20 });
  });
  test('a large record loses its largest branches and is marked as truncated', () => {
    const record: JsonObject = {
      id: 'A1',
      big: Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, 'x'.repeat(50)])),
      list: Array.from({ length: 100 }, () => 7),
    };
    const result = clean(record);
    expect(JSON.stringify(result).length).toBeLessThanOrEqual(65_536);
    expect(result).toMatchObject({ id: 'A1', list: record.list, _truncated: true });
  });
  test('a shortened record fits, and a record that fits is not changed', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.integer({ min: 40, max: 400 }), (value, max) => {
        const text = JSON.stringify(value);
        const result = shrink(JSON.parse(text), max);
        // The estimate is one comma too long for each container, so near the limit a value may be dropped too early.
        if (text.length * 1.5 < max) expect(result).toEqual(JSON.parse(text));
        expect(JSON.stringify(result).length).toBeLessThanOrEqual(max);
      }),
    );
  });
  test('thousands of personal values are removed from one record within the time of a test', () => {
    const people = Array.from({ length: 3000 }, (_, index) => ({ email: `p${index}@example.com`, note: `p${index} bought` }));
    const result = JSON.stringify(clean({ people }));
    expect(result).not.toContain('@');
    expect(result).not.toContain('bought');
  });
  test('prototype keys are not copied', () => {
    const record = JSON.parse('{"__proto__":{"polluted":1},"a":1}') as JsonObject;
    const result = clean(record);
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(result).toEqual({ a: 1 });
  });
  test('hostile records throw nothing but RecordError', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' })), (record) => {
        try {
          clean(record as JsonObject, ['a.*', '*.b'], ['c']);
        } catch (error) {
          expect(error).toBeInstanceOf(RecordError);
        }
      }),
    );
  });
});
