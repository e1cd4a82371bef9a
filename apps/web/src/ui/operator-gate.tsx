import { Button, PasswordInput, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '../lib/api.ts';
import { useTexts } from '../lib/i18n.ts';
import { keepOperatorToken } from '../lib/operator-token.ts';
import { operatorTexts } from './operator-texts.ts';
import { Section } from './page.tsx';

/** Asks for the token of an operator, and keeps it for this tab when `check` accepts it. */
export function OperatorGate({ check }: { check: (token: string) => Promise<unknown> }) {
  const t = useTexts(operatorTexts);
  const [typed, setTyped] = useState('');
  const open = useMutation({ mutationFn: check, onSuccess: (_answer, token) => keepOperatorToken(token) });
  const wrong = open.error instanceof ApiError && open.error.status === 401 ? t('wrongToken') : open.error?.message;
  return (
    <Section title={t('operatorsOnly')}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim() !== '') open.mutate(typed.trim());
        }}
      >
        <Stack maw={480} gap="sm">
          <Text size="sm">{t('operatorsHint')}</Text>
          <PasswordInput
            label={t('token')}
            description={t('tokenHint')}
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            error={wrong}
          />
          <Button type="submit" loading={open.isPending} style={{ alignSelf: 'flex-start' }}>
            {t('open')}
          </Button>
        </Stack>
      </form>
    </Section>
  );
}

/** Forgets the token. */
export function LockButton() {
  const t = useTexts(operatorTexts);
  return (
    <Button size="xs" variant="default" onClick={() => keepOperatorToken(undefined)}>
      {t('lock')}
    </Button>
  );
}
