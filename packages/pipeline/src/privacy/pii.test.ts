import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hashIdentifier, normaliseDocument, normaliseEmail, normalisePhone } from './pii.ts';

describe('normaliseEmail', () => {
  test.each([
    [' Maria.Silva@Example.COM ', 'maria.silva@example.com'],
    ['jose\u0301@example.com', 'jos\u00e9@example.com'],
    ['a+b@mail.example.co.uk', 'a+b@mail.example.co.uk'],
  ])('%s → %s', (text, expected) => expect(normaliseEmail(text)).toBe(expected));
  test.each([
    'maria',
    'maria@',
    '@example.com',
    'a@b',
    'a b@example.com',
    'a@b@example.com',
    'a@example..com',
    `${'a'.repeat(250)}@example.com`,
  ])('%s is not an address', (text) => expect(normaliseEmail(text)).toBeUndefined());
});

describe('normalisePhone', () => {
  test.each([
    ['+55 (11) 98765-4321', 'BR', '+5511987654321'],
    ['11987654321', 'BR', '+5511987654321'],
    ['(11) 98765-4321', 'BR', '+5511987654321'],
    ['5511987654321', 'BR', '+5511987654321'],
    ['011 98765-4321', 'BR', '+5511987654321'],
    ['16505551234', 'US', '+16505551234'],
    ['351912345678', 'BR', '+351912345678'],
    ['(650) 253-0000', 'US', '+16502530000'],
  ])('%s in %s → %s', (text, country, expected) => expect(normalisePhone(text, country)).toBe(expected));
  test('a Brazilian mobile number without its ninth digit has the same normal form', () => {
    expect(normalisePhone('551187654321', 'BR')).toBe(normalisePhone('+5511987654321', 'BR'));
  });
  test.each(['', 'none', '123', '1'.repeat(30), 'x'.repeat(1000)])('%s is not a telephone number', (text) => {
    expect(normalisePhone(text, 'BR')).toBeUndefined();
  });
  test('an unknown default country does not throw', () => {
    expect(normalisePhone('+5511987654321', 'XX')).toBe('+5511987654321');
  });
});

test('documents lose their separators, and letters of the new CNPJ become capitals', () => {
  expect(normaliseDocument('123.456.789-09')).toBe('12345678909');
  expect(normaliseDocument('12.abc.345/01de-35')).toBe('12ABC34501DE35');
  expect(normaliseDocument(' - ')).toBeUndefined();
});

test('an identifier is the HMAC of kind and text, so hashes of other kinds, orgs and key versions differ', () => {
  const key = new Uint8Array(32).fill(1);
  const expected = createHmac('sha256', key).update('email|maria@example.com').digest('hex');
  expect(hashIdentifier(key, 'email', 'maria@example.com')).toBe(expected);
  expect(hashIdentifier(key, 'external_id', 'maria@example.com')).not.toBe(expected);
  expect(hashIdentifier(new Uint8Array(32).fill(2), 'email', 'maria@example.com')).not.toBe(expected);
});
