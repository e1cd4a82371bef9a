import { Button, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import type { EventsSearch } from '../../app/search.ts';
import { useTexts } from '../../lib/i18n.ts';
import { isHash, subjectHashes, without } from './filter.ts';
import { eventTexts } from './texts.ts';

/** Finds a person by the hash that events carry. */
export function SubjectFilter({
  search,
  onChange,
  close,
}: {
  search: EventsSearch;
  onChange: (search: EventsSearch) => void;
  close: () => void;
}) {
  const t = useTexts(eventTexts);
  const [typed, setTyped] = useState(() => subjectHashes(search.subject)[0] ?? '');
  const [isWrong, setWrong] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const text = typed.trim();
    if (text !== '' && !isHash(text)) {
      setWrong(true);
      return;
    }
    onChange({ ...without(search, 'subject'), ...(text === '' ? {} : { subject: text }) });
    close();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <TextInput
          label={t('subjectLabel')}
          maxLength={320}
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          error={isWrong && t('subjectWrong')}
          data-autofocus
        />
        <Text size="xs" c="dimmed">
          {t('subjectHint')}
        </Text>
        <Button type="submit" size="xs" style={{ alignSelf: 'flex-end' }}>
          {t('apply')}
        </Button>
      </Stack>
    </form>
  );
}
