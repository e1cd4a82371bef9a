import { currencyDigits } from '@tributary/shared/currency.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { currencyCode, integerMinorUnits, minorUnits } from './money.ts';

test('minor units follow the currency’s own decimals', () => {
  expect(currencyDigits('BRL')).toBe(2);
  expect(minorUnits(1500.5, 'BRL', 'p')).toBe(150050n);
  expect(minorUnits('1980', 'JPY', 'p')).toBe(1980n);
  expect(minorUnits('1.234', 'BHD', 'p')).toBe(1234n);
});
test('no cent is lost to binary fractions', () => {
  expect(minorUnits(1.005, 'USD', 'p')).toBe(101n);
  expect(minorUnits('0.29', 'USD', 'p')).toBe(29n);
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 12n), (cents) => {
      const decimal = `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;
      expect(minorUnits(decimal, 'BRL', 'p')).toBe(cents);
      expect(minorUnits(Number(decimal), 'BRL', 'p')).toBe(cents);
    }),
  );
});
test('more decimals than the currency has are rounded half away from zero', () => {
  expect([minorUnits('-0.005', 'USD', 'p'), minorUnits('0.0049', 'USD', 'p'), minorUnits('1e3', 'USD', 'p')]).toEqual([-1n, 0n, 100_000n]);
});
test('a value that is not an amount is SCHEMA_DRIFT, and one that does not fit into 64 bits is refused', () => {
  for (const text of ['R$ 10', '1.000,00', '', 'NaN'])
    expect(() => minorUnits(text, 'BRL', 'p')).toThrowError(expect.objectContaining({ errorClass: 'SCHEMA_DRIFT' }));
  expect(() => minorUnits('92233720368547758.08', 'BRL', 'p')).toThrowError(expect.objectContaining({ errorClass: 'VALIDATION_FAIL' }));
  expect(integerMinorUnits('9223372036854775807', 'p')).toBe(9223372036854775807n);
  expect(() => integerMinorUnits(10.5, 'p')).toThrowError(expect.objectContaining({ errorClass: 'SCHEMA_DRIFT' }));
});
test('currency codes are three letters in any case', () => {
  expect(currencyCode(' brl ', 'p')).toBe('BRL');
  expect(() => currencyCode('R$', 'p')).toThrowError(expect.objectContaining({ errorClass: 'VALIDATION_FAIL' }));
});
