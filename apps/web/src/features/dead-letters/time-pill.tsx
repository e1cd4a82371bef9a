import { Button, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { FilterPill } from '../../ui/filter-pill.tsx';
import { deadLetterTexts } from './texts.ts';

export interface Times {
  from?: string;
  to?: string;
}

/** The filter for two times, in ISO 8601; either may be left open. */
export function TimePill({ label, from, to, onChange }: { label: string; onChange: (times: Times) => void } & Times) {
  const language = useLanguage();
  const show = new Intl.DateTimeFormat(language, { dateStyle: 'short', timeStyle: 'short' });
  const words = [from, to].map((at) => (at === undefined ? '…' : show.format(new Date(at)))).join(' – ');
  return (
    <FilterPill label={label} value={from === undefined && to === undefined ? undefined : words} onClear={() => onChange({})}>
      {(close) => (
        <TimesForm
          {...(from === undefined ? {} : { from })}
          {...(to === undefined ? {} : { to })}
          onSubmit={(times) => {
            onChange(times);
            close();
          }}
        />
      )}
    </FilterPill>
  );
}

/** Formats a time for a `datetime-local` input: in the viewer's time zone, to the minute. */
function toLocal(iso: string | undefined): string {
  if (iso === undefined) return '';
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function TimesForm({ from, to, onSubmit }: Times & { onSubmit: (times: Times) => void }) {
  const t = useTexts(deadLetterTexts);
  const [start, setStart] = useState(() => toLocal(from));
  const [end, setEnd] = useState(() => toLocal(to));
  const isWrong = start !== '' && end !== '' && start >= end;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isWrong) return;
    onSubmit({
      ...(start === '' ? {} : { from: new Date(start).toISOString() }),
      ...(end === '' ? {} : { to: new Date(end).toISOString() }),
    });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <TextInput
          type="datetime-local"
          label={t('from')}
          value={start}
          onChange={(event) => setStart(event.currentTarget.value)}
          data-autofocus
        />
        <TextInput
          type="datetime-local"
          label={t('to')}
          value={end}
          onChange={(event) => setEnd(event.currentTarget.value)}
          error={isWrong && t('timesWrong')}
        />
        <Text size="xs" c="dimmed">
          {t('timesHint')}
        </Text>
        <Button type="submit" size="xs" style={{ alignSelf: 'flex-end' }}>
          {t('apply')}
        </Button>
      </Stack>
    </form>
  );
}
