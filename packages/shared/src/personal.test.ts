import { expect, it } from 'vitest';
import { personalKind } from './personal.ts';

it.each([
  ['ana@example.com', 'email'],
  ['  Ana.Souza+shop@Example.com.br ', 'email'],
  ['Ana Souza <ana@example.com>', 'email'],
  ['ana%40example.com', 'email'],
  ['ana\uff20example.com', 'email'],
  ['529.982.247-25', 'document'],
  ['52998224725', 'document'],
  ['529 982 247 25', 'document'],
  ['11.222.333/0001-81', 'document'],
  ['11222333000181', 'document'],
  ['12.ABC.345/01DE-35', 'document'],
  ['+55 11 98765-4321', 'phone'],
  ['(11) 98765-4321', 'phone'],
  ['11987654321', 'phone'],
  ['5511987654321', 'phone'],
  ['+1 415 555 2671', 'phone'],
  ['0044 20 7946 0958', 'phone'],
  ['tel:+5511987654321', 'phone'],
] as const)('%j identifies a person as %s', (text, kind) => {
  expect(personalKind(text)).toBe(kind);
});

it.each([
  'HP3412345678',
  'evt_1NG8Du2eZvKYlo2CUI79vXWy',
  '01998f6e-7c1a-7d0c-8f3e-0123456789ab',
  '01998f6e7c1a7d0c8f3e0123456789ab',
  '702-1234567-1234567',
  '1234567890',
  '20261130',
  '2026-11-30',
  '19.90',
  '11111111111',
  '12345678900',
  'order.paid',
  'Método Ana Paula',
  '@ana',
  'a@b',
  '',
])('%j does not identify a person', (text) => {
  expect(personalKind(text)).toBeUndefined();
});
