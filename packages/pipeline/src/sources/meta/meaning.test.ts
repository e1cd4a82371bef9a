import { isCanonicalType } from '@tributary/shared/canonical.ts';
import { describe, expect, it } from 'vitest';
import { type ProcessContext, processDelivery } from '../../process.ts';
import type { Json, JsonObject } from '../../source.ts';
import { ana, bia, cases, changed, contact, list, message, messenger, own, seconds, status, whatsApp } from './fixtures/cases.ts';
import { meta } from './index.ts';

const context: ProcessContext = {
  orgId: '11111111-1111-4111-8111-111111111111',
  projectId: '22222222-2222-4222-8222-222222222222',
  connectionId: '33333333-3333-4333-8333-333333333333',
  journalId: '44444444-4444-7444-8444-444444444444',
  config: {},
  hashKey: { version: 1, key: new Uint8Array(32).fill(7) },
  digestKey: new Uint8Array(32).fill(8),
  receivedAtMs: (seconds + 60) * 1000,
  nowMs: (seconds + 60) * 1000,
  isTest: false,
  newId: () => '55555555-5555-7555-8555-555555555555',
};

function events(value: Json) {
  const delivery = { method: 'POST', url: 'https://in.example.com/', headers: {}, raw: new Uint8Array() };
  return processDelivery(meta as never, delivery, { kind: 'json', value }, context).map((outcome) => {
    if (!outcome.ok) throw new Error(JSON.stringify(outcome));
    return outcome.event;
  });
}

const named = cases.map((one) => [one.name, one] as const);
const only = (body: JsonObject) => {
  const [event, ...more] = events(body);
  expect(more).toEqual([]);
  if (event === undefined) throw new Error('The body became no event.');
  return event;
};

