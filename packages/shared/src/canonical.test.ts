import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CanonicalEvent, canonicalTypes, isCanonicalType, schemaVersion } from './canonical.ts';
import { renderCanonicalDoc } from './canonical-doc.ts';

const id = '0199f0aa-0000-7000-8000-000000000000';
const event: CanonicalEvent = {
  id,
  org_id: id,
  project_id: id,
  source_connection_id: id,
  type: 'order.paid',
  source_type: 'hotmart',
  source_event_type: 'PURCHASE_APPROVED',
  source_event_id: null,
  event_time: '2026-10-31T12:00:00.000Z',
  received_at: '2026-10-31T12:00:00.000Z',
  ingested_at: '2026-10-31T12:00:00.000Z',
  rewritten_at: null,
  revision: 1,
  idempotency_key: 'k',
  subject: { hash_version: 1, email: 'a'.repeat(64) },
  amount_minor: '9223372036854775807',
  currency: 'BRL',
  order_ref: null,
  attribution: {},
  properties: { a: [1, null, { b: 'c' }] },
  is_test: false,
  journal_id: id,
  schema_version: schemaVersion,
};

test('accepts a complete row, and refuses a row with an extra, a missing or a malformed column', () => {
  expect(CanonicalEvent.parse(event)).toEqual(event);
  const { currency: _, ...without } = event;
  expect(CanonicalEvent.safeParse(without).success).toBe(false);
  for (const wrong of [
    { extra: 1 },
    { type: 'order.paid ' },
    { type: 'unknown' },
    { amount_minor: 1990 },
    { amount_minor: '19.90' },
    { subject: { email: 'maria@example.com' } },
    { idempotency_key: 'k'.repeat(256) },
    { event_time: '31/10/2026' },
    { properties: [] },
  ]) {
    expect(CanonicalEvent.safeParse({ ...event, ...wrong }).success).toBe(false);
  }
});

test('accepts a type outside the vocabulary under the name of its source', () => {
  expect(CanonicalEvent.safeParse({ ...event, type: 'hotmart.club_badge_won' }).success).toBe(true);
  expect(isCanonicalType('toString')).toBe(false);
});

test('names every type <entity>.<what happened>, lists the types of an entity together, and describes each type', () => {
  const entities: string[] = [];
  for (const [type, meaning] of Object.entries(canonicalTypes)) {
    expect(type).toMatch(/^[a-z_]+\.[a-z_]+$/);
    expect(meaning).toMatch(/^[A-Z].*\.$/);
    const [entity = ''] = type.split('.');
    if (entities.at(-1) !== entity) entities.push(entity);
  }
  expect(new Set(entities).size).toBe(entities.length);
});

test('the page docs/canonical-events.md is up to date with the schema', () => {
  expect(readFileSync(new URL('../../../docs/canonical-events.md', import.meta.url), 'utf8')).toBe(renderCanonicalDoc());
});
