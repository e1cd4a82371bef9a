import { describe, expect, it } from 'vitest';
import { cleanLine, orgLabel, withoutLinks } from './clean-text.ts';

describe('a line that people typed', () => {
  it.each([
    ['a line break with a header', 'Shop\r\nBcc: all@example.com', 'Shop Bcc: all@example.com'],
    ['control characters', 'Sh\u0000op\u001b[31m', 'Sh op [31m'],
    ['a change of direction', 'invoice\u202egnp.exe', 'invoice gnp.exe'],
    ['isolates and invisible characters', 'a\u2066b\u2069c\u200bd\ufeffe', 'a b c d e'],
    ['line separators of Unicode', 'a\u2028b\u2029c\u0085d', 'a b c d'],
  ])('loses %s', (_name, text, clean) => {
    expect(cleanLine(text, 100)).toBe(clean);
  });

  it('is cut by characters and not within one', () => {
    expect(cleanLine('😀'.repeat(10), 5)).toBe(`${'😀'.repeat(4)}…`);
    expect(cleanLine('x'.repeat(5), 5)).toBe('xxxxx');
  });

  it.each([
    ['https://evil.example/path?a=1', 'evil[.]example/path?a=1'],
    ['go to www.evil.com.br now', 'go to www[.]evil[.]com[.]br now'],
    ['JAVASCRIPT://x.yz', 'x[.]yz'],
    ['mail me@evil.example', 'mail me@evil[.]example'],
    ['evil\u3002com', 'evil[.]com'],
    ['b\u00fccher.example', 'b\u00fccher[.]example'],
    ['12.5 % of the records of Shop 2.0 were late. Check them.', '12.5 % of the records of Shop 2.0 were late. Check them.'],
  ])('contains no link: %s', (text, plain) => {
    expect(withoutLinks(text)).toBe(plain);
  });
});

describe('the name of an org', () => {
  it.each([
    ['Loja da Ana & Filhos', 'Loja da Ana & Filhos'],
    ['WIN $1.000!!! https://evil.example/now', 'WIN 1 000 https evil example now'],
    ['Your bank: call +55 11 99999-0000 \u202e', 'Your bank call +55 11 99999-0000'],
    ['<b>x</b>\r\nBcc: a@b.cd', 'b x b Bcc a b cd'],
  ])('carries no link and no markup: %s', (name, label) => {
    expect(orgLabel(name)).toBe(label);
  });

  it('is cut', () => {
    expect([...orgLabel('word '.repeat(100))]).toHaveLength(60);
  });
});