describe('what happened', () => {
  it.each(named)('%s', (_, { body, type, says, docs }) => {
    const event = only(body());
    expect(event.type, docs).toBe(type);
    expect(isCanonicalType(event.type) || event.type.startsWith('meta.')).toBe(true);
    if (says !== undefined) expect(event.source_event_type.endsWith(`.${says}`), event.source_event_type).toBe(true);
  });
  it('every case names a page of Meta’s documentation', () => {
    for (const { docs } of cases) expect(docs).toMatch(/^developers\.facebook\.com\//);
  });
  it('a system notice names its kind in the properties too', () => {
    const event = only(message({ type: 'system', system: { body: 'x', wa_id: bia, type: 'user_changed_number' } })());
    expect(JSON.stringify(event.properties)).not.toContain(bia);
    expect(event.source_event_type).toContain('user_changed_number');
  });
});

describe('when it happened', () => {
  it.each(named)('%s', (_, { body, isTimeless }) => {
    expect(Date.parse(only(body()).event_time)).toBe((isTimeless ? seconds : own) * 1000);
  });
  it.each([
    ['seconds', own],
    ['seconds as text', String(own)],
    ['milliseconds', own * 1000],
    ['ISO 8601', new Date(own * 1000).toISOString()],
  ])('the time of a preference is read in %s', (_, timestamp) => {
    const body = list('user_preferences', 'user_preferences', { wa_id: ana, category: 'marketing_messages', value: 'stop', timestamp });
    expect(Date.parse(only(body()).event_time)).toBe(own * 1000);
  });
  it('an edit of a post happened when it was edited', () => {
    for (const edited_time of [own + 300, new Date((own + 300) * 1000).toISOString()]) {
      const value = { item: 'status', verb: 'edited', post_id: '900100_1', created_time: own, edited_time };
      expect(Date.parse(only(changed('page', 'feed', value)()).event_time)).toBe((own + 300) * 1000);
    }
  });
  it('a time of WhatsApp that cannot be read yields to that of the notification', () => {
    const body = list('user_preferences', 'user_preferences', { wa_id: ana, value: 'stop', timestamp: 'soon' });
    expect(Date.parse(only(body()).event_time)).toBe(seconds * 1000);
  });
});

describe('the same event sent again', () => {
  const keyOf = (body: JsonObject) => only(body).idempotency_key;

  it.each(named.filter(([, one]) => !one.isTimeless || one.hasId))(
    '%s: is a duplicate under another time of the notification',
    (_, { body }) => {
      expect(keyOf(body(seconds + 30))).toBe(keyOf(body()));
    },
  );
  it.each(named.filter(([, one]) => one.isTimeless && !one.hasId))('%s: only the notification tells two apart', (_, { body }) => {
    expect(keyOf(body(seconds + 30))).not.toBe(keyOf(body()));
  });
  it('a part of a history is identified by what is in it', () => {
    const chunk = (text: string) =>
      list('history', 'history', {
        metadata: { phase: 0, chunk_order: 1, progress: 5 },
        threads: [{ id: ana, messages: [{ id: 'wamid.h', from: ana, timestamp: String(own), type: 'text', text: { body: text } }] }],
      });
    expect(keyOf(chunk('a')(seconds + 30))).toBe(keyOf(chunk('a')()));
    expect(keyOf(chunk('b')())).not.toBe(keyOf(chunk('a')()));
  });
  it('alone or in a batch with others has the same key', () => {
    const preference = (phone: string, value: string) => ({ wa_id: phone, category: 'marketing_messages', value, timestamp: String(own) });
    const contacts = [contact(ana), contact(bia)];
    const both = events(whatsApp('user_preferences', { contacts, user_preferences: [preference(ana, 'stop'), preference(bia, 'stop')] }));
    const alone = only(whatsApp('user_preferences', { contacts: [contact(bia)], user_preferences: [preference(bia, 'stop')] }));
    expect(both[1]?.idempotency_key).toBe(alone.idempotency_key);
    expect(both[1]?.subject).toEqual(alone.subject);
  });
});

describe('two different events', () => {
  const differ = (...bodies: JsonObject[]) => {
    const keys = bodies.flatMap((body) => events(body).map((event) => event.idempotency_key));
    expect(new Set(keys).size).toBe(keys.length);
    return keys.length;
  };
  const preference = (phone: string, value: string, timestamp = own) => ({
    wa_id: phone,
    category: 'marketing_messages',
    value,
    timestamp,
  });

  it('are not one: choices of two people, of one person at two times, and the opposite choice', () => {
    const all = [preference(ana, 'stop'), preference(bia, 'stop'), preference(ana, 'resume'), preference(ana, 'stop', own + 60)];
    expect(differ(whatsApp('user_preferences', { contacts: [contact(ana), contact(bia)], user_preferences: all }))).toBe(4);
  });
  it('are not one: a call that connects, rings, is accepted and ends', () => {
    const call = (event: string) => list('calls', 'calls', { id: 'wacid.1', from: ana, event, timestamp: String(own) })();
    const state = (name: string) => status({ id: 'wacid.1', type: 'call', status: name }, 'calls')();
    differ(call('connect'), state('RINGING'), state('ACCEPTED'), call('terminate'));
  });
  it('are not one: a message, its edits, its withdrawal and reactions to it, whichever id Meta gives them', () => {
    for (const id of ['wamid.A', 'wamid.B']) {
      const change = (type: string, timestamp: number, inner: JsonObject) =>
        message({ id, timestamp: String(timestamp), type, [type]: inner })();
      const edit = { original_message_id: 'wamid.A' };
      differ(
        message({ id: 'wamid.0', type: 'text' })(),
        change('edit', own + 1, edit),
        ...(id === 'wamid.A' ? [change('edit', own + 2, edit), change('revoke', own + 3, edit), message({ id, type: 'text' })()] : []),
      );
    }
  });
  it('are not one: the members whom one change of a group is about, each of whom is the subject', () => {
    const members = [ana, bia].map((wa_id) => ({ wa_id }));
    const group = { timestamp: String(own), group_id: 'G1', type: 'group_participants_add', added_participants: members };
    const body = whatsApp('group_participants_update', { groups: [group] });
    expect(differ(body)).toBe(2);
    const phones = events(body).map((event) => event.subject.phone);
    expect(new Set(phones).size).toBe(2);
    expect(phones).not.toContain(undefined);
  });
  it('are not one: a payment and the failure to deliver its message, and two attempts', () => {
    const payment = (id: string, state: string) =>
      status({ status: state, type: 'payment', payment: { reference_id: 'o1', transaction: { id } } })();
    differ(status({ status: 'failed' })(), payment('t1', 'failed'), payment('t2', 'failed'), payment('t2', 'captured'));
  });
  it('are not one: two edits of a post at the time of the post', () => {
    const edit = (text: string) =>
      changed('page', 'feed', { item: 'comment', verb: 'edited', comment_id: '1_2', post_id: '1', created_time: own, message: text })();
    differ(edit('a'), edit('b'));
    expect(only(edit('a')).idempotency_key).toBe(only(edit('a')).idempotency_key);
  });
  it('are not one: two edits of a Messenger message, and a reaction given and taken back', () => {
    const edit = (num_edit: number) => messenger({ message_edit: { mid: 'm_1', text: 'x', num_edit }, timestamp: own * 1000 + num_edit })();
    const react = (action: string) => messenger({ reaction: { mid: 'm_1', action } })();
    differ(edit(1), edit(2), react('react'), react('unreact'));
  });
});

describe('money in a chat', () => {
  it('is the amount of the payment in minor units, and the order is the reference of the business', () => {
    const payment = {
      reference_id: 'order-1',
      amount: { value: 21000, offset: 100 },
      currency: 'INR',
      transaction: { id: 't1', status: 'success' },
    };
    const event = only(status({ status: 'captured', type: 'payment', payment })());
    expect(event).toMatchObject({ type: 'payment.succeeded', amount_minor: '21000', currency: 'INR', order_ref: 'order-1' });
    const inThousands = { ...payment, amount: { value: 210000, offset: 1000 }, currency: 'BRL' };
    expect(only(status({ status: 'captured', type: 'payment', payment: inThousands })()).amount_minor).toBe('21000');
  });
  it('is about the person who paid, whom some payments name as the sender', () => {
    const payment = (who: JsonObject) =>
      status({ recipient_id: null, status: 'captured', type: 'payment', payment: { reference_id: 'o1' }, ...who })();
    const [{ subject } = { subject: {} }] = events(message({ type: 'text' })());
    for (const who of [{ recipient_id: ana }, { from: ana }, { payment: { reference_id: 'o1', sender: ana } }])
      expect(only(payment(who)).subject).toEqual(subject);
  });
  it('is absent without an amount', () => {
    expect(only(status({ status: 'pending', type: 'payment', payment: { reference_id: 'order-1' } })())).toMatchObject({
      type: 'payment.pending',
      amount_minor: null,
      currency: null,
    });
  });
});

it('a thousand updates of one delivery become a thousand records, each with its own contact only', () => {
  const people = Array.from({ length: 1000 }, (_, index) => `55119${String(50_000_000 + index)}`);
  const statuses = people.map((phone, index) => ({ id: `wamid.${index}`, status: 'read', timestamp: String(own), recipient_id: phone }));
  const records = [...meta.split({ kind: 'json', value: whatsApp('messages', { contacts: people.map(contact), statuses }) }, {})];
  expect(records).toHaveLength(1000);
  expect(Math.max(...records.map((record) => JSON.stringify(record.value).length))).toBeLessThan(600);
});

describe('a person planted in any field of any record', () => {
  /** Names that the business gives to things and texts that Meta writes. A full name is no identifier there, as long as no person has it. */
  const texts = new Set([
    ...['configuration_name', 'message_template_name', 'status', 'messages.*.button.text'].map((path) => `entry.*.changes.*.value.${path}`),
    ...['button_reply', 'list_reply'].map((reply) => `entry.*.changes.*.value.messages.*.interactive.${reply}.title`),
    ...['policy_enforcement.reason', 'postback.title'].map((path) => `entry.*.messaging.*.${path}`),
  ]);

  it.each([
    ['a full name', 'Zulmira Castanheira'],
    ['a telephone number', '5511987650001'],
    ['an e-mail address', 'zulmira@example.com'],
  ])('%s is stored nowhere', (_, planted) => {
    const found = new Set<string>();
    for (const { body } of cases) {
      const whole = body();
      for (const path of leaves(whole)) {
        // The key under which an event may be stored from before is compared with stored keys only.
        const outcomes = outcomesOf(planted, whole, path).map((outcome) => ({ ...outcome, formerKey: undefined }));
        const place = path.map((key) => (/^\d+$/.test(key) ? '*' : key)).join('.');
        if (JSON.stringify(outcomes).includes(planted) && !(texts.has(place) && planted.includes(' '))) found.add(place);
      }
    }
    expect([...found]).toEqual([]);
  });

  function outcomesOf(planted: string, whole: JsonObject, path: string[]) {
    const body = structuredClone(whole);
    let holder: Json = body;
    for (const key of path.slice(0, -1)) holder = (holder as JsonObject)[key] as Json;
    (holder as JsonObject)[path.at(-1) ?? ''] = planted;
    const delivery = { method: 'POST', url: 'https://in.example.com/', headers: {}, raw: new Uint8Array() };
    return processDelivery(meta as never, delivery, { kind: 'json', value: body }, context);
  }
});

function* leaves(value: Json, path: string[] = []): Generator<string[]> {
  if (typeof value !== 'object' || value === null) yield path;
  else for (const [key, item] of Object.entries(value)) yield* leaves(item, [...path, key]);
}
