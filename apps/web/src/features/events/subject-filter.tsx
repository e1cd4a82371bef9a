import { Button, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import type { EventsSearch } from '../../lib/search.ts';
import { isHash, subjectHashes, without } from './filter.ts';
import { hashSubject } from './queries.ts';
import { eventTexts } from './texts.ts';

/**
 * Finds a person by what somebody types: an address, a number, a document or a hash. Only the API knows the key that makes hashes of them;
 * what was typed goes nowhere else, so that it stands in no link, history or log.
 */
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
  const org = useOrg();
  const [typed, setTyped] = useState(() => subjectHashes(search.subject)[0] ?? '');
  const hash = useMutation({
    mutationFn: (text: string) => (isHash(text) ? Promise.resolve([text]) : hashSubject(org.id, text)),
    onSuccess: (hashes) => {
      onChange({ ...without(search, 'subject'), subject: hashes.join(',') });
      close();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const text = typed.trim();
    if (text !== '') {
      hash.mutate(text);
      return;
    }
    onChange(without(search, 'subject'));
    close();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <TextInput
          label={t('subjectLabel')}
          placeholder="ana@example.com"
          maxLength={320}
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          error={hash.error?.message}
          data-autofocus
        />
        <Text size="xs" c="dimmed">
          {t('subjectHint')}
        </Text>
        <Button type="submit" size="xs" loading={hash.isPending} style={{ alignSelf: 'flex-end' }}>
          {t('apply')}
        </Button>
      </Stack>
    </form>
  );
}
