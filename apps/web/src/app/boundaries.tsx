import { Center, Loader, Stack, Text, Title } from '@mantine/core';
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { useSyncExternalStore } from 'react';
import { isSilent, onSilenceChange } from '../lib/contact.ts';
import { defineTexts, useTexts } from '../lib/i18n.ts';
import { ButtonLink } from '../ui/links.tsx';
import { Failed } from '../ui/states.tsx';
import { uiTexts } from '../ui/texts.ts';

const texts = defineTexts('boundaries', {
  en: {
    notFound: 'There is no such page',
    notFoundHint: 'The link may be old, or you may not be a member of its org.',
    home: 'Go to the start',
  },
  'pt-BR': {
    notFound: 'Esta página não existe',
    notFoundHint: 'O link pode ser antigo, ou você não faz parte da organização.',
    home: 'Ir para o início',
  },
});

/** Shown while a page loads. When the server does not answer, it says so instead of spinning silently. */
export function PageLoading() {
  const t = useTexts(uiTexts);
  const silent = useSyncExternalStore(onSilenceChange, () => isSilent('api'));
  return (
    <Center mih={320} p="md">
      <Stack align="center">
        <Loader role="img" aria-label={t('loading')} />
        {silent && <Text c="dimmed">{t('silent')}</Text>}
      </Stack>
    </Center>
  );
}

export function PageFailed({ error }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <Center mih={320} p="md">
      {/* The retry invalidates the router instead of resetting the boundary: the failure may be in finding the page, and only the router repeats that. */}
      <Failed error={error} onRetry={() => void router.invalidate()} />
    </Center>
  );
}

export function NotFound() {
  const t = useTexts(texts);
  return (
    <Center mih="60dvh" p="md" component="main">
      <Stack align="center" gap="xs" ta="center">
        <Title order={1} size="h3">
          {t('notFound')}
        </Title>
        <Text c="dimmed">{t('notFoundHint')}</Text>
        <ButtonLink to="/">{t('home')}</ButtonLink>
      </Stack>
    </Center>
  );
}
