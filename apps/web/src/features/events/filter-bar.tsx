import { Group, MultiSelect, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { personalKind } from '@tributary/shared/personal.ts';
import { type FormEvent, useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { FilterPill } from '../../ui/filter-pill.tsx';
import { SearchBox } from '../../ui/search-box.tsx';
import { AmountFilter } from './amount-filter.tsx';
import { ApplyButton } from './apply-button.tsx';
import { type FilterFormProps, type FilterProps, type filterKeys, without } from './filter.ts';
import { useFilterWords } from './filter-words.ts';
import { hashSubject } from './queries.ts';
import { SubjectFilter } from './subject-filter.tsx';
import { eventTexts } from './texts.ts';
import { TypeFilter } from './type-filter.tsx';

interface BarProps extends FilterProps {
  connections: readonly { id: string; name: string }[];
  /** The types in the loaded list, offered first. */
  seenTypes: readonly string[];
}

export function FilterBar({ search, onChange, connections, seenTypes }: BarProps) {
  const t = useTexts(eventTexts);
  const org = useOrg();
  const words = useFilterWords(search, connections);
  const clear = (key: (typeof filterKeys)[number]) => () => onChange(without(search, key));
  const pill = (key: (typeof filterKeys)[number]) => ({ label: t(key), value: words[key], onClear: clear(key) });
  return (
    <Group gap={6} role="search" aria-label={t('filters')}>
      <SearchBox
        label={t('q')}
        value={search.q}
        onChange={(q) => onChange({ ...without(search, 'q'), ...(q === undefined ? {} : { q }) }, { replace: search.q !== undefined })}
        onPerson={async (text) =>
          onChange(
            { ...without(search, 'q', 'subject'), subject: (await hashSubject(org.id, text)).join(',') },
            { replace: search.q !== undefined },
          )
        }
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

function OrderFilter({ search, onChange, close }: FilterFormProps) {
  const t = useTexts(eventTexts);
  const [order, setOrder] = useState(search.order ?? '');
  const [refused, setRefused] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const text = order.trim();
    if (personalKind(text) === 'email') return setRefused(true);
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
          error={refused && t('orderIsPerson')}
          onChange={(event) => {
            setOrder(event.currentTarget.value);
            setRefused(false);
          }}
          data-autofocus
        />
        <ApplyButton />
      </Stack>
    </form>
  );
}
