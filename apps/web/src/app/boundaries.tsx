import { Button, Center, Group, Loader, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { useSyncExternalStore } from 'react';
import { isSilent, onSilenceChange } from '../lib/contact.ts';
import { defineTexts, useTexts } from '../lib/i18n.ts';
import { myOrgs } from '../lib/orgs.ts';
import { signOut, useSession } from '../lib/session.ts';
import { ButtonLink } from '../ui/links.tsx';
import { Failed } from '../ui/states.tsx';
import { uiTexts } from '../ui/texts.ts';

const texts = defineTexts('boundaries', {
  en: {
    notFound: 'There is no such page',
    notFoundHint: 'The link may be old, its org may have been deleted, or this account is not a member of the org.',
    signedInAs: 'You are signed in as {{email}}.',
    otherAccount: 'Use another account',
    home: 'Go to the start',
  },
  'pt-BR': {
    notFound: 'Esta página não existe',
    notFoundHint: 'O link pode ser antigo, a organização pode ter sido excluída, ou esta conta não faz parte dela.',
    signedInAs: 'Você entrou como {{email}}.',
    otherAccount: 'Usar outra conta',
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

/** A page or an org that does not exist for this person: their orgs, and the way to sign in as somebody else. */
export function NotFound() {
  const t = useTexts(texts);
  const user = useSession()?.user;
  const orgs = useQuery({ ...myOrgs(user?.id ?? ''), enabled: user !== undefined });
  return (
    <Center mih="60dvh" p="md" component="main">
      <Stack align="center" gap="xs" ta="center">
        <Title order={1} size="h3">
          {t('notFound')}
        </Title>
        <Text c="dimmed" maw={480}>
          {t('notFoundHint')}
        </Text>
        {user?.email && (
          <Text size="sm" className="break">
            {t('signedInAs', { email: user.email })}
          </Text>
        )}
        <Group justify="center">
          {(orgs.data ?? []).slice(0, 8).map((org) => (
            <ButtonLink key={org.id} to="/o/$org/overview" params={{ org: org.slug }} variant="light">
              <bdi>{org.name}</bdi>
            </ButtonLink>
          ))}
          <ButtonLink to="/">{t('home')}</ButtonLink>
          {user && (
            <Button variant="default" onClick={() => void signOut('local')}>
              {t('otherAccount')}
            </Button>
          )}
        </Group>
      </Stack>
    </Center>
  );
}
