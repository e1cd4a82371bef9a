import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JsonObject, type KeptFields, RecordError } from '../source.ts';
import { finishKept, keep, prepareSearch } from './keep.ts';
import { compileKept } from './kept-paths.ts';
import { placesFor } from './places.ts';
import { idDigests } from './record.ts';
import { newRecordPerson } from './record-person.ts';

const ids = idDigests({ personalIds: /wamid\.[A-Za-z0-9+/=_-]+/ }, new Uint8Array(32).fill(8));
const fields = (some: Partial<KeptFields>): KeptFields => ({
  words: [],
  ids: [],
  idForm: /^[A-Za-z0-9_.-]{1,100}$/,
  texts: [],
  people: [],
  staff: [],
  plain: 'everywhere',
  ...some,
});
function kept(record: JsonObject, some: Partial<KeptFields> = {}, { staff = false, credentials = [] as string[] } = {}): JsonObject {
  const one = keep(record, placesFor(compileKept(fields(some), credentials, staff)), newRecordPerson());
  prepareSearch(one, []);
  return finishKept(one, ids);
}

describe('what is kept of a record', () => {
  test('numbers, booleans, times and currency codes are kept by their form, and texts that no path names are dropped', () => {
    const plain = {
      n: 19.9,
      text: '197.00',
      yes: true,
      none: null,
      at: 1763247745737,
      iso: '2026-10-31T12:00:00Z',
      day: '31/10/2026',
      code: 'BRL',
      empty: '',
    };
    expect(
      kept({
        ...plain,
        note: 'Zulmira',
        aluno: 'Zulmira Ávila',
        to: '5511987654321',
        big: 5511987654321,
        cpf: 52998224725,
        date: '1990-01-31',
      }),
    ).toEqual(plain);
  });
  test('a huge number of the person is not kept where it stands again', () => {
    const record = { buyer: { code: 1.2345678e25 }, total: 1.2345678e25, amount: 3e25 };
    expect(kept(record, { people: ['buyer'] })).toEqual({ amount: '3e+25' });
  });
  test('a value of the person at the top of a record that is shortened to fit is replaced in what is stored', () => {
    const record = {
      buyer: { name: 'Zulmira Ávila' },
      title: 'Para Zulmira Ávila',
      text: Array.from({ length: 2_000 }, () => 'torno '.repeat(10)),
    };
    const { title, _truncated } = kept(record, { people: ['buyer'], texts: ['title', 'text'] });
    expect({ title, _truncated }).toEqual({ title: 'Para [name]', _truncated: true });
  });
  test('outside of the paths of plain nothing is kept by its form', () => {
    expect(kept({ n: 1, value: { count: 2, to: 'x' }, deep: { value: { count: 3 } } }, { plain: ['value'] })).toEqual({
      value: { count: 2 },
    });
  });
  test('a word is kept where a path names it, and any other text there is dropped', () => {
    const record = {
      status: 'APPROVED',
      kind: 'credit_card',
      reason: 'eu quero meu dinheiro',
      by: 'maria@example.com',
      code: 'bWFyaWFAZXhhbXBsZS5jb20',
      version: '2.0.0',
      born: '1987-04-23',
    };
    expect(kept(record, { words: ['status', 'kind', 'reason', 'by', 'code'] })).toEqual({ status: 'APPROVED', kind: 'credit_card' });
  });
  test('a short version is a word, and a date of birth is none', () => {
    expect(kept({ version: '2.0.0', born: '1987-04-23', due: '2026-10-31' }, { words: ['version', 'born', 'due'] })).toEqual({
      version: '2.0.0',
      due: '2026-10-31',
    });
  });
  test('an id is kept in its form, and one that is an identifier is replaced by the same digest wherever it stands', () => {
    const record = {
      id: 'HP16015479281022',
      bad: 'two words',
      slug: 'gold:vip',
      again: '52998224725',
      ref: 52998224725,
      of: { id: '52998224725' },
      n: 91234567890,
    };
    const result = kept(record, { ids: ['id', 'bad', 'slug', 'again', 'ref', 'of.id', 'n'] });
    expect(result).toEqual({
      id: 'HP16015479281022',
      // It may be a name, and as a digest it still joins.
      slug: expect.stringMatching(/^id:[0-9a-f]{32}$/),
      again: expect.stringMatching(/^id:[0-9a-f]{32}$/),
      ref: result.again,
      of: { id: result.again },
      n: 91234567890,
    });
  });
  test('an id that contains a number is replaced in ids and in texts', () => {
    const id = 'wamid.HBgNNTUxMTk4NzY1NDMyMRUCABIYFjNFQjBDNzY4RDY0Q0Y2QUE2OTU5RUEA';
    const result = kept({ id, text: `re ${id}`, context: { id } }, { ids: ['id', 'context.id'], texts: ['text'] });
    expect(result).toEqual({ id: expect.stringMatching(/^wamid\.[0-9a-f]{32}$/), text: `re ${result.id}`, context: { id: result.id } });
  });
  test('a named text is kept whatever its key is, with the identifiers in it masked', () => {
    const record = {
      product: { name: 'Método Ana Paula', email: 'ask maria@example.com' },
      buyer: { name: 'Ana', email: 'ana@example.com' },
    };
    expect(kept(record, { texts: ['product'], people: ['buyer'] })).toEqual({
      product: { name: 'Método Ana Paula', email: 'ask [email]' },
    });
  });
  test('a text that is an object of its own is dropped', () => {
    expect(kept({ a: '{"name":"Maria"}', b: '[beta] x' }, { texts: ['a', 'b'] })).toEqual({ b: '[beta] x' });
  });
});

