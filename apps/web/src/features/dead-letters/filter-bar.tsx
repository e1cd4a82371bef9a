import { Button, Group, MultiSelect, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import type { DeadLettersSearch } from '../../lib/search.ts';
import { useClassName } from '../../ui/error-class.tsx';
import { FilterPill } from '../../ui/filter-pill.tsx';
import { ClearFilters } from '../../ui/states.tsx';
import { classes, filterKeys, isFiltered, statuses, without } from './filter.ts';
import { deadLetterTexts } from './texts.ts';
import { TimePill } from './time-pill.tsx';

interface BarProps {
  search: DeadLettersSearch;
  onChange: (search: DeadLettersSearch) => void;
  connections: readonly { id: string; name: string }[];
}

export function FilterBar({ search, onChange, connections }: BarProps) {
  const t = useTexts(deadLetterTexts);
  const className = useClassName();
  const lists = {
    classes: classes.map((value) => ({ value: value as string, label: className(value) })),
    connections: connections.map(({ id, name }) => ({ value: id, label: name })),
    statuses: statuses.map((value) => ({ value: value as string, label: t(value) })),
  };
  return (
    <Group gap={6} role="search" aria-label={t('filters')}>
      {(['classes', 'connections', 'statuses'] as const).map((key) => (
        <FilterPill
          key={key}
          label={t(key)}
          value={search[key]?.map((value) => lists[key].find((one) => one.value === value)?.label ?? value).join(', ')}
          onClear={() => onChange(without(search, key))}
        >
          {() => (
            <MultiSelect
              label={t(key)}
              {...(key === 'statuses' ? { description: t('openOnly') } : {})}
              data={lists[key]}
              value={search[key] ?? []}
              onChange={(chosen) => onChange({ ...without(search, key), ...(chosen.length > 0 ? { [key]: chosen } : {}) })}
              searchable
              clearable
              comboboxProps={{ withinPortal: false }}
              data-autofocus
            />
          )}
        </FilterPill>
      ))}
      <FilterPill label={t('sourceEventType')} value={search.sourceEventType} onClear={() => onChange(without(search, 'sourceEventType'))}>
        {(close) => (
          <EventTypeForm
            value={search.sourceEventType ?? ''}
            onSubmit={(value) => {
              onChange({ ...without(search, 'sourceEventType'), ...(value === '' ? {} : { sourceEventType: value }) });
              close();
            }}
          />
        )}
      </FilterPill>
      <TimePill
        label={t('times')}
        {...(search.from ? { from: search.from } : {})}
        {...(search.to ? { to: search.to } : {})}
        onChange={(times) => onChange({ ...without(search, 'from', 'to'), ...times })}
      />
      {isFiltered(search) && <ClearFilters onClear={() => onChange(without(search, ...filterKeys))} />}
    </Group>
  );
}

function EventTypeForm({ value, onSubmit }: { value: string; onSubmit: (value: string) => void }) {
  const t = useTexts(deadLetterTexts);
  const [typed, setTyped] = useState(value);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(typed.trim());
      }}
    >
      <Stack gap="xs">
        <TextInput
          label={t('sourceEventType')}
          description={t('sourceEventTypeHint')}
          maxLength={255}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          data-autofocus
        />
        <Button type="submit" size="xs" style={{ alignSelf: 'flex-end' }}>
          {t('apply')}
        </Button>
      </Stack>
    </form>
  );
}
