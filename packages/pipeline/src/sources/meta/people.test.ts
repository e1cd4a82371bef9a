import { describe, expect, it } from 'vitest';
import { type ProcessContext, type ProcessedRecord, processDelivery } from '../../process.ts';
import type { Json, JsonObject } from '../../source.ts';
import { meta } from './index.ts';

const now = Date.parse('2026-03-02T12:00:00Z');
const seconds = 1_772_000_000;

/** The business's own number: no person. */
const own = '551155550100';
const ana = { phone: '5511955550101', id: 'BR.13491208655302741918', parent: 'BR.ENT.11815799212886844830', name: 'Ana Sobral' };
const bia = { phone: '5521955550102', id: 'BR.23491208655302741919', parent: 'BR.ENT.21815799212886844831', name: 'Bia Quaresma' };
const planted = [ana, bia].flatMap((who) => Object.values(who)).concat(own, 'Quaresma', 'Sobral', 'Moro em Pinheiros');

const context: ProcessContext = {
  orgId: '11111111-1111-4111-8111-111111111111',
  projectId: '22222222-2222-4222-8222-222222222222',
  connectionId: '33333333-3333-4333-8333-333333333333',
  journalId: '44444444-4444-7444-8444-444444444444',
  config: {},
  hashKey: { version: 1, key: new Uint8Array(32).fill(7) },
  receivedAtMs: now,
  nowMs: now,
  isTest: false,
  newId: () => '55555555-5555-7555-8555-555555555555',
};

function outcomes(value: Json): ProcessedRecord[] {
  const delivery = { method: 'POST', url: 'https://in.example.com/', headers: {}, raw: new Uint8Array() };
  return processDelivery(meta as never, delivery, { kind: 'json', value }, context);
}

function events(value: Json) {
  return outcomes(value).map((outcome) => {
    if (!outcome.ok) throw new Error(JSON.stringify(outcome));
    return outcome.event;
  });
}

function whatsApp(field: string, value: JsonObject, metadata: JsonObject = { display_phone_number: own, phone_number_id: '700300' }) {
  const changes = [{ field, value: { messaging_product: 'whatsapp', metadata, ...value } }];
  return { object: 'whatsapp_business_account', entry: [{ id: '800200', time: seconds, changes }] };
}

const contact = (who: typeof ana) => ({ profile: { name: who.name }, wa_id: who.phone, user_id: who.id, parent_user_id: who.parent });

/** What is stored of the only record, its value without what every WhatsApp change has. */
function kept(body: Json): Json {
  const [event, ...more] = events(body);
  expect(more).toEqual([]);
  const { subject: _, ...readable } = event ?? { subject: {} };
  const found = planted.filter((text) => JSON.stringify(readable).includes(text));
  expect(found).toEqual([]);
  const value = event?.properties.value as JsonObject | undefined;
  if (value === undefined) return null;
  const { messaging_product: _product, metadata: _metadata, ...rest } = value;
  return rest;
}

/** What the identifiers of somebody who writes a plain message become. */
function hashesOf(who: typeof ana) {
  const message = { id: 'wamid.Z', from: who.phone, from_user_id: who.id, timestamp: String(seconds) };
  return events(whatsApp('messages', { messages: [message] }))[0]?.subject;
}
const phoneHash = (who: typeof ana) => hashesOf(who)?.phone;
const idHash = (who: typeof ana) => hashesOf(who)?.external_id;

describe('receipts of a message to a WhatsApp group', () => {
  const receipt = (who: typeof ana, more: JsonObject = {}) => ({
    id: 'wamid.G',
    status: 'read',
    timestamp: String(seconds),
    recipient_id: 'Y2FwaV9ncm91cDox',
    recipient_type: 'group',
    recipient_participant_id: who.phone,
    recipient_participant_user_id: who.id,
    recipient_participant_parent_user_id: who.parent,
    ...more,
  });
  const receipts = (...statuses: JsonObject[]) => whatsApp('messages', { contacts: [contact(ana), contact(bia)], statuses });

  it('are one event for each member, about that member, who stands in nothing that can be read', () => {
    const both = events(receipts(receipt(ana), receipt(bia)));
    const keys = both.map((event) => event.idempotency_key);
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(key).toMatch(/^wamid\.G:read:[0-9a-f]{64}$/);
    expect(both.map((event) => [event.type, event.subject.phone, event.subject.external_id])).toEqual(
      [ana, bia].map((who) => ['message.read', phoneHash(who), idHash(who)]),
    );
    for (const who of [ana, bia])
      expect(kept(receipts(receipt(who)))).toEqual({
        statuses: [{ id: 'wamid.G', status: 'read', timestamp: String(seconds), recipient_type: 'group' }],
      });
  });

  it('have the same key when Meta sends them again, with others or alone, and another for another status or message', () => {
    const key = (...statuses: JsonObject[]) => events(receipts(...statuses)).map((event) => event.idempotency_key);
    const [first] = key(receipt(ana), receipt(bia));
    expect(key(receipt(ana))).toEqual([first]);
    expect(key(receipt(ana, { timestamp: String(seconds + 60), pricing: { billable: true } }))).toEqual([first]);
    expect(key(receipt(ana, { status: 'delivered' }))[0]?.slice(-64)).not.toBe(first?.slice(-64));
    expect(key(receipt(ana, { id: 'wamid.H' }))[0]?.slice(-64)).not.toBe(first?.slice(-64));
  });

  it('are told apart by the number where there is no id, in the spelling of before too', () => {
    const numbered = (who: typeof ana, name: string) => {
      const {
        recipient_participant_id: phone,
        recipient_participant_user_id: _,
        recipient_participant_parent_user_id: __,
        ...rest
      } = receipt(who);
      return { ...rest, [name]: phone };
    };
    for (const name of ['recipient_participant_id', 'participant_recipient_id']) {
      const both = events(receipts(numbered(ana, name), numbered(bia, name)));
      expect(new Set(both.map((event) => event.idempotency_key)).size).toBe(2);
      expect(both.map((event) => event.subject.phone)).toEqual([ana, bia].map((who) => phoneHash(who)));
      kept(receipts(numbered(ana, name)));
    }
  });

  it('leave the keys of every other receipt as they are', () => {
    const keyOf = (status: JsonObject) => events(whatsApp('messages', { statuses: [status] }))[0]?.idempotency_key;
    const plain = { id: 'wamid.A', status: 'read', timestamp: String(seconds), recipient_id: ana.phone, recipient_user_id: ana.id };
    expect(keyOf(plain)).toBe('wamid.A:read');
    expect(keyOf({ ...plain, recipient_type: 'individual', recipient_parent_user_id: ana.parent })).toBe('wamid.A:read');
    expect(keyOf({ id: 'wamid.A', status: 'sent', timestamp: String(seconds), recipient_id: 'Y2Fw', recipient_type: 'group' })).toBe(
      'wamid.A:sent',
    );
  });
});
