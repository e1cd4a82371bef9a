import { Center, Loader, Stack, Text, Title } from '@mantine/core';
import type { ErrorComponentProps } from '@tanstack/react-router';
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

export function PageLoading() {
  const t = useTexts(uiTexts);
  return (
    <Center mih={320}>
      <Loader aria-label={t('loading')} />
    </Center>
  );
}

export function PageFailed({ error, reset }: ErrorComponentProps) {
  return (
    <Center mih={320} p="md">
      <Failed error={error} onRetry={reset} />
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
