import { describe, expect, it } from 'vitest';
import { type ProcessContext, type ProcessedRecord, processDelivery } from '../../process.ts';
import type { Json, JsonObject } from '../../source.ts';
import { personalIds } from './ids.ts';
import { meta } from './index.ts';

const seconds = 1_772_000_000;
const own = '551155550100';
const phone = '5511955550101';
const userId = 'BR.13491208655302741918';
/** A person whom a record names in an id only, and whose number has no form by which it is known. */
const other = '16505551234';

const base64 = (...bytes: (number | string)[]) =>
  Buffer.concat(bytes.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part])))).toString('base64');
/** An id as WhatsApp makes it: a frame around the number or id of the person and a number of the message. */
const frame = (who: string, last: string) =>
  base64(0x1c, 0x18, who.length, who, 0x15, 0x02, 0, 0x12, 0x18, 0x14, `3ADF8441347E8571C${last}`, 0);
/** The older form, in which two digits are one byte. */
const packed = (who: string) =>
  Buffer.concat([
    Buffer.from('801186', 'hex'),
    Buffer.from(who.length % 2 ? `${who}f` : who, 'hex'),
    Buffer.from([2, 9, 0x84, 0xea]),
  ]).toString('base64');
const wamid = (last: string, who = phone) => `wamid.${frame(who, last)}`;
const wacid = `wacid.${frame(phone, '7')}`;
const group = `${base64(`capi_group:${phone}:120363404694233820`)}ZD`;
const instagramMid = `aWdfZ${Buffer.from(`G_item:1:IGMessageID:17841405309211844:${phone}`).toString('base64')}`;

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

function whatsApp(field: string, value: JsonObject): JsonObject {
  const metadata = { display_phone_number: own, phone_number_id: '106540352242922' };
  const contacts = [{ profile: { name: 'Nome Inventado' }, wa_id: phone, user_id: userId }];
  const changes = [{ field, value: { messaging_product: 'whatsapp', metadata, contacts, ...value } }];
  return { object: 'whatsapp_business_account', entry: [{ id: '800200', time: seconds, changes }] };
}

const message = (more: JsonObject) =>
  whatsApp('messages', { messages: [{ from: phone, from_user_id: userId, id: wamid('1'), timestamp: String(seconds), ...more }] });
const status = (more: JsonObject) =>
  whatsApp('messages', { statuses: [{ id: wamid('1'), status: 'read', timestamp: String(seconds), recipient_id: phone, ...more }] });

/** Every text that a value stores, and what base64 in it says: as text, and as hexadecimal digits for the packed form. */
function* readable(value: Json): Generator<string> {
  if (Array.isArray(value)) for (const item of value) yield* readable(item);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      yield* readable(key);
      yield* readable(item);
    }
  } else if (value !== null) {
    const text = String(value);
    yield text;
    for (const [token] of text.matchAll(/[\w+/-]{8,}/g)) {
      for (let from = 0; from < 4; from++) {
        const bytes = Buffer.from(token.slice(from), 'base64');
        yield bytes.toString('latin1');
        yield bytes.toString('hex');
      }
    }
  }
}

/** Looks at what is stored: the key under which the event may be stored from before is compared with stored keys only. */
function expectHidden(outcome: ProcessedRecord): void {
  for (const text of readable(JSON.parse(JSON.stringify({ ...outcome, formerKey: undefined })) as Json)) {
    for (const secret of [phone, userId, own, phone.slice(2), other]) expect(text).not.toContain(secret);
  }
}

const instagram = (item: JsonObject) => ({
  object: 'instagram',
  entry: [
    {
      id: '900100',
      time: seconds,
      messaging: [{ sender: { id: '55501' }, recipient: { id: '900100' }, timestamp: seconds * 1000, ...item }],
    },
  ],
});

