import { Button, Group, MultiSelect, NativeSelect, SegmentedControl, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { canonicalTypes, isCanonicalType, sourceTypePattern } from '@tributary/shared/canonical.ts';
import { formatAmount, parseAmount } from '@tributary/shared/currency.ts';
import { type FormEvent, useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import type { EventsSearch } from '../../lib/search.ts';
import { FilterPill } from '../../ui/filter-pill.tsx';
import { SearchBox } from '../../ui/search-box.tsx';
import { type filterKeys, without } from './filter.ts';
import { SubjectFilter } from './subject-filter.tsx';
import { eventTexts } from './texts.ts';
import { useFilterWords } from './words.ts';

interface BarProps {
  search: EventsSearch;
  /** `replace` where no step back is wanted, as for every letter typed. */
  onChange: (search: EventsSearch, options?: { replace?: boolean }) => void;
  connections: readonly { id: string; name: string }[];
  /** Types that were seen, for those who look for one. */
  seenTypes: readonly string[];
}

export function FilterBar({ search, onChange, connections, seenTypes }: BarProps) {
  const t = useTexts(eventTexts);
  const words = useFilterWords(search, connections);
  const clear = (key: (typeof filterKeys)[number]) => () => onChange(without(search, key));
  const pill = (key: (typeof filterKeys)[number]) => ({ label: t(key), value: words[key], onClear: clear(key) });
  return (
    <Group gap={6} role="search" aria-label={t('filters')}>
      <SearchBox
        label={t('q')}
        value={search.q}
        onChange={(q) => onChange({ ...without(search, 'q'), ...(q === undefined ? {} : { q }) }, { replace: search.q !== undefined })}
      />
      <FilterPill {...pill('types')}>{() => <TypeFilter search={search} onChange={onChange} seenTypes={seenTypes} />}</FilterPill>
      <FilterPill {...pill('connections')}>
        {() => (
          <MultiSelect
            label={t('connections')}
            data={connections.map(({ id, name }) => ({ value: id, label: name }))}
            value={search.connections ?? []}
            onChange={(chosen) =>
              onChange(
                { ...without(search, 'connections'), ...(chosen.length > 0 ? { connections: chosen } : {}) },
                { replace: search.connections !== undefined },
              )
            }
            searchable
            clearable
            nothingFoundMessage={t('noSuchConnection')}
            comboboxProps={{ withinPortal: false }}
            data-autofocus
          />
        )}
      </FilterPill>
      <FilterPill {...pill('subject')}>{(close) => <SubjectFilter search={search} onChange={onChange} close={close} />}</FilterPill>
      <FilterPill {...pill('order')}>{(close) => <OrderFilter search={search} onChange={onChange} close={close} />}</FilterPill>
      <FilterPill {...pill('amount')}>{(close) => <AmountFilter search={search} onChange={onChange} close={close} />}</FilterPill>
      <FilterPill {...pill('test')} width={280}>
        {(close) => (
          <SegmentedControl
            fullWidth
            size="xs"
            aria-label={t('test')}
            value={search.test ?? 'all'}
            data={[
              { value: 'all', label: t('testAll') },
              { value: 'hide', label: t('testHide') },
              { value: 'only', label: t('testOnly') },
            ]}
            onChange={(next) => {
              onChange({ ...without(search, 'test'), ...(next === 'only' || next === 'hide' ? { test: next } : {}) });
              close();
            }}
          />
        )}
      </FilterPill>
    </Group>
  );
}

interface FormProps extends Pick<BarProps, 'search' | 'onChange'> {
  close: () => void;
}

function TypeFilter({ search, onChange, seenTypes }: Pick<BarProps, 'search' | 'onChange' | 'seenTypes'>) {
  const t = useTexts(eventTexts);
  const [typed, setTyped] = useState(search.types ?? []);
  const isType = (type: string) => isCanonicalType(type) || sourceTypePattern.test(type);
  const unknown = typed.find((type) => !isType(type));
  const seen = seenTypes.filter((type) => !typed.includes(type)).sort();
  const groups = Map.groupBy(
    Object.keys(canonicalTypes).filter((type) => !seen.includes(type)),
    (type) => type.split('.')[0] ?? '',
  );
  return (
    <TagsInput
      label={t('types')}
      description={t('typesHint')}
      data={[
        ...(seen.length > 0 ? [{ group: t('typesSeen'), items: seen }] : []),
        ...[...groups].map(([group, items]) => ({ group, items })),
      ]}
      value={typed}
      onChange={(chosen) => {
        setTyped(chosen);
        const types = chosen.filter(isType);
        onChange({ ...without(search, 'types'), ...(types.length > 0 ? { types } : {}) }, { replace: search.types !== undefined });
      }}
      acceptValueOnBlur={false}
      // A scroll area of its own could be focused, which nothing within a list of options may be but the options.
      withScrollArea={false}
      styles={{ options: { maxHeight: 260, overflowY: 'auto' } }}
      clearable
      comboboxProps={{ withinPortal: false }}
      error={unknown === undefined ? undefined : t('noSuchType', { type: unknown })}
      data-autofocus
    />
  );
}

function OrderFilter({ search, onChange, close }: FormProps) {
  const t = useTexts(eventTexts);
  const [order, setOrder] = useState(search.order ?? '');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const text = order.trim();
    onChange({ ...without(search, 'order'), ...(text === '' ? {} : { order: text }) });
    close();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <TextInput
          label={t('order')}
          description={t('orderHint')}
          maxLength={255}
          value={order}
          onChange={(event) => setOrder(event.currentTarget.value)}
          data-autofocus
        />
        <Apply />
      </Stack>
    </form>
  );
}

/** Those that the sources use most; a link may name any other. */
const currencies = ['BRL', 'USD', 'EUR', 'GBP', 'ARS', 'CLP', 'COP', 'MXN', 'PEN', 'UYU', 'JPY', 'CAD', 'AUD', 'CHF'];

function AmountFilter({ search, onChange, close }: FormProps) {
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
        <Apply />
      </Stack>
    </form>
  );
}

function Apply() {
  const t = useTexts(eventTexts);
  return (
    <Button type="submit" size="xs" style={{ alignSelf: 'flex-end' }}>
      {t('apply')}
    </Button>
  );
}
