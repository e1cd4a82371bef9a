import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { identifierIn, maskText, wholeIdentifier } from './mask.ts';
import { collectIdentifier, collectPerson, newRecordPerson } from './record-person.ts';

const nobody = newRecordPerson();
const zulmira = newRecordPerson();
collectPerson(zulmira, { name: 'Zulmira Ávila', street: 'Rua das Amostras', code: 'SUB-77AB12' }, 'buyer', undefined);
collectIdentifier(zulmira, '(11) 98765-4321', 'phone');
collectIdentifier(zulmira, '400200300', 'document');

describe('values with the form of an identifier', () => {
  test.each([
    ['maria@example.com', '[email]'],
    ['Login of <Maria.Silva@example.com.br>!', 'Login of <[email]>!'],
    ['ligue +55 11 98765-4321 já', 'ligue [phone] já'],
    ['(11) 98765-4321', '[phone]'],
    ['11987654321', '[phone]'],
    ['5511987654321', '[phone]'],
    ['11 3333-4444', '[phone]'],
    ['415-555-2671', '[phone]'],
    ['cpf 123.456.789-09', 'cpf [document]'],
    ['52998224725', '[document]'],
    ['11.222.333/0001-81', '[document]'],
    ['12ABC34501DE35', '[document]'],
    ['4111 1111 1111 1111 12/29', '[card] 12/29'],
    ['5555555555554444', '[card]'],
    ['pedido 4 4111 1111 1111 1111', 'pedido 4 [card]'],
    ['378282246310005', '[card]'],
    ['from 203.0.113.7', 'from [ip]'],
    ['2001:db8::8a2e:370:7334', '[ip]'],
    ['client_203.0.113.7', 'client_[ip]'],
    ['client_2001:db8::8a2e:370:7334', 'client_[ip]'],
    ['Rua das Flores, 123 - Centro', '[address] - Centro'],
    ['Av. Paulista 1000', '[address]'],
    ['CEP 01310-100', 'CEP [address]'],
    ['123 Main Street', '[address]'],
    ['name=Maria&plan=gold', 'name=[name]&plan=gold'],
    ['https://x.test/?utm_source=fb&phone=11987654321', 'https://x.test/?utm_source=fb&phone=[phone]'],
    ['ｍａｒｉａ＠example.com', '[email]'],
    ['ma\u00adria@example.com', '[email]'],
  ])('%s becomes %s', (text, masked) => expect(maskText(text, nobody)).toBe(masked));

  test.each([
    'Método Ana Paula',
    'Turma 2025.1 com 10 vagas',
    'R$ 1.500,00',
    '2026-10-31T12:00:00.000-03:00',
    '31/10/2026 12:00',
    'Avenida Brasil 2026',
    'Rua 25 de Março',
    'v1.2.3-beta',
    '@handle',
    'a@b',
    'Módulo 1: o torno',
    'std::vector',
    'Curso de Cerâmica',
    'aula-aberta-de-novembro',
    '120210123456789012',
    'https://x.test/?utm_source=fb&utm_campaign=a%20b',
  ])('%s stays', (text) => expect(maskText(text, nobody)).toBe(text));

  test.each([
    'HP16015479281022',
    '91234567890',
    '1763247745737',
    '545e7d21-8fc4-4906-8fba-dcd7889f6481',
    'evt_1P2xAbCdEfGhIjKlMnOpQrSt',
    'd41d8cd98f00b204e9800998ecf8427e',
  ])('the id %s stays', (id) => expect(identifierIn(id, nobody, true)).toBeUndefined());
});

describe('ids that are random', () => {
  /** The same numbers from 0 up to 1 in each run (mulberry32). */
  const seeded = (seed: number) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const random = seeded(14);
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  const filled = (form: string, from: string) => form.replace(/x/g, () => from[Math.floor(random() * from.length)] as string);
  const uuid = () => filled('xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx', '0123456789abcdef');
  const ofStripe = () => `evt_${filled('xxxxxxxxxxxxxxxxxxxxxxxx', letters)}`;
  const changed = (id: string) => identifierIn(id, zulmira, true) !== undefined || maskText(id, zulmira) !== id;

  test.each([
    ['UUIDs', uuid],
    ['UUIDs in capital letters', () => uuid().toUpperCase()],
    ['UUIDs in a key', () => `PURCHASE_APPROVED:${uuid()}`],
    ['ids in the form of Stripe', ofStripe],
  ])('of 100,000 %s none is taken for an identifier', (_, make) => {
    expect(Array.from({ length: 100_000 }, make).filter(changed)).toEqual([]);
  });

  test('an id is found that contains the number of the record’s person', () => {
    expect(identifierIn('545e7d21-8fc4-4906-8fba-a11987654321', zulmira, true)).toBe('phone');
    expect(identifierIn('evt_x11987654321x', zulmira, true)).toBe('phone');
  });
});