describe('people', () => {
  const buyer = { first_name: 'Zulmira', last_name: 'Ávila', phone: '(11) 98765-4321', vip: true, score: 7 };
  test('nothing of their branches is kept, and their full names and identifiers are masked elsewhere', () => {
    const record = { buyer, text: 'Zulmira Avila, 98765-4321', price: 'Zulmira', id: '11987654321', other: '11987654322' };
    expect(kept(record, { people: ['buyer'], texts: ['text', 'price'], ids: ['id', 'other'] })).toEqual({
      text: '[name], [phone]',
      price: 'Zulmira',
      id: expect.stringMatching(/^id:[0-9a-f]{32}$/),
      other: '11987654322',
    });
  });
  test('they are found by the names of their fields too, also their numbers', () => {
    const record = {
      customer_phone: 11987654321,
      birth_date: 19900131,
      zip: 1310100,
      latitude: -23.5,
      name: 'Zulmira Ávila',
      text: 'by Zulmira Ávila',
      n: 1,
    };
    expect(kept(record, { texts: ['text'] })).toEqual({ text: 'by [name]', n: 1 });
  });
  test('a longer path keeps a field of a person, and one with more wildcards does not', () => {
    const record = { buyer: { country: 'BR', id: 'b1', type: 'x' }, order: { id: 'o1', type: 'y' } };
    expect(kept(record, { people: ['buyer'], words: ['buyer.country', '*.type'], ids: ['*.id'] })).toEqual({
      buyer: { country: 'BR' },
      order: { id: 'o1', type: 'y' },
    });
  });
  test('staff are people unless the setting keeps them as texts', () => {
    const record = { closer: { name: 'Igor Lima', email: 'igor@example.com' }, text: 'by Igor Lima' };
    expect(kept(record, { staff: ['closer'], texts: ['text'] })).toEqual({ text: 'by [name]' });
    expect(kept(record, { staff: ['closer'], texts: ['text'] }, { staff: true })).toEqual({
      closer: { name: 'Igor Lima', email: '[email]' },
      text: 'by Igor Lima',
    });
  });
  test('a credential is dropped', () => {
    expect(kept({ token: 'abc', a: 1 }, { words: ['token'] }, { credentials: ['token'] })).toEqual({ a: 1 });
  });
});

