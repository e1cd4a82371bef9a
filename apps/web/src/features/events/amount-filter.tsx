import { Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { formatAmount, parseAmount } from '@tributary/shared/currency.ts';
import { type FormEvent, useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { ApplyButton } from './apply-button.tsx';
import { type FilterFormProps, without } from './filter.ts';
import { eventTexts } from './texts.ts';

/** The currencies that the sources use most; a link may name any other currency. */
const currencies = ['BRL', 'USD', 'EUR', 'GBP', 'ARS', 'CLP', 'COP', 'MXN', 'PEN', 'UYU', 'JPY', 'CAD', 'AUD', 'CHF'];

export function AmountFilter({ search, onChange, close }: FilterFormProps) {
  const t = useTexts(eventTexts);
  const set = parseAmount(search.amount ?? '');
  const units = (minor: string | undefined) =>
    set && minor !== undefined ? formatAmount({ currency: set.currency, amountMin: minor, amountMax: minor }).slice(4) : '';
  const [currency, setCurrency] = useState(set?.currency ?? 'BRL');
  const [min, setMin] = useState(() => units(set?.amountMin));
  const [max, setMax] = useState(() => units(set?.amountMax));
  const [wrong, setWrong] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const isSet = min.trim() !== '' || max.trim() !== '';
    const amount = isSet ? parseAmount(`${currency} ${min}..${max}`) : undefined;
    setWrong(isSet && !amount);
    if (isSet && !amount) return;
    onChange({ ...without(search, 'amount'), ...(amount && { amount: formatAmount(amount) }) });
    close();
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="xs">
        <Group gap="xs" wrap="nowrap" align="flex-end">
          <NativeSelect
            label={t('currency')}
            w={92}
            style={{ flexShrink: 0 }}
            data={[...new Set([currency, ...currencies])]}
            value={currency}
            onChange={(event) => setCurrency(event.currentTarget.value)}
          />
          <TextInput
            label={t('amountMin')}
            inputMode="decimal"
            value={min}
            onChange={(event) => setMin(event.currentTarget.value)}
            data-autofocus
          />
          <TextInput label={t('amountMax')} inputMode="decimal" value={max} onChange={(event) => setMax(event.currentTarget.value)} />
        </Group>
        {wrong && (
          <Text size="xs" c="red" role="alert">
            {t('amountWrong')}
          </Text>
        )}
        <ApplyButton />
      </Stack>
    </form>
  );
}
