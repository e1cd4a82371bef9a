import { Group, Loader, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { emptyAnswer } from '../lib/errors.ts';
import { defineTexts, useTexts } from '../lib/i18n.ts';
import { myOrgs } from '../lib/orgs.ts';
import { useSession } from '../lib/session.ts';
import { Failed } from './states.tsx';

const texts = defineTexts('open-org', {
  en: {
    opening: 'Opening the org…',
    notOpened: 'You are a member of the org now, but it could not be opened.',
  },
  'pt-BR': {
    opening: 'Abrindo a organização…',
    notOpened: 'Você já faz parte da organização, mas não foi possível abri-la.',
  },
});

/**
 * Opens an org that the user has just created or joined. It is a separate step, so that only the reading is retried when it fails:
 * repeating the whole would create a second org, and an invite works only once.
 */
export function OpenOrg({ orgId }: { orgId: string }) {
  const t = useTexts(texts);
  const navigate = useNavigate();
  const userId = useSession()?.user.id ?? '';
  const { data, error, isFetching, refetch } = useQuery({ ...myOrgs(userId), enabled: userId !== '', staleTime: 0 });
  const slug = data?.find((one) => one.id === orgId)?.slug;
  useEffect(() => {
    if (slug !== undefined) void navigate({ to: '/o/$org/overview', params: { org: slug }, replace: true });
  }, [slug, navigate]);
  if (slug === undefined && !isFetching) {
    return (
      <>
        <Text>{t('notOpened')}</Text>
        <Failed error={error ?? emptyAnswer()} onRetry={() => void refetch()} />
      </>
    );
  }
  return (
    <Group role="status">
      <Loader size="sm" />
      <Text>{t('opening')}</Text>
    </Group>
  );
}
