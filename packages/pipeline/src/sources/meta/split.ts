import { at, isObject, text } from '../../reading/fields.ts';
import { type Body, type Json, type JsonObject, type RawRecord, RecordError } from '../../source.ts';
import { isIdentified, isPanelTest, whatsAppLists } from './keys.ts';

/** Paths where an item of a WhatsApp list names its person. */
const contactPaths = [
  ...['from', 'to', 'recipient_id', 'from_user_id', 'to_user_id', 'recipient_user_id'],
  ...['recipient_participant_id', 'participant_recipient_id', 'recipient_participant_user_id'],
  ...['wa_id', 'user_id', 'user_id.current'],
];
/** Lists of the members whom a change of a WhatsApp group is about. */
const memberLists = ['added_participants', 'removed_participants', 'failed_participants'] as const;
// In these objects the entry's id is the id of a person.
const personObjects = new Set(['user', 'permissions']);

/**
 * One record per change, changed field, messaging or standby item, and within a WhatsApp change one per message, status, echo, call, preference,
 * new id, contact, group and member of a group change, in the order they came, so that each is about one person. Every record is complete: `{ object, id | uid, field, value }`, `{ …, changed_field }`, `{ …, messaging }` or
 * `{ …, standby }`. An entry or item of unknown shape becomes a record that fails without affecting the others.
 * The envelope holds `object` and the entry's `time` (of the notification, not of the event).
 * Throws INVALID_PAYLOAD or SCHEMA_DRIFT when the body is not a Meta notification.
 */
export function split(body: Body): Iterable<RawRecord> {
  if (body.kind !== 'json' || !isObject(body.value)) throw new RecordError('INVALID_PAYLOAD', 'a Meta notification is a JSON object');
  const object = text(body.value, 'object');
  if (object === undefined) throw new RecordError('SCHEMA_DRIFT', '"object" is missing', 'object');
  if (!Array.isArray(body.value.entry)) throw new RecordError('SCHEMA_DRIFT', '"entry" should be an array', 'entry');
  return recordsOf(object, body.value.entry);
}

/** Yields the records one at a time: each contains the data that it shares with others, and the caller may stop early. */
function* recordsOf(object: string, entries: readonly Json[]): Generator<RawRecord> {
  for (const entry of entries) {
    if (isObject(entry)) yield* recordsOfEntry(object, entry);
    else yield { value: { object, entry }, envelope: { object } };
  }
}

function* recordsOfEntry(object: string, entry: JsonObject): Generator<RawRecord> {
  const id = text(entry, 'id');
  const owner: JsonObject = { object };
  if (personObjects.has(object)) {
    const uid = text(entry, 'uid') ?? id;
    if (uid !== undefined) owner.uid = uid;
  } else if (id !== undefined) owner.id = id;
  const envelope: JsonObject = { object, ...(entry.time === undefined ? {} : { time: entry.time }) };

  const record = (value: JsonObject): RawRecord => ({ value: withNotificationTime(value, envelope), envelope });
  let understood = false;
  for (const list of ['changes', 'changed_fields', 'messaging', 'standby'] as const) {
    const items = entry[list];
    if (!Array.isArray(items)) continue;
    understood = true;
    for (const item of items) for (const value of valuesOf(list, item, owner, id)) yield record(value);
  }
  if (!understood) yield record({ ...owner, entry });
}

function valuesOf(
  list: 'changes' | 'changed_fields' | 'messaging' | 'standby',
  item: Json,
  owner: JsonObject,
  ownId: string | undefined,
): Iterable<JsonObject> {
  if (list === 'changed_fields') return [{ ...owner, changed_field: item }];
  if (!isObject(item)) return [{ ...owner, [list]: item }];
  if (list !== 'changes') return [{ ...owner, [list]: withoutOwnAccount(item, ownId) }];
  if (owner.object === 'whatsapp_business_account' && isObject(item.value)) return unpacked({ ...item, ...owner }, item.value);
  return [{ ...item, ...owner, ...(isObject(item.value) ? { value: withoutOwnAccount(item.value, ownId) } : {}) }];
}