describe('fields that a source knows by their names', () => {
  const byName: KeptFields['byName'] = (key, holder) => {
    if (key === 'who') return 'person';
    if (key === 'value') return (_, around) => (around.label === 'Nome' ? 'person' : undefined);
    if (key === 'closer') return 'staff';
    if (key === 'kind' || key === 'tags') return 'word';
    return key === 'title' && holder === 'items' ? 'text' : undefined;
  };
  test('each field is asked about with the object around it, and a list decides about its texts only', () => {
    const record = {
      kind: 'a',
      tags: ['x', 'two words', { note: 'z', kind: 'b', n: 1 }],
      items: [{ title: 'Método Ana Paula' }],
      title: 'Zulmira Ávila',
      answers: [
        { label: 'Nome', value: 'Zulmira Ávila' },
        { label: 'Idade', value: 34 },
      ],
      who: { id: 1 },
      closer: { kind: 'Igor Lima' },
    };
    expect(kept(record, { byName })).toEqual({
      kind: 'a',
      tags: ['x', { kind: 'b', n: 1 }],
      items: [{ title: 'Método Ana Paula' }],
      answers: [{ value: 34 }],
    });
    expect(kept(record, { byName }, { staff: true }).closer).toEqual({ kind: 'Igor Lima' });
    expect(kept({ who: { kind: 'k', id: 1 }, title: 'x' }, { byName, words: ['who.kind', 'title'] })).toEqual({
      who: { kind: 'k' },
      title: 'x',
    });
  });
});

describe('keys', () => {
  test('a key that is an identifier or no field name is dropped with its value', () => {
    const record = {
      'maria@example.com': 1,
      '5511987654321': 2,
      'Zulmira Ávila': 3,
      zulmira_avila: 4,
      p5511987654321: 5,
      ok: 6,
      buyer: { name: 'Zulmira Ávila' },
    };
    expect(kept(record, { people: ['buyer'] })).toEqual({ ok: 6 });
  });
  test('a key with spaces is kept where a path spells it', () => {
    expect(kept({ 'Qual plano?': 1, 'E o outro?': 2 }, { words: ['Qual plano?'] })).toEqual({ 'Qual plano?': 1 });
  });
  test('prototype keys are not copied', () => {
    const result = kept(JSON.parse('{"__proto__":{"polluted":1},"a":1}') as JsonObject);
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(result).toEqual({ a: 1 });
  });
});

describe('limits', () => {
  test('kept text that jsonb refuses is an error, and dropped text is not', () => {
    expect(() => kept({ a: 'x\0y' }, { texts: ['a'] })).toThrowError(expect.objectContaining({ errorClass: 'INVALID_PAYLOAD' }));
    expect(() => kept({ a: Number.POSITIVE_INFINITY })).toThrowError(expect.objectContaining({ errorClass: 'INVALID_PAYLOAD' }));
    expect(kept({ a: 'x\0y', ok: 1 })).toEqual({ ok: 1 });
  });
  test('a large record loses its largest branches, is marked as truncated, and is searched only as far as it is kept', () => {
    const record = {
      id: 'A1',
      big: Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, 'maria@example.com '.repeat(5)])),
      texts: Array.from({ length: 2000 }, () => '1 '.repeat(2000)),
      list: Array.from({ length: 100 }, () => 7),
    };
    const result = kept(record, { texts: ['big', 'texts'], ids: ['id'] });
    expect(JSON.stringify(result).length).toBeLessThanOrEqual(65_536);
    expect(result).toMatchObject({ id: 'A1', list: record.list, _truncated: true });
    expect(JSON.stringify(result)).not.toContain('@');
  });
  test('thousands of personal values cannot be searched for, so that the texts are dropped', () => {
    const people = Array.from({ length: 3000 }, (_, index) => ({ email: `p${index}x@example.com`, code: `p${index}xyz4` }));
    expect(kept({ people, text: 'p17xyz4 bought', n: 1 }, { people: ['people'], texts: ['text'] })).toEqual({ text: '[name]', n: 1 });
  });
  test('hostile records throw nothing but RecordError', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' })), (record) => {
        try {
          kept(record as JsonObject, { texts: ['*.*'], ids: ['*'], people: ['a.*'] });
        } catch (error) {
          expect(error).toBeInstanceOf(RecordError);
        }
      }),
    );
  });
});
