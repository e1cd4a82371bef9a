import { ExplainedRecord } from '@tributary/shared/kept.ts';
import { describe, expect, test } from 'vitest';
import type { KeptFields, Source } from '../source.ts';
import { explainRecord } from './explain.ts';

const kept: KeptFields = {
  words: ['status', 'reason'],
  ids: ['id', 'ref'],
  idForm: /^[\w-]{1,40}$/,
  texts: ['product'],
  people: ['buyer'],
  staff: ['closer'],
  plain: 'everywhere',
};
const source = {
  type: 'shop',
  credentials: { body: ['token'], query: [] },
  keptFor: () => kept,
  read: () => ({ type: 'order.paid', sourceEventType: 'PAID', subject: { email: 'zulmira@example.com' } }),
} as unknown as Source;
const context = { config: {}, digestKey: new Uint8Array(32).fill(8), headers: {}, receivedAtMs: 0 };

describe('the explanation of a record', () => {
  const value = {
    id: 'o-1',
    ref: '52998224725',
    status: 'PAID',
    reason: 'two words',
    product: { name: 'Vaso', note: 'ask zulmira@example.com' },
    buyer: { email: 'zulmira@example.com', name: 'Zulmira Ávila' },
    closer: { name: 'Igor Lima' },
    customer_phone: '11987654321',
    note: 'whatever',
    total: 12.5,
    to: 5511987654321,
    list: [{ n: 1 }],
    token: 's3cret',
    'zulmira@example.com': 7,
  };
  const explained = explainRecord(source, { value }, context);
  test('says for each path what happens and why', () => {
    expect(ExplainedRecord.parse(explained)).toEqual(explained);
    expect(
      Object.fromEntries(
        explained.fields.map(({ path, fate, reason, value: stored }) => [path, [fate, reason, stored].filter(Boolean).join(' ')]),
      ),
    ).toEqual({
      'subject.email': 'hashed subject',
      id: 'kept id o-1',
      ref: expect.stringMatching(/^digested identifier id:[0-9a-f]{32}$/),
      status: 'kept word PAID',
      reason: 'dropped not_a_word',
      'product.name': 'kept text Vaso',
      'product.note': 'masked identifier ask [email]',
      buyer: 'dropped person',
      closer: 'dropped staff',
      customer_phone: 'dropped personal_name',
      note: 'dropped unnamed',
      total: 'kept plain 12.5',
      to: 'dropped long_number',
      'list.0.n': 'kept plain 1',
      token: 'dropped credential',
      '[email]': 'dropped key',
    });
  });
  test('repeats nothing that is dropped', () => {
    expect(JSON.stringify(explained)).not.toMatch(/zulmira|vila|igor|98765|whatever|s3cret|52998224725/i);
  });
});
