import { describe, expect, it } from 'vitest';
import type { Json } from '../source.ts';
import { hotmart } from '../sources/hotmart/index.ts';
import { webhook } from '../sources/webhook/index.ts';
import { explainRecords } from './explain.ts';

const at = { headers: {}, receivedAtMs: 1_700_000_000_000 };

describe('the explanation of a record', () => {
  const purchase = {
    id: 'd9f0b6a0-6a0b-4b0e-9b1c-2f4c1f1d2a11',
    creation_date: 1_700_000_000_000,
    event: 'PURCHASE_APPROVED',
    version: '2.0.0',
    data: {
      product: { id: 7, name: 'Course for ana@example.com' },
      buyer: { email: 'ana@example.com', name: 'Ana Souza' },
      purchase: { transaction: 'HP1', status: 'APPROVED', approved_date: 1_700_000_000_000, price: { value: 97, currency_value: 'BRL' } },
    },
  };
  const { fields } = explainRecords(hotmart, [{ value: purchase }], { config: hotmart.config.parse({}), ...at });
  const fateOf = (path: string) => fields.filter((field) => field.path === path).map(({ fate, reason }) => `${fate} ${reason}`);

  it('says of each field what is stored of it and why', () => {
    expect(fateOf('event')).toEqual(['kept word']);
    expect(fateOf('data.purchase.price.value')).toEqual(['kept plain']);
    expect(fateOf('data.product.name')).toEqual(['masked identifier']);
    expect(fateOf('data.buyer')).toEqual(['dropped person']);
    expect(fateOf('data.buyer.email')).toEqual(['hashed identifier']);
  });

  it('repeats no value, and no name of a field that is an identifier', () => {
    const config = webhook.config.parse(webhook.exampleConfig);
    const record = {
      id: 'e-1',
      type: 'order.paid',
      email: 'ana@example.com',
      scores: { 'ana@example.com': { points: 7 } },
      note: 'Secret words',
    };
    const explained = explainRecords(webhook, [{ value: record }], { config, ...at });
    expect(JSON.stringify(explained)).not.toMatch(/ana@|Secret words|e-1/);
    expect(explained.fields.map(({ path }) => path)).toContain('note');
  });

  it('names the places of a list once', () => {
    const config = webhook.config.parse(webhook.exampleConfig);
    const items = Array.from({ length: 50 }, (_, n) => ({ price: n }));
    const explained = explainRecords(webhook, [{ value: { type: 'order.paid', items } }], { config, ...at });
    expect(explained.fields.filter(({ path }) => path.startsWith('items'))).toEqual([
      { path: 'items.*.price', fate: 'kept', reason: 'plain' },
    ]);
  });

  it('is bounded for a record with very many fields', () => {
    const config = webhook.config.parse(webhook.exampleConfig);
    const wide = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`field_${n}`, n]));
    const explained = explainRecords(webhook, [{ value: wide }], { config, ...at });
    expect(explained).toMatchObject({ isCut: true });
    expect(explained.fields).toHaveLength(500);
  });

  it('is bounded for a record that is deep and has long names', () => {
    const config = webhook.config.parse(webhook.exampleConfig);
    const leaves = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`n${n}`, n]));
    const deep = Array.from({ length: 90 }).reduce<Json>((inner, _, n) => ({ [`level_${n}_${'x'.repeat(80)}`]: inner }), leaves);
    const explained = explainRecords(webhook, [{ value: { type: 'order.paid', deep } }], { config, ...at });
    expect(Math.max(...explained.fields.map(({ path }) => path.length))).toBe(300);
    expect(JSON.stringify(explained).length).toBeLessThan(262_144);
  });

  it('shows no part of an identifier at the end of a path that was cut', () => {
    const config = webhook.config.parse(webhook.exampleConfig);
    for (let width = 1; width <= 60; width++) {
      const name = `ana.souza.${'x'.repeat(width)}@example.com`;
      const deep = Array.from({ length: 60 }).reduce<Json>((inner) => ({ [name]: inner }), { points: 7 });
      const record = { type: 'order.paid', customer: { name: 'Ana Souza', email: name }, deep };
      expect(JSON.stringify(explainRecords(webhook, [{ value: record }], { config, ...at })), name).not.toMatch(/souza/i);
    }
  });

  it('says once which time could not be read, in its form only', () => {
    const config = webhook.config.parse(webhook.exampleConfig);
    const records = [1, 2].map((n) => ({ value: { type: 'order.paid', id: `e-${n}`, occurred_at: 'ontem às 10h' } }));
    expect(explainRecords(webhook, records, { config, ...at }).notes).toEqual([
      { code: 'time_unreadable', path: 'occurred_at', form: 'aaaaa aa 00a' },
      { code: 'time_of_arrival' },
    ]);
  });
});
