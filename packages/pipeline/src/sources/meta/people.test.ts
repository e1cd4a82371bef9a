import { describe, expect, it } from 'vitest';
import { digestPersonalIds } from '../../privacy/personal-ids.ts';
import { type ProcessContext, type ProcessedRecord, processDelivery } from '../../process.ts';
import type { Json, JsonObject } from '../../source.ts';
import { meta } from './index.ts';

const now = Date.parse('2026-03-02T12:00:00Z');
const seconds = 1_772_000_000;

/** The business's own number, which is not a person's. */
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
  digestKey: new Uint8Array(32).fill(8),
  receivedAtMs: now,
  nowMs: now,
  isTest: false,
  newId: () => '55555555-5555-7555-8555-555555555555',
};

/** What is stored of an id that contains a person's identifier, such as a wamid. */
const stored = (id: string) => digestPersonalIds(id, meta, context.digestKey);

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

function changed(object: string, field: string, value: Json, entry: JsonObject = { id: '900100' }): JsonObject {
  return { object, entry: [{ ...entry, time: seconds, changes: [{ field, value }] }] };
}

function messenger(item: JsonObject, list = 'messaging'): JsonObject {
  const sides = { sender: { id: '55501' }, recipient: { id: '900100' }, timestamp: seconds * 1000 };
  return { object: 'page', entry: [{ id: '900100', time: seconds * 1000, [list]: [{ ...sides, ...item }] }] };
}

const contact = (who: typeof ana) => ({ profile: { name: who.name }, wa_id: who.phone, user_id: who.id, parent_user_id: who.parent });

/** The stored properties of the only record, without the fields that every WhatsApp change has. */
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

/** The hashed identifiers of a person who writes a plain message. */
function hashesOf(who: typeof ana) {
  const message = { id: 'wamid.Z', from: who.phone, from_user_id: who.id, timestamp: String(seconds) };
  return events(whatsApp('messages', { messages: [message] }))[0]?.subject;
}
const phoneHash = (who: typeof ana) => hashesOf(who)?.phone;
const idHash = (who: typeof ana) => hashesOf(who)?.external_id;

