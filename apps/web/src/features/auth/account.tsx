import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTexts } from '../../lib/i18n.ts';
import { signOut, useSession } from '../../lib/session.ts';
import { ButtonLink } from '../../ui/links.tsx';
import { Section } from '../../ui/page.tsx';
import { Refused } from '../../ui/refused.tsx';
import { accountTexts } from './account-texts.ts';

/** The account of the signed-in person, which is the same in every org. */
export function Account() {
  const t = useTexts(accountTexts);
  const email = useSession()?.user.email ?? '';
  const leave = useMutation({
    mutationFn: async () => {
      const { error } = await signOut('global');
      if (error) throw error;
    },
  });
  return (
    <Section title={t('account')}>
      <Stack gap="sm">
        <Text size="sm" className="break">
          {email}
        </Text>
        <Refused error={leave.error} />
        <Group gap="xs">
          <ButtonLink to="/new-password" variant="default" size="xs">
            {t('changePassword')}
          </ButtonLink>
          <Button variant="default" size="xs" loading={leave.isPending} onClick={() => leave.mutate()}>
            {t('signOutAll')}
          </Button>
        </Group>
        <Text size="xs" c="dimmed">
          {t('signOutAllHint')}
        </Text>
      </Stack>
    </Section>
  );
}