describe('the record’s person', () => {
  test.each([
    ['Zulmira Avila comprou', '[name] comprou'],
    ['curso-zulmira_ávila', 'curso-[name]'],
    ['ZULMIRA  ÁVILA', '[name]'],
    ['Zulmira comprou', 'Zulmira comprou'],
    ['Ávila', 'Ávila'],
    ['ref 98765-4321', 'ref [phone]'],
    ['call-551198765 4321', 'call-[phone]'],
    ['doc 400.200.300', 'doc [document]'],
    ['of SUB-77AB12', 'of [id]'],
    ['Na Rua das Amostras', 'Na [address]'],
  ])('%s becomes %s', (text, masked) => expect(maskText(text, zulmira)).toBe(masked));
});

describe('encodings', () => {
  const email = 'maria.silva@example.com';
  const base64 = Buffer.from(email).toString('base64');
  test.each([
    'maria.silva%40example.com',
    'maria.silva%2540example.com',
    base64,
    base64.replace(/=+$/, ''),
    `x-${Buffer.from(email).toString('base64url')}`,
    Buffer.from(email).toString('hex'),
    'maria.silva&#64;example.com',
    'maria.silva&#x40;example.com',
    'maria.silva\\u0040example.com',
    encodeURIComponent(`name=Maria&email=${encodeURIComponent(email)}`),
    Buffer.from('Zulmira Ávila').toString('base64'),
    Buffer.from('Zulmira Ávila').toString('hex'),
    'Zulmira%20%C3%81vila',
    'Zulmira+%C3%81vila',
  ])('%s is found and the words around it stay', (coded) => {
    expect(identifierIn(coded, zulmira, true)).toBeDefined();
    expect(maskText(`Plano ${coded} anual`, zulmira)).toMatch(/^Plano \S*\[(?:email|name)\] anual$/);
  });
  test('what an id hides in an encoding is a text, in which a telephone number has its usual spellings', () => {
    for (const phone of ['11 3456-7890', '11987654321'])
      for (const encoding of ['base64', 'hex'] as const)
        expect(identifierIn(Buffer.from(phone).toString(encoding), nobody, true), `${encoding} of ${phone}`).toBe('phone');
    expect(identifierIn('11%203456%2D7890', nobody, true)).toBe('phone');
  });
  test('the whole identifier of a text is found behind its encoding', () => {
    expect(wholeIdentifier('maria%2540example.com', nobody)).toEqual({ form: 'email', value: 'maria@example.com' });
    expect(wholeIdentifier(' 5511987654321 ', nobody)).toEqual({ form: 'phone', value: '5511987654321' });
    expect(wholeIdentifier('by maria@example.com', nobody)).toBeUndefined();
  });
});

describe('hostile texts', () => {
  test.each([
    ['@'.repeat(50_000), '@'.repeat(100_000)],
    ['1 '.repeat(50_000), '1 '.repeat(100_000)],
    ['1-'.repeat(50_000), '1-'.repeat(100_000)],
    ['a:'.repeat(50_000), 'a:'.repeat(100_000)],
    ['rua a '.repeat(20_000), 'rua a '.repeat(40_000)],
    ['=a&'.repeat(30_000), '=a&'.repeat(60_000)],
    ['%41'.repeat(30_000), '%41'.repeat(60_000)],
    ['TWFyaWE'.repeat(12_000), 'TWFyaWE'.repeat(24_000)],
    ['a.a@'.repeat(20_000), 'a.a@'.repeat(40_000)],
    [
      'd41d8cd9-8f00-4204-8980-55119876-5432 545e7d21-8fc4-4906-8fba-dcd788901310 '.repeat(1_500),
      'd41d8cd9-8f00-4204-8980-55119876-5432 545e7d21-8fc4-4906-8fba-dcd788901310 '.repeat(3_000),
    ],
  ])('twice the text takes about twice the processor time (%#)', (once, twice) => {
    const time = (text: string) => {
      const started = process.cpuUsage();
      maskText(text, zulmira);
      const { user, system } = process.cpuUsage(started);
      return (user + system) / 1000;
    };
    time(once);
    const [first, second] = [Math.min(time(once), time(once)), Math.min(time(twice), time(twice))];
    expect(second).toBeLessThan(4 * first + 150);
  });
});
