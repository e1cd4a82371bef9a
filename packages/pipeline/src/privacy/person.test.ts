import { describe, expect, it } from 'vitest';
import { decodeBody } from '../reading/body.ts';
import type { Subject } from '../source.ts';
import { sources } from '../sources.ts';
import { hashPerson, namesPerson, readPerson } from './person.ts';
import { hashIdentifier } from './pii.ts';

const typed = { email: ' Ana.Lima@Example.com ', phone: '(11) 98765-4321', document: '123.456.789-09', external_id: '42' };
const { person } = readPerson(typed, ['BR', 'PT']);

/** Whether a delivery with this body names the person whose identifiers were typed. */
function names(
  who: Subject,
  body: string,
  { type = 'webhook', config = {}, url = 'https://in.example.com/x', contentType = 'application/json' } = {},
) {
  const delivery = { method: 'POST', url, headers: { 'content-type': contentType }, raw: new TextEncoder().encode(body) };
  let decoded: ReturnType<typeof decodeBody> | undefined;
  try {
    decoded = decodeBody(delivery);
  } catch {
    // A body that cannot be decoded is searched as text.
  }
  const source = sources.get(type);
  const parsed = source?.config.safeParse(config);
  const context = { source, config: parsed?.success ? parsed.data : undefined, country: 'BR', receivedAtMs: 1_780_000_000_000 };
  return namesPerson(readPerson(who, ['BR']).person, delivery, decoded, context);
}

describe('a person', () => {
  it('is read as the pipeline reads subjects, with one phone number for every country that may be assumed', () => {
    expect(person).toEqual({
      email: 'ana.lima@example.com',
      phones: ['+5511987654321', '+11987654321'],
      document: '12345678909',
      externalId: '42',
    });
    expect(person.phones[0]).toBe('+5511987654321');
  });

  it('lists the kinds of identifiers whose text is not valid', () => {
    expect(readPerson({ email: 'no address', phone: '12', document: '-', external_id: ' ' }, ['BR'])).toEqual({
      person: { email: undefined, phones: [], document: undefined, externalId: undefined },
      unreadable: ['email', 'phone', 'document', 'external_id'],
    });
    expect(readPerson({ email: 'a@b.co' }, ['BR']).unreadable).toEqual([]);
  });

  it('has the same hashes as the subjects of events', () => {
    const key = new Uint8Array(32).fill(7);
    expect(hashPerson(person, key)).toContainEqual({ kind: 'email', hash: hashIdentifier(key, 'email', 'ana.lima@example.com') });
    expect(hashPerson(person, key)).toContainEqual({ kind: 'external_id', hash: hashIdentifier(key, 'external_id', '42') });
  });
});

describe('a delivery names a person', () => {
  const ana = { email: 'ana@example.com' };

  it.each([
    ['as a value', '{"buyer":{"email":"Ana@Example.com"}}'],
    ['within a text', '{"note":"please write to <ana@example.com>, thanks"}'],
    ['as a key', '{"by":{"ana@example.com":1}}'],
    ['in a list', '{"to":["x",["ana@example.com"]]}'],
    ['encoded in an address', '{"link":"https://shop.example/?e=ana%40example.com&x=1"}'],
    ['in a body that is not JSON', 'broken { "email": "ana@example.com", '],
  ])('by an e-mail address %s', (_where, body) => expect(names(ana, body)).toBe(true));

  it('by an e-mail address in the URL or in a form', () => {
    expect(names(ana, '{}', { url: 'https://in.example.com/x?email=ana%40example.com' })).toBe(true);
    expect(names(ana, 'a=1&email=ana%40example.com', { contentType: 'application/x-www-form-urlencoded' })).toBe(true);
  });

  it.each([
    'joana@example.com',
    'x.ana@example.com',
    'ana@example.com.br',
    'ana@example.commerce',
    'ana+1@example.com',
    'bana@example.com',
  ])('not by the address of somebody else: %s', (other) => expect(names(ana, JSON.stringify({ email: other }))).toBe(false));

  it('by a phone in any spelling, with or without the ninth digit', () => {
    for (const phone of ['+55 11 98765-4321', '11987654321', '(11) 8765-4321', 5511987654321])
      expect(names({ phone: '11 98765-4321' }, JSON.stringify({ phone }))).toBe(true);
    for (const other of ['+55 21 98765-4321', '11 98765-4322', '98765-4321', 'order 11987654321 of 2026-01-01 and more and more'])
      expect(names({ phone: '11 98765-4321' }, JSON.stringify({ phone: other }))).toBe(false);
  });

  it('by a document as a whole value, with or without separators', () => {
    expect(names({ document: '123.456.789-09' }, '{"doc":"12345678909"}')).toBe(true);
    expect(names({ document: '12345678909' }, '{"doc":{"number":"123.456.789-09"}}')).toBe(true);
    expect(names({ document: '12345678909' }, '{"id":"9912345678909"}')).toBe(false);
  });

  it('by an external id only as the subject of a record, since it may be any number', () => {
    const config = { verification: { scheme: 'api-key', in: 'header', name: 'x' }, fields: { externalId: 'user.id' } };
    expect(names({ external_id: '42' }, '{"type":"x","user":{"id":"42"}}', { config })).toBe(true);
    expect(names({ external_id: '42' }, '{"type":"x","quantity":42,"user":{"id":"7"}}', { config })).toBe(false);
    expect(names({ external_id: '42' }, '{"user":{"id":"42"}}', { type: 'unknown' })).toBe(false);
  });

  it('but not when no identifier is given, when the body is empty, or by the identifiers of another person', () => {
    for (const body of ['', '{}', '[]', 'null', '{"a":[1,true,null,"x"]}', '{"email":"bob@example.com"}'])
      expect(names({ ...typed }, body)).toBe(false);
  });
});
