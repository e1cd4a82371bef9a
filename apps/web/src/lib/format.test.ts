import { currencyDigits } from '@tributary/shared/currency.ts';
import { expect, it } from 'vitest';
import { formatMoney } from './format.ts';

it('formats money with as many decimals as its minor units have, for every currency', () => {
  for (const currency of Intl.supportedValuesOf('currency')) {
    const [shown] = /\d[\d.,]*$/.exec(formatMoney('1234', currency, 'en')) ?? [];
    expect(`${currency} ${shown?.replace(',', '')}`).toBe(
      `${currency} ${(1234 / 10 ** currencyDigits(currency)).toFixed(currencyDigits(currency))}`,
    );
  }
});

it('does not round, formats negative amounts, and shows an invalid currency code unchanged', () => {
  expect(formatMoney('9223372036854775807', 'BRL', 'en')).toBe('R$92,233,720,368,547,758.07');
  expect(formatMoney(-5, 'BRL', 'pt-BR')).toBe('-R$\u00a00,05');
  expect(formatMoney(19900, 'COP', 'pt-BR')).toBe('COP\u00a0199,00');
  expect(formatMoney(100, 'US', 'en')).toBe('100 US');
});
