import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvLine } from './csv.ts';

const line = (...fields: (string | null)[]) => csvLine(fields, [], new Set());
const json = (value: unknown) => csvLine([JSON.stringify(value)], ['properties'], new Set(['properties']));

/** The beginnings of the cells of a line for a spreadsheet that splits the line at every `separator`, also between quotes. */
const starts = (text: string, separator: string) => text.split(separator).map((cell) => cell.replace(/^[\s"]*/, ''));

describe('a line of CSV', () => {
  it('is written by RFC 4180', () => {
    expect(line('a', null, 'b,c', 'say "x"', 'two\nlines')).toBe('a,,"b,c","say ""x""","two\nlines"\r\n');
  });

  it('has no cell that begins a formula', () => {
    expect(line('=1+1', '+1', '@x', '-x', '-12', '-1.5', 'a=b')).toBe("'=1+1,'+1,'@x,'-x,-12,-1.5,a=b\r\n");
    expect(line('\tx', '\r=1', ' =1', '\u00a0@x', '\uff1d1')).toBe(`"'\tx","'\r'=1", '=1,\u00a0'@x,'\uff1d1\r\n`);
  });

  it('has no formula after a separator of another language, also within a quoted cell', () => {
    expect(line('a;=1+1')).toBe(`"a;'=1+1"\r\n`);
    expect(line('a,=1', 'a\t@x', 'a";+1', "a;'=1", 'a; =1', 'a|-1')).toBe(`"a,'=1","a\t'@x","a"";'+1","a;''=1","a; '=1",a|'-1\r\n`);
  });

  it('keeps the value of JSON, in which a formula is written as an escape', () => {
    expect(json({ a: '=1', b: 'x;+1', c: -5, d: ['-1', -1] })).toBe(
      '"{""a"":""\\u003d1"",""b"":""x;\\u002b1"",""c"":-5,""d"":[""\\u002d1"",-1]}"\r\n',
    );
    expect(json('a\\";=1')).toContain('\\u003d1');
  });

  it('gives no spreadsheet a formula, and JSON its value back, for any text', () => {
    const text = fc.string({ unit: fc.constantFrom('=', '+', '@', ';', ',', '"', "'", '\t', ' ', 'a', '1', '\\'), maxLength: 30 });
    fc.assert(
      fc.property(text, (value) => {
        for (const separator of [';', ',', '\t'])
          for (const start of starts(line(value).trimEnd(), separator)) expect(start).not.toMatch(/^[=+@]/);
        const cell = json({ value });
        expect(JSON.parse(cell.slice(1, -3).replaceAll('""', '"'))).toEqual({ value });
        for (const start of starts(cell, ';')) expect(start).not.toMatch(/^[=+@]/);
      }),
    );
  });

  it('is written in a time that grows with its length, also for a text of separators and blanks', () => {
    const time = (length: number) => {
      const started = performance.now();
      line('\t '.repeat(length));
      return performance.now() - started;
    };
    time(50_000);
    expect(time(400_000)).toBeLessThan(20 * time(50_000) + 50);
  });
});