const bodies: [name: string, body: JsonObject][] = [
  ['a message', message({ type: 'text', text: { body: 'x' } })],
  ['a message whose id contains the business-scoped id', message({ id: wamid('1', userId), type: 'text' })],
  ['an older message', message({ id: packed(phone), type: 'text' })],
  ['a message whose id has no prefix', message({ id: frame(phone, '1'), type: 'text' })],
  ['the message that a reply names', message({ type: 'text', context: { id: wamid('2'), from: own } })],
  ['the message that a reaction names', message({ type: 'reaction', reaction: { message_id: wamid('2'), emoji: '👍' } })],
  ['the message that an edit names', message({ type: 'edit', edit: { original_message_id: wamid('2'), message: { type: 'text' } } })],
  ['the message that a withdrawal names', message({ type: 'revoke', revoke: { original_message_id: wamid('2') } })],
  ['the message of another person that a reply names', message({ type: 'text', group_id: group, context: { id: wamid('2', other) } })],
  [
    'a receipt without a recipient',
    whatsApp('messages', { statuses: [{ id: wamid('1', other), status: 'read', timestamp: String(seconds) }] }),
  ],
  [
    'an older receipt without a recipient',
    whatsApp('messages', { statuses: [{ id: packed(other), status: 'read', timestamp: String(seconds) }] }),
  ],
  ['the message that is pinned', message({ type: 'pin', pin: { message_id: wamid('2') } })],
  ['a message to a group', message({ type: 'text', group_id: group })],
  ['a message to an older group', message({ type: 'text', group_id: `${other}-1600000000` })],
  ['the payload of a button that names a person', message({ type: 'button', button: { payload: `to-${phone}`, text: 'Sim' } })],
  [
    'the id of a button that is a wamid',
    message({ type: 'interactive', interactive: { type: 'list_reply', list_reply: { id: wamid('2') } } }),
  ],
  ['a receipt', status({})],
  ['an older receipt', status({ id: packed(phone) })],
  [
    'a text of the business with the number',
    status({ biz_opaque_callback_data: `to ${phone}, ${wamid('2')}, id-${frame(other, '2')} and ${userId}` }),
  ],
  ['a reference of a payment', status({ type: 'payment', status: 'captured', payment: { reference_id: `order-${phone}` } })],
  ['a reference of a payment that is an id', status({ type: 'payment', status: 'pending', payment: { reference_id: wamid('3') } })],
  [
    'a receipt of a group',
    status({ recipient_id: group, recipient_type: 'group', recipient_participant_id: phone, recipient_participant_user_id: userId }),
  ],
  ['a call', whatsApp('calls', { calls: [{ id: wacid, from: phone, to: own, event: 'connect', timestamp: String(seconds) }] })],
  ['a state of a call', whatsApp('calls', { statuses: [{ id: wacid, type: 'call', status: 'RINGING', timestamp: String(seconds) }] })],
  [
    'an echo',
    whatsApp('smb_message_echoes', {
      message_echoes: [{ from: own, to: phone, id: wamid('4'), timestamp: String(seconds), type: 'text' }],
    }),
  ],
  [
    'a medium of the history',
    whatsApp('history', { messages: [{ from: own, to: phone, id: wamid('5'), timestamp: String(seconds), type: 'image' }] }),
  ],
  [
    'a history',
    whatsApp('history', { history: [{ metadata: { phase: 0 }, threads: [{ id: phone, messages: [{ id: wamid('6'), from: phone }] }] }] }),
  ],
  [
    'a detected event',
    whatsApp('automatic_events', { automatic_events: [{ id: wamid('7'), event_name: 'LeadSubmitted', timestamp: seconds }] }),
  ],
  [
    'a change of a group',
    whatsApp('group_participants_update', {
      groups: [{ group_id: group, type: 'group_participants_add', added_participants: [{ wa_id: phone }] }],
    }),
  ],
  ['a message of Instagram', instagram({ message: { mid: instagramMid, text: 'x', reply_to: { mid: instagramMid } } })],
  ['a reaction on Instagram', instagram({ reaction: { mid: instagramMid, action: 'react' } })],
];

describe('ids that contain the identifier of a person', () => {
  it.each(bodies)('%s: the number is in nothing that is stored, in base64 neither', (_, body) => {
    for (const outcome of outcomes(body)) {
      expect(outcome.ok).toBe(true);
      expectHidden(outcome);
    }
  });

  it('a record that cannot be read hides them too', () => {
    const [broken] = outcomes(whatsApp('messages', { statuses: [{ id: wamid('1'), timestamp: String(seconds), recipient_id: phone }] }));
    expect(broken).toMatchObject({ ok: false, errorClass: 'MISSING_FIELD' });
    if (broken) expectHidden(broken);
    const [late] = outcomes(message({ type: 'text', timestamp: 'soon', context: { id: wamid('2') } }));
    expect(late).toMatchObject({ ok: false, errorClass: 'SCHEMA_DRIFT' });
    if (late) expectHidden(late);
  });

  it('a status, a reply and a reaction still name the message by the same id', () => {
    const [sent] = events(message({ type: 'text' }));
    const id = sent?.source_event_id;
    expect(id).toMatch(/^wamid\.[0-9a-f]{32}$/);
    expect(sent?.idempotency_key).toBe(id);
    const [read] = events(status({}));
    expect(read).toMatchObject({ source_event_id: id, idempotency_key: `${id}:read` });
    const named = (body: JsonObject) => JSON.stringify(events(body)[0]?.properties.value);
    expect(named(message({ id: wamid('9'), type: 'text', context: { id: wamid('1') } }))).toContain(`"${id}"`);
    expect(named(message({ id: wamid('9'), type: 'reaction', reaction: { message_id: wamid('1'), emoji: '👍' } }))).toContain(`"${id}"`);
    expect(named(message({ id: wamid('9'), type: 'edit', edit: { original_message_id: wamid('1') } }))).toContain(`"${id}"`);
    const call = { id: wacid, from: phone, event: 'connect', timestamp: String(seconds) };
    expect(events(whatsApp('calls', { calls: [call] }))[0]?.idempotency_key).toMatch(/^wacid\.[0-9a-f]{32}:connect$/);
  });

  it('other ids are not taken for them', () => {
    for (const id of [
      '106540352242922',
      '104000000000001_300000000000007',
      'm_np2dcdwd1WWb1zbkesVIo5x_M1p9SvbcVfwTaU0DIFVbH61wGOP7MXCk',
      'mid.1457764197618:41d102a3e1ae206a38',
      'f5fdae3920125a39a1e6a23e5f877c16',
      'ARAkLkA8rmlFeiCktEJQ-QTwRiyYHAFDLMNDBH0CD3qpjd0HR4irJ6LEkR7JwLF4XvnO2E4Nx0-eM',
      'message_template_status_update:77:APPROVED:1751247548',
      'boas_vindas_2026',
      'BR.12345',
    ])
      expect(id.match(personalIds), id).toBeNull();
  });

  it('an id that is a digest already is recognised as one, so that a stored id is not digested twice', () => {
    const [sent] = events(message({ type: 'text' }));
    const again = events(message({ type: 'text', id: sent?.source_event_id ?? '' }));
    expect(again[0]?.source_event_id).toBe(sent?.source_event_id);
  });
});
