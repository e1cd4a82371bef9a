import { Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { ApplyButton } from './apply-button.tsx';
import { type FilterFormProps, isHash, subjectHashes, without } from './filter.ts';
import { hashSubject } from './queries.ts';
import { eventTexts } from './texts.ts';

/**
 * Finds a person by an e-mail address, a phone number, a document or a hash. Only the API has the key that makes the hashes. The typed text
 * is sent to the API alone, so that no link, history or log contains it.
 */
export function SubjectFilter({ search, onChange, close }: FilterFormProps) {
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
        <ApplyButton loading={hash.isPending} />
      </Stack>
    </form>
  );
}
