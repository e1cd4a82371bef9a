import { Button, Group, Modal, Stack, Table, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useSession } from '../../lib/session.ts';
import { authCode, supabase } from '../../lib/supabase.ts';
import { Section } from '../../ui/page.tsx';
import { Refused } from '../../ui/refused.tsx';
import { Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Time } from '../../ui/values.tsx';
import { EnrolApp } from './enrol-app.tsx';
import { invalidateFactors, myFactors } from './queries.ts';
import { authText } from './refusals.ts';
import { secondFactorTexts } from './second-factor-texts.ts';

/** The second factors of the signed-in person, which hold in every org. */
export function SecondFactor() {
  const t = useTexts(secondFactorTexts);
  const userId = useSession()?.user.id ?? '';
  const factors = useQuery(myFactors(userId));
  const [enrolling, setEnrolling] = useState<{ id: string; picture: string; secret: string }>();
  const [removing, setRemoving] = useState<string>();
  const enrol = useMutation({
    mutationFn: async () => {
      const { data, error } = await supabase().auth.mfa.enroll({
        factorType: 'totp',
        friendlyName: `Tributary ${new Date().toISOString()}`,
      });
      if (error) throw error;
      return { id: data.id, picture: data.totp.qr_code, secret: data.totp.secret };
    },
    onSuccess: setEnrolling,
  });
  return (
    <Section title={t('title')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('hint')}
        </Text>
        <Loaded query={factors} height={60}>
          {(rows) =>
            rows.length === 0 ? (
              <Text size="sm">{t('none')}</Text>
            ) : (
              <Table aria-label={t('title')}>
                <Table.Tbody>
                  {rows.map((factor) => (
                    <Table.Tr key={factor.id}>
                      <Table.Td>
                        {t('app')}{' '}
                        <Text span size="sm" c="dimmed">
                          {t('since')} <Time at={factor.created_at} />
                        </Text>
                      </Table.Td>
                      <Table.Td ta="end">
                        <Button size="compact-xs" variant="subtle" color="red" onClick={() => setRemoving(factor.id)}>
                          {t('remove')}
                        </Button>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            )
          }
        </Loaded>
        <Refused error={enrol.error} message={enrol.error ? enrolText(enrol.error, t('unavailable')) : undefined} />
        <Group>
          <Button size="xs" variant="default" loading={enrol.isPending} onClick={() => enrol.mutate()}>
            {t('add')}
          </Button>
        </Group>
      </Stack>
      {enrolling && <EnrolApp {...enrolling} userId={userId} onClose={() => setEnrolling(undefined)} />}
      {removing && <RemoveFactor id={removing} userId={userId} onClose={() => setRemoving(undefined)} />}
    </Section>
  );
}

/** An installation whose sign-in service has no such endpoint, or has it switched off. */
function enrolText(error: Error, unavailable: string): string {
  const { status } = error as Error & { status?: number };
  const isOff = authCode(error) === 'mfa_totp_enroll_not_enabled' || status === 404 || status === 405 || status === 501;
  return isOff ? unavailable : authText(error);
}

function RemoveFactor({ id, userId, onClose }: { id: string; userId: string; onClose: () => void }) {
  const t = useTexts(secondFactorTexts);
  const ui = useTexts(uiTexts);
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: async () => {
      const { error } = await supabase().auth.mfa.unenroll({ factorId: id });
      if (error) throw error;
      // The token says that the person signed in with the factor until it is renewed.
      await supabase().auth.refreshSession();
    },
    onSuccess: async () => {
      await invalidateFactors(queryClient, userId);
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title={t('removeTitle')} closeButtonProps={{ 'aria-label': ui('close') }}>
      <Stack>
        <Text size="sm">{t('removeBody')}</Text>
        <Refused error={remove.error} message={remove.error ? authText(remove.error) : undefined} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {ui('cancel')}
          </Button>
          <Button color="red" loading={remove.isPending} onClick={() => remove.mutate()}>
            {t('remove')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
