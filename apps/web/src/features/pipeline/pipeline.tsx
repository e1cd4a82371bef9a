import { Button, PasswordInput, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '../../lib/api.ts';
import { useTexts } from '../../lib/i18n.ts';
import { live, Updated } from '../../ui/live.tsx';
import { Page, Section } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Figures } from './figures.tsx';
import { ModeControl } from './mode-control.tsx';
import { detailedHealth } from './queries.ts';
import { pipelineTexts } from './texts.ts';

/** For operators of the installation: the mode of all instances, their figures, and the commands. */
export function Pipeline() {
  const t = useTexts(pipelineTexts);
  // The token is kept only in memory: it is forgotten when the tab closes or reloads.
  const [token, setToken] = useState<string>();
  return token === undefined ? (
    <Page title={t('title')} description={t('description')}>
      <Unlock onToken={setToken} />
    </Page>
  ) : (
    <Controls token={token} onLock={() => setToken(undefined)} />
  );
}

function Unlock({ onToken }: { onToken: (token: string) => void }) {
  const t = useTexts(pipelineTexts);
  const queryClient = useQueryClient();
  const [typed, setTyped] = useState('');
  const open = useMutation({
    mutationFn: (token: string) => queryClient.fetchQuery({ ...detailedHealth(token), staleTime: 0, retry: false }),
    onSuccess: (_health, token) => onToken(token),
  });
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

function Controls({ token, onLock }: { token: string; onLock: () => void }) {
  const t = useTexts(pipelineTexts);
  const health = useQuery({ ...detailedHealth(token), ...live(3_000) });
  return (
    <Page
      title={t('title')}
      description={t('description')}
      actions={
        <>
          <Updated at={health.dataUpdatedAt} isFetching={health.isFetching} onRefresh={() => void health.refetch()} />
          <Button size="xs" variant="default" onClick={onLock}>
            {t('lock')}
          </Button>
        </>
      }
    >
      <Loaded query={health} height={600}>
        {(data) => (
          <>
            <ModeControl token={token} health={data} />
            <Figures health={data} />
          </>
        )}
      </Loaded>
    </Page>
  );
}
