import { Alert, Button, Card, Center, Group, Loader, Stack, Text, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useLocation } from '@tanstack/react-router';
import { AcceptedInvite } from '@tributary/shared/api.ts';
import { useEffect, useRef } from 'react';
import { ApiError, api } from '../../lib/api.ts';
import { useTexts } from '../../lib/i18n.ts';
import { signOut, useSession } from '../../lib/session.ts';
import { ButtonLink } from '../../ui/links.tsx';
import { OpenOrg } from '../../ui/open-org.tsx';
import { inviteTexts } from './texts.ts';

/** The page that the link of an invite leads to, once the invited person is signed in. */
export function AcceptInvite() {
  const t = useTexts(inviteTexts);
  // The token is in the fragment, because a fragment is not sent to any server and appears in no log.
  const token = new URLSearchParams(useLocation().hash).get('token');
  const user = useSession()?.user;
  const accept = useMutation({
    mutationFn: (value: string) => api(AcceptedInvite, 'POST', '/api/invites/accept', { token: value }),
  });
  const { mutate } = accept;
  // The token works only once, so an effect that runs twice must not send it twice.
  const used = useRef(false);
  useEffect(() => {
    if (!token || used.current) return;
    used.current = true;
    mutate(token);
  }, [token, mutate]);
  const reason = accept.error instanceof ApiError ? accept.error.reason : undefined;
  // Signing out keeps the address with its token, so that the sign-in leads back to the invite.
  const switchAccount = () => signOut('local');
  return (
    <Center mih="100dvh" p="md" component="main">
      <Card withBorder padding="lg" maw={460}>
        <Stack>
          <Title order={1} size="h4">
            {t('join')}
          </Title>
          {!token || accept.error ? (
            <>
              <Alert color={reason === 'invite_joined' ? 'blue' : 'red'} role="alert">
                {token ? accept.error?.message : t('inviteMissing')}
              </Alert>
              {user?.email && (
                <Text size="sm" c="dimmed" className="break">
                  {t('signedInAs', { email: user.email })}
                </Text>
              )}
              <Group>
                <ButtonLink to="/">{t(reason === 'invite_joined' ? 'openOrgs' : 'start')}</ButtonLink>
                {(reason === 'invite_other_address' || reason === 'invite_used') && (
                  <Button variant="default" onClick={() => void switchAccount()}>
                    {t('otherAccount')}
                  </Button>
                )}
              </Group>
            </>
          ) : accept.isSuccess ? (
            <OpenOrg orgId={accept.data.orgId} />
          ) : (
            <Group role="status">
              <Loader size="sm" />
              <Text>{t('accepting')}</Text>
            </Group>
          )}
        </Stack>
      </Card>
    </Center>
  );
}