describe('people in the fields of WhatsApp', () => {
  it('calls keep what happened and when, and neither the people nor the network addresses of both sides', () => {
    const call = {
      id: 'wacid.1',
      to: ana.phone,
      to_user_id: ana.id,
      from: own,
      event: 'terminate',
      direction: 'BUSINESS_INITIATED',
      timestamp: String(seconds),
      status: 'COMPLETED',
      duration: 20,
      session: { sdp_type: 'answer', sdp: 'v=0 o=- 0 0 IN IP4 203.0.113.7' },
      deeplink_payload: 'x',
    };
    expect(kept(whatsApp('calls', { calls: [call] }))).toEqual({
      calls: [
        {
          id: stored('wacid.1'),
          event: 'terminate',
          direction: 'BUSINESS_INITIATED',
          timestamp: String(seconds),
          status: 'COMPLETED',
          duration: 20,
        },
      ],
    });
  });

  it.each([
    ['whom the business called', { calls: [{ id: 'wacid.1', to: ana.phone, from: own, direction: 'BUSINESS_INITIATED' }] }],
    ['who called', { calls: [{ id: 'wacid.1', to: own, from: ana.phone, direction: 'USER_INITIATED' }] }],
    // In Meta's reference an answer to the business's call has the sides reversed.
    ['the other side, with any direction', { calls: [{ id: 'wacid.1', to: own, from: ana.phone, direction: 'BUSINESS_INITIATED' }] }],
    ['the other side with a plus', { calls: [{ id: 'wacid.1', to: `+${ana.phone}`, from: `+${own}` }] }],
    ['the contact, where the number is left out', { contacts: [contact(ana)], calls: [{ id: 'wacid.1', from: own }] }],
    ['the contact of an own number', { contacts: [contact(ana)], calls: [{ id: 'wacid.1', from: own, to: own }] }],
  ])('calls are about %s', (_, value) => {
    const [event] = events(whatsApp('calls', value));
    expect(event?.subject.phone).toBe(phoneHash(ana));
  });

  it('the only contact of a change is not taken for a person whom the only item names by another number', () => {
    const receipt = { id: 'wamid.A', status: 'read', timestamp: String(seconds), recipient_id: bia.phone };
    expect(events(whatsApp('messages', { contacts: [contact(ana)], statuses: [receipt] }))[0]?.subject).toEqual({
      hash_version: 1,
      phone: phoneHash(bia),
    });
  });

  it('the direction of a call decides where the business’s number is missing', () => {
    const call = (direction: string) => whatsApp('calls', { calls: [{ id: 'wacid.1', from: ana.phone, to: bia.phone, direction }] }, {});
    expect(events(call('USER_INITIATED'))[0]?.subject.phone).toBe(phoneHash(ana));
    expect(events(call('BUSINESS_INITIATED'))[0]?.subject.phone).toBe(phoneHash(bia));
  });

  it('a call is about the id of a person without a number, and each of several calls about its own person', () => {
    const value = { calls: [{ id: 'wacid.1', from: own, to_user_id: ana.id, direction: 'BUSINESS_INITIATED' }] };
    expect(events(whatsApp('calls', value))[0]?.subject.external_id).toBe(idHash(ana));
    const calls = [ana, bia].map((who) => ({ id: 'wacid.1', from: own, to: who.phone }));
    const both = events(whatsApp('calls', { contacts: [contact(ana), contact(bia)], calls }));
    expect(both.map((event) => event.subject)).toEqual([hashesOf(ana), hashesOf(bia)]);
    expect(new Set(both.map((event) => event.idempotency_key)).size).toBe(2);
  });

  it('the history of chats keeps its progress', () => {
    const message = { from: ana.phone, id: 'wamid.h1', timestamp: '1739230955', type: 'text', text: { body: 'Moro em Pinheiros' } };
    const chunk = {
      metadata: { phase: 0, chunk_order: 1, progress: 55 },
      threads: [{ id: ana.phone, context: { wa_id: ana.phone }, messages: [message] }],
    };
    expect(kept(whatsApp('history', { history: [chunk] }))).toEqual({
      history: [{ metadata: { phase: 0, chunk_order: 1, progress: 55 } }],
    });
    const refused = { errors: [{ code: 2593109, title: 'History sync is turned off' }] };
    expect(kept(whatsApp('history', { history: [refused] }))).toEqual({ history: [refused] });
  });

  it('media of the history are about the person to whom the business wrote', () => {
    const message = {
      from: own,
      to: ana.phone,
      id: 'wamid.h2',
      timestamp: String(seconds),
      type: 'image',
      image: { id: '5', mime_type: 'image/jpeg' },
    };
    const [event] = events(whatsApp('history', { messages: [message] }));
    expect(event?.subject.phone).toBe(phoneHash(ana));
    kept(whatsApp('history', { messages: [message] }));
  });

  it.each([
    [
      'smb_app_state_sync',
      {
        state_sync: [
          {
            type: 'contact',
            contact: { full_name: ana.name, first_name: 'Ana', phone_number: ana.phone },
            action: 'add',
            metadata: { timestamp: '1738346006' },
          },
        ],
      },
      { state_sync: [{ type: 'contact', action: 'add', metadata: { timestamp: '1738346006' } }] },
    ],
    [
      'group_participants_update',
      {
        groups: [
          {
            timestamp: seconds,
            group_id: '120363404694233820',
            type: 'group_participants_remove',
            removed_participants: [{ input: ana.phone }],
            initiated_by: 'business',
          },
        ],
      },
      { groups: [{ timestamp: seconds, group_id: '120363404694233820', type: 'group_participants_remove', initiated_by: 'business' }] },
    ],
    [
      'group_participants_update',
      {
        groups: [
          {
            group_id: '120363404694233820',
            type: 'group_participants_add',
            reason: 'invite_link',
            added_participants: [{ wa_id: ana.phone, user_id: ana.id, parent_user_id: ana.parent, username: 'ana' }],
          },
        ],
      },
      { groups: [{ group_id: '120363404694233820', type: 'group_participants_add', reason: 'invite_link' }] },
    ],
    [
      'group_settings_update',
      {
        groups: [
          {
            group_id: '120363404694233820',
            type: 'group_settings_update',
            group_subject: { text: `Aula de ${ana.name}`, update_successful: true },
          },
        ],
      },
      { groups: [{ group_id: '120363404694233820', type: 'group_settings_update', group_subject: { update_successful: true } }] },
    ],
    [
      'user_id_update',
      {
        contacts: [{ profile: { name: ana.name }, wa_id: ana.phone }],
        user_id_update: [
          {
            wa_id: ana.phone,
            detail: `User id for ${ana.name} has been updated.`,
            user_id: { previous: bia.id, current: ana.id },
            parent_user_id: { previous: bia.parent, current: ana.parent },
            timestamp: String(seconds),
          },
        ],
      },
      { user_id_update: [{ timestamp: String(seconds) }] },
    ],
    ['security', { event: 'PIN_CHANGED', display_phone_number: own, requester: ana.id }, { event: 'PIN_CHANGED' }],
    [
      'messaging_handovers',
      { sender: { phone_number: ana.phone }, control_passed: { metadata: ana.name }, timestamp: String(seconds) },
      { timestamp: String(seconds) },
    ],
    ['a_field_of_tomorrow', { people: [{ to: ana.phone, who: ana.name }], [ana.phone]: { x: 1 }, note: 'Pinheiros' }, {}],
  ])('%s: no data about a person is stored', (field, value, rest) => {
    expect(kept(whatsApp(field, value as JsonObject))).toEqual(rest);
  });

  it.each([
    ['user_id_update', { user_id_update: [{ wa_id: ana.phone, user_id: { previous: bia.id, current: ana.id } }] }],
    ['user_preferences', { user_preferences: [{ wa_id: ana.phone, user_id: ana.id, category: 'marketing_messages', value: 'stop' }] }],
    ['group_participants_update', { groups: [{ type: 'group_join_request_created', wa_id: ana.phone, user_id: ana.id }] }],
    ['group_participants_update', { groups: [{ added_participants: [{ wa_id: ana.phone, user_id: ana.id }] }] }],
    ['a_field_of_tomorrow', { contacts: [contact(ana)] }],
  ])('%s: the subject is the person that the change names', (field, value) => {
    expect(events(whatsApp(field, value as JsonObject))[0]?.subject).toEqual({
      hash_version: 1,
      phone: phoneHash(ana),
      external_id: idHash(ana),
    });
  });

  it('the person who is removed from a group is named by the requested number or id, and each of several has an event', () => {
    const removed = (...inputs: string[]) =>
      events(whatsApp('group_participants_update', { groups: [{ removed_participants: inputs.map((input) => ({ input })) }] })).map(
        (event) => event.subject,
      );
    expect(removed(ana.phone, ana.id, bia.phone)).toEqual([
      { hash_version: 1, phone: phoneHash(ana) },
      { hash_version: 1, external_id: idHash(ana) },
      { hash_version: 1, phone: phoneHash(bia) },
    ]);
  });

  it('messages of an unknown kind keep no text, and messages of a known kind keep their fields', () => {
    const message = (more: JsonObject) =>
      whatsApp('messages', {
        contacts: [contact(ana)],
        messages: [{ id: 'wamid.A', from: ana.phone, timestamp: String(seconds), ...more }],
      });
    const base = { id: stored('wamid.A'), timestamp: String(seconds) };
    const edit = { original_message_id: 'wamid.0', message: { type: 'text', text: { body: 'Moro em Pinheiros' } } };
    expect(kept(message({ type: 'edit', edit }))).toEqual({
      messages: [{ ...base, type: 'edit', edit: { original_message_id: stored('wamid.0') } }],
    });
    expect(kept(message({ type: 'poll', poll: { answer: 'Pinheiros' }, from_parent_user_id: ana.parent }))).toEqual({
      messages: [{ ...base, type: 'poll' }],
    });
    const known = {
      type: 'interactive',
      group_id: '120363404694233820',
      interactive: { type: 'button_reply', button_reply: { id: 'b1', title: 'Sim' } },
      context: { id: 'wamid.0', forwarded: true },
      referral: { source_type: 'ad', source_id: '120', headline: 'Curso' },
    };
    expect(kept(message(known))).toEqual({ messages: [{ ...base, ...known, context: { ...known.context, id: stored('wamid.0') } }] });
  });

  it('accounts and templates keep their fields', () => {
    const value = {
      event: 'APPROVED',
      message_template_id: '77',
      message_template_name: 'boas_vindas',
      reason: 'NONE',
      other: { new_thing: 1 },
    };
    expect(kept(whatsApp('message_template_status_update', value))).toEqual(value);
    const info = {
      event: 'ACCOUNT_RESTRICTION',
      restriction_info: [{ restriction_type: 'RESTRICTED_BIZ_INITIATED_MESSAGING', expiration: seconds }],
    };
    expect(kept(whatsApp('account_update', info))).toEqual(info);
  });
});

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

  it('are one event for each member, whose identifiers are in no readable column', () => {
    const both = events(receipts(receipt(ana), receipt(bia)));
    const keys = both.map((event) => event.idempotency_key);
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(key).toMatch(/^wamid\.[0-9a-f]{32}:read:[0-9a-f]{64}$/);
    expect(both.map((event) => [event.type, event.subject.phone, event.subject.external_id])).toEqual(
      [ana, bia].map((who) => ['message.read', phoneHash(who), idHash(who)]),
    );
    for (const who of [ana, bia])
      expect(kept(receipts(receipt(who)))).toEqual({
        statuses: [{ id: stored('wamid.G'), status: 'read', timestamp: String(seconds), recipient_type: 'group' }],
      });
  });

  it('have the same key when Meta sends them again, alone or with others, and another key for another status or message', () => {
    const key = (...statuses: JsonObject[]) => events(receipts(...statuses)).map((event) => event.idempotency_key);
    const [first] = key(receipt(ana), receipt(bia));
    expect(key(receipt(ana))).toEqual([first]);
    expect(key(receipt(ana, { timestamp: String(seconds + 60), pricing: { billable: true } }))).toEqual([first]);
    expect(key(receipt(ana, { status: 'delivered' }))[0]?.slice(-64)).not.toBe(first?.slice(-64));
    expect(key(receipt(ana, { id: 'wamid.H' }))[0]?.slice(-64)).not.toBe(first?.slice(-64));
  });

  it('are distinguished by the number where there is no id, in the former spelling too', () => {
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

  it('do not change the keys of other receipts', () => {
    const keyOf = (status: JsonObject) => events(whatsApp('messages', { statuses: [status] }))[0]?.idempotency_key;
    const plain = { id: 'wamid.A', status: 'read', timestamp: String(seconds), recipient_id: ana.phone, recipient_user_id: ana.id };
    expect(keyOf(plain)).toBe(stored('wamid.A:read'));
    expect(keyOf({ ...plain, recipient_type: 'individual', recipient_parent_user_id: ana.parent })).toBe(stored('wamid.A:read'));
    expect(keyOf({ id: 'wamid.A', status: 'sent', timestamp: String(seconds), recipient_id: 'Y2Fw', recipient_type: 'group' })).toBe(
      stored('wamid.A:sent'),
    );
  });

  it('of one person keep no id that Meta gives to a person', () => {
    const status = { id: 'wamid.A', status: 'read', timestamp: String(seconds), recipient_id: ana.phone, recipient_user_id: ana.id };
    const parents = {
      recipient_parent_user_id: ana.parent,
      parent_recipient_user_id: ana.parent,
      recipient_identity_key_hash: 'DF2lS5v2W6x=',
    };
    expect(kept(whatsApp('messages', { statuses: [{ ...status, ...parents, pricing: { billable: true } }] }))).toEqual({
      statuses: [{ id: stored('wamid.A'), status: 'read', timestamp: String(seconds), pricing: { billable: true } }],
    });
  });
});

