import { Button, Center, Loader, Stack, Text, Title } from '@mantine/core';
import { useTimeout } from '@mantine/hooks';
import { RouterProvider } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { fetchConfig } from '../lib/config.ts';
import { defineTexts, useTexts } from '../lib/i18n.ts';
import { followSession } from '../lib/session.ts';
import { connectSupabase } from '../lib/supabase.ts';
import { splitMailLink } from './mail-link.ts';
import { router } from './router.tsx';
import { SessionEnded } from './session-ended.tsx';

const texts = defineTexts('startup', {
  en: {
    starting: 'Starting…',
    slow: 'The server is slow to answer…',
    failed: 'The server does not answer',
    hint: 'Check your connection, then try again.',
    retry: 'Try again',
  },
  'pt-BR': {
    starting: 'Iniciando…',
    slow: 'O servidor está demorando para responder…',
    failed: 'O servidor não responde',
    hint: 'Verifique sua conexão e tente de novo.',
    retry: 'Tentar de novo',
  },
});

let started: Promise<void> | undefined;

const landing = splitMailLink(location);

/** Asks the API where Supabase is and who is signed in; everything else waits for it. */
function start(): Promise<void> {
  started ??= (async () => {
    const config = await fetchConfig();
    if (landing) history.replaceState(history.state, '', landing.answer);
    connectSupabase(config);
    await followSession(() => void router.invalidate());
    if (landing) history.replaceState(history.state, '', landing.page);
  })().catch((error: unknown) => {
    started = undefined;
    throw error;
  });
  return started;
}

export function Startup() {
  const t = useTexts(texts);
  const [state, setState] = useState<'starting' | 'ready' | 'failed'>('starting');
  useEffect(() => {
    if (state !== 'starting') return;
    start().then(
      () => setState('ready'),
      () => setState('failed'),
    );
  }, [state]);
  if (state === 'ready') {
    return (
      <>
        <RouterProvider router={router} />
        <SessionEnded />
      </>
    );
  }
  return (
    <Center mih="100dvh" p="md" component="main">
      {state === 'starting' ? (
        <Starting />
      ) : (
        <Stack align="center" role="alert">
          <Title order={1} size="h3">
            {t('failed')}
          </Title>
          <Text c="dimmed">{t('hint')}</Text>
          <Button onClick={() => setState('starting')}>{t('retry')}</Button>
        </Stack>
      )}
    </Center>
  );
}

/** Explains the wait after five seconds: renewing the session alone is retried for half a minute. */
function Starting() {
  const t = useTexts(texts);
  const [slow, setSlow] = useState(false);
  useTimeout(() => setSlow(true), 5_000, { autoInvoke: true });
  return (
    <Stack align="center" role="status">
      <Loader role="img" aria-label={t('starting')} />
      <Text c="dimmed" mih="1.5em">
        {slow && t('slow')}
      </Text>
    </Stack>
  );
}