/** Removes the page or account where it is the sender, recipient or author: it is not a person, and its id is the record's `id`. */
function withoutOwnAccount(value: JsonObject, ownId: string | undefined): JsonObject {
  if (ownId === undefined) return value;
  const kept: JsonObject = { ...value };
  for (const side of ['sender', 'recipient', 'from']) {
    if (text(value, `${side}.id`) === ownId) delete kept[side];
  }
  return kept;
}

function* unpacked(change: JsonObject, value: JsonObject): Generator<JsonObject> {
  const lists = whatsAppLists.flatMap((name) => {
    const items = value[name];
    return Array.isArray(items) && items.length > 0 ? [{ name, items }] : [];
  });
  if (lists.length === 0) {
    yield change;
    return;
  }
  const shared: JsonObject = { ...value };
  for (const name of [...whatsAppLists, 'contacts']) delete shared[name];
  const contactById = indexed(value.contacts);
  const own = text(value, 'metadata.display_phone_number');
  // The only contact belongs to the only item, also where the item names nobody but the business.
  const isAlone = lists.length === 1 && lists[0]?.items.length === 1 && at(value.contacts, '1') === undefined;
  for (const { name, items } of lists) {
    for (const item of items) {
      const contact = contactOf(item, contactById) ?? (isAlone && namesOnly(item, own) ? at(value.contacts, '0') : undefined);
      const rest = { ...shared, ...(contact === undefined ? {} : { contacts: [contact] }) };
      for (const one of name === 'groups' ? byMember(item) : [item]) yield { ...change, value: { ...rest, [name]: [one] } };
    }
  }
}

/** The change of a group once for each member whom it is about, or as it is where it names no member in a list. */
function* byMember(group: Json): Generator<Json> {
  if (!isObject(group)) return yield group;
  const lists = memberLists.filter((list) => Array.isArray(group[list]));
  const rest: JsonObject = { ...group };
  for (const list of lists) delete rest[list];
  let isEmpty = true;
  for (const list of lists) {
    for (const member of group[list] as Json[]) {
      isEmpty = false;
      yield { ...rest, [list]: [member] };
    }
  }
  if (isEmpty) yield group;
}

function indexed(contacts: Json | undefined): Map<string, Json> {
  const contactById = new Map<string, Json>();
  if (!Array.isArray(contacts)) return contactById;
  for (const contact of contacts) {
    for (const id of [text(contact, 'wa_id'), text(contact, 'user_id')]) if (id !== undefined) contactById.set(id, contact);
  }
  return contactById;
}

/** The contact of this message or status. The other contacts of the change belong to other messages and must not be in this record. */
function contactOf(item: Json, contactById: ReadonlyMap<string, Json>): Json | undefined {
  if (contactById.size === 0) return undefined;
  for (const path of contactPaths) {
    const contact = contactById.get(text(item, path) ?? '');
    if (contact !== undefined) return contact;
  }
  return undefined;
}

/** Whether an item names nobody except the business. */
function namesOnly(item: Json, own: string | undefined): boolean {
  return contactPaths.every((path) => {
    const named = text(item, path);
    return named === undefined || named === own;
  });
}

/**
 * Adds the time of the notification to a record without an id and a time: only that time distinguishes a repeated delivery from the same thing
 * that happened again (a photo changed twice). The panel's test button sends one fixed event, so its record gets the time too. Other records
 * do not: the time changes when Meta sends a notification again.
 */
function withNotificationTime(value: JsonObject, envelope: JsonObject): JsonObject {
  if (envelope.time === undefined) return value;
  return !isIdentified(value) || isPanelTest(value) ? { ...value, time: at(envelope, 'time') ?? null } : value;
}
