import { Group, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import type { EventsSearch } from '../../lib/search.ts';
import { FilterPill } from '../../ui/filter-pill.tsx';
import { RangePicker } from '../../ui/range-picker.tsx';
import { ApplyButton } from './apply-button.tsx';
import { without } from './filter.ts';
import { isAfter, isTime, toIso, toLocal } from './local-time.ts';
import { eventTexts } from './texts.ts';

interface TimeProps {
  search: EventsSearch;
  onChange: (search: EventsSearch) => void;
}

/** The time filter: a range that ends now, or a start and an end (a bar of the histogram sets them too). */
export function TimeFilter({ search, onChange }: TimeProps) {
  const t = useTexts(eventTexts);
  const language = useLanguage();
  const { from, to } = search;
  const show = new Intl.DateTimeFormat(language, { dateStyle: 'short', timeStyle: 'short' });
  const words = [from, to].map((at) => (at === undefined ? '…' : show.format(new Date(at)))).join(' – ');
  const isOwn = from !== undefined || to !== undefined;
  return (
    <Group gap={6}>
      <RangePicker
        value={isOwn ? undefined : (search.range ?? '24h')}
        onChange={(range) => onChange({ ...without(search, 'from', 'to'), range })}
      />
      <FilterPill label={t('ownTime')} value={isOwn ? words : undefined} onClear={() => onChange(without(search, 'from', 'to'))}>
        {(close) => <OwnTimes search={search} onChange={onChange} close={close} />}
      </FilterPill>
    </Group>
  );
}

/**
 * Attributes of the inputs. Without `max`, browsers let people type a year of six digits. Seconds can be entered only where the time has
 * some, as the time of a short bar has.
 */
const limits = (opened: string | undefined) => ({ max: '9999-12-31T23:59:59', step: toLocal(opened).length > 16 ? 1 : 60 });

function OwnTimes({ search, onChange, close }: TimeProps & { close: () => void }) {
  const t = useTexts(eventTexts);
  const [from, setFrom] = useState(() => toLocal(search.from));
  const [to, setTo] = useState(() => toLocal(search.to));
  const times = { from: toIso(from, search.from), to: toIso(to, search.to) };
  const wrong = {
    from: isTime(from) ? undefined : t('timeInvalid'),
    to: isTime(to) ? (isAfter(times.to, times.from) ? undefined : t('timesWrong')) : t('timeInvalid'),
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (wrong.from ?? wrong.to) return;
    onChange({
      ...without(search, 'from', 'to'),
      ...(times.from === undefined ? {} : { from: times.from }),
      ...(times.to === undefined ? {} : { to: times.to }),
    });
    close();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <TextInput
          type="datetime-local"
          label={t('from')}
          {...limits(search.from)}
          value={from}
          onChange={(event) => setFrom(event.currentTarget.value)}
          error={wrong.from}
          data-autofocus
        />
        <TextInput
          type="datetime-local"
          label={t('to')}
          {...limits(search.to)}
          value={to}
          onChange={(event) => setTo(event.currentTarget.value)}
          error={wrong.to}
        />
        <Text size="xs" c="dimmed">
          {t('ownTimeHint')}
        </Text>
        <ApplyButton />
      </Stack>
    </form>
  );
}
