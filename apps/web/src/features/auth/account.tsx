import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTexts } from '../../lib/i18n.ts';
import { useSession } from '../../lib/session.ts';
import { supabase } from '../../lib/supabase.ts';
import { ButtonLink } from '../../ui/links.tsx';
import { Section } from '../../ui/page.tsx';
import { Refused } from '../../ui/refused.tsx';
import { accountTexts } from './account-texts.ts';

/** The account of the signed-in person, which is the same in every org. */
export function Account() {
  const t = useTexts(accountTexts);
  const email = useSession()?.user.email ?? '';
  const signOut = useMutation({
    mutationFn: async () => {
      const { error } = await supabase().auth.signOut({ scope: 'global' });
      if (error) throw error;
    },
  });
  return (
    <Section title={t('account')}>
      <Stack gap="sm">
        <Text size="sm" className="break">
          {email}
        </Text>
        <Refused error={signOut.error} />
        <Group gap="xs">
          <ButtonLink to="/new-password" variant="default" size="xs">
            {t('changePassword')}
          </ButtonLink>
          <Button variant="default" size="xs" loading={signOut.isPending} onClick={() => signOut.mutate()}>
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