describe('people in other objects', () => {
  it.each([
    ['name', ana.name],
    ['birthday', '05/12/1990'],
    ['email', 'ana@example.com'],
    ['first_name', 'Ana'],
    ['gender', 'female'],
    ['friends', { verb: 'add', id: '24000000000000008', object_id: '9' }],
    ['likes', [{ id: '24000000000000008' }]],
  ])('a change of a user’s %s stores that the field changed and the verb, and no value', (field, value) => {
    const [event] = events(changed('user', field, value, { id: '5400000000000009', uid: '5400000000000009' }));
    expect(event).toMatchObject({ type: `meta.user_${field}`, source_event_type: `user.${field}`, source_event_id: null });
    const verb = field === 'friends' ? { value: { verb: 'add' } } : {};
    expect(event?.properties).toEqual({ object: 'user', field, time: seconds, ...verb });
    expect(event?.subject.external_id).toMatch(/^[0-9a-f]{64}$/);
  });

  it('unknown objects keep the name of the field that changed and the verb', () => {
    const [event] = events(changed('something_new', 'members', { id: ana.phone, who: ana.name, verb: 'add' }));
    expect(event?.properties).toEqual({ object: 'something_new', id: '900100', field: 'members', time: seconds, value: { verb: 'add' } });
    expect(event?.source_event_id).toBeNull();
    const ad = { id: '120', level: 'AD', status_name: 'Paused', error_code: 3, owner: ana.name };
    const [advert] = events(changed('ad_account', 'with_issues_ad_objects', ad));
    expect(advert?.properties.value).toEqual({ id: '120', level: 'AD', status_name: 'Paused', error_code: 3 });
    expect(advert?.source_event_id).toBe('120');
  });

  const person = { id: '24000000000000008', name: ana.name };
  it.each([
    [
      'page',
      'feed',
      {
        item: 'comment',
        verb: 'add',
        post_id: '900100_1',
        comment_id: '1_2',
        parent_id: '900100_1',
        created_time: seconds,
        from: person,
        message: 'Moro em Pinheiros',
        recipient_id: person.id,
        photo: 'https://example.com/ana.jpg',
        post: { id: '900100_1', status_type: 'added_photos', is_published: true, permalink_url: 'https://example.com/ana', from: person },
        comment: { message: 'Moro em Pinheiros', from: person },
      },
      {
        item: 'comment',
        verb: 'add',
        post_id: '900100_1',
        comment_id: '1_2',
        parent_id: '900100_1',
        created_time: seconds,
        post: { id: '900100_1', status_type: 'added_photos', is_published: true },
      },
    ],
    [
      'page',
      'ratings',
      {
        item: 'rating',
        verb: 'add',
        open_graph_story_id: '7',
        rating: 5,
        recommendation_type: 'POSITIVE',
        review_text: 'Moro em Pinheiros',
        reviewer_id: person.id,
        reviewer_name: ana.name,
        created_time: seconds,
      },
      { item: 'rating', verb: 'add', open_graph_story_id: '7', rating: 5, recommendation_type: 'POSITIVE', created_time: seconds },
    ],
    [
      'page',
      'mention',
      {
        post_id: '900100_1',
        comment_id: '1_2',
        item: 'comment',
        verb: 'add',
        sender_id: person.id,
        sender_name: ana.name,
        message: 'Moro em Pinheiros',
        created_time: seconds,
      },
      { post_id: '900100_1', comment_id: '1_2', item: 'comment', verb: 'add', created_time: seconds },
    ],
    [
      'page',
      'inbox_labels',
      { action: 'add', label: { id: '5', page_label_name: ana.name }, user: person },
      { action: 'add', label: { id: '5' } },
    ],
    ['page', 'conversations', { thread_id: 't_24000000000000008', page_id: '900100' }, { page_id: '900100' }],
    [
      'page',
      'leadgen',
      { leadgen_id: '1', page_id: '900100', form_id: '2', ad_id: '3', created_time: seconds, field_data: [{ values: [ana.name] }] },
      { leadgen_id: '1', page_id: '900100', form_id: '2', ad_id: '3', created_time: seconds },
    ],
    [
      'instagram',
      'comments',
      {
        id: '17',
        parent_id: '16',
        text: 'Moro em Pinheiros',
        from: { id: person.id, username: 'ana' },
        media: { id: '18', media_product_type: 'FEED', owner: person },
      },
      { id: '17', parent_id: '16', media: { id: '18', media_product_type: 'FEED' } },
    ],
    ['instagram', 'mentions', { media_id: '18', comment_id: '17' }, { media_id: '18', comment_id: '17' }],
    [
      'instagram',
      'story_insights',
      { media_id: '18', impressions: 4, reach: 3, replies: 1, top: person.id },
      { media_id: '18', impressions: 4, reach: 3, replies: 1 },
    ],
  ])('%s %s: no data about a person is stored', (object, field, value, rest) => {
    const body = changed(object, field, value as Json);
    expect(kept(body)).toEqual(rest);
    expect(JSON.stringify(events(body)[0]?.properties)).not.toContain(person.id);
  });

  it.each(['phone', 'email', 'location', 'name'])('a change of a page’s %s stores that the field changed, and no value', (field) => {
    expect(events(changed('page', field, ana.phone))[0]?.properties).toEqual({ object: 'page', id: '900100', field, time: seconds });
  });

  it.each(['messaging', 'standby'])('conversations under %s keep only fields that no person writes', (list) => {
    const item = (more: JsonObject) => events(messenger(more, list))[0]?.properties[list];
    const nlp = { entities: { 'wit$contact:contact': [{ body: ana.name }] } };
    const message = {
      mid: 'm_1',
      text: 'Moro em Pinheiros',
      nlp,
      attachments: [{ type: 'image', payload: { url: 'https://example.com/a' } }],
    };
    const timestamp = seconds * 1000;
    expect(item({ message })).toEqual({ timestamp, message: { mid: 'm_1', attachments: [{ type: 'image' }] } });
    const screens = [{ screen_id: 's', responses: [{ key: 'city', value: 'Pinheiros' }] }];
    expect(item({ messaging_customer_information: { screens } })).toEqual({ timestamp });
    expect(item({ lead: { answers: [ana.name] } })).toEqual({ timestamp });
    expect(item({ game_play: { game_id: '1', player_id: '24000000000000008', score: 2 } })).toEqual({
      timestamp,
      game_play: { game_id: '1', score: 2 },
    });
    const postback = { mid: 'm_2', title: 'Começar', payload: 'START', referral: { ref: 'x', source: 'ADS', ad_id: '3' } };
    expect(item({ postback })).toEqual({ timestamp, postback });
    const rest = { pass_thread_control: { new_owner_app_id: '1', metadata: 'x' }, read: { watermark: 1 } };
    expect(item(rest)).toEqual({ timestamp, ...rest });
  });
});

describe('dead letters', () => {
  it('show the shape of unknown fields, and no value of them', () => {
    const [outcome] = outcomes({
      object: 'page',
      entry: [{ id: '900100', conversations: [{ who: ana.name, phone_of: ana.phone, n: 4 }] }],
    });
    expect(outcome).toMatchObject({
      ok: false,
      errorClass: 'SCHEMA_DRIFT',
      sample: {
        object: 'page',
        id: '900100',
        entry: { conversations: [{ who: '[redacted string]', phone_of: '[redacted string]', n: '[redacted number]' }] },
      },
    });
    expect(JSON.stringify(outcome)).not.toMatch(/Ana|5511955550101/);
  });
});
