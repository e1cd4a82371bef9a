import { Button, Code, Group, Modal, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { supabase } from '../../lib/supabase.ts';
import { Refused } from '../../ui/refused.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Copy } from '../../ui/values.tsx';
import { CodeField, readCode } from './code-field.tsx';
import { invalidateFactors } from './queries.ts';
import { authText } from './refusals.ts';
import { secondFactorTexts } from './second-factor-texts.ts';

/** Shows the secret of a new factor once, and makes the factor active by the first code. Closed without a code, nothing changes. */
export function EnrolApp({
  id,
  picture,
  secret,
  userId,
  onClose,
}: {
  id: string;
  picture: string;
  secret: string;
  userId: string;
  onClose: () => void;
}) {
  const t = useTexts(secondFactorTexts);
  const ui = useTexts(uiTexts);
  const queryClient = useQueryClient();
  const [typed, setTyped] = useState('');
  const [isInvalid, setInvalid] = useState(false);
  const verify = useMutation({
    mutationFn: async (code: string) => {
      const { error } = await supabase().auth.mfa.challengeAndVerify({ factorId: id, code });
      if (error) throw error;
    },
    onSuccess: () => invalidateFactors(queryClient, userId),
  });
  return (
    <Modal opened onClose={onClose} title={t('add')} closeButtonProps={{ 'aria-label': ui('close') }}>
      {verify.isSuccess ? (
        <Stack>
          <Text size="sm" role="status">
            {t('active')}
          </Text>
          <Group justify="flex-end">
            <Button onClick={onClose}>{ui('close')}</Button>
          </Group>
        </Stack>
      ) : (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            const code = readCode(typed);
            setInvalid(code === undefined);
            if (code !== undefined) verify.mutate(code);
          }}
        >
          <Stack gap="sm">
            <Text size="sm">{t('scan')}</Text>
            {/* White around the picture in the dark theme too: a camera reads dark on light. */}
            <img
              src={picture}
              alt={t('picture')}
              width={192}
              height={192}
              style={{ background: 'white', alignSelf: 'center', padding: 8 }}
            />
            <Text size="sm" component="div" className="break">
              {t('secret')}: <Code>{secret}</Code> <Copy value={secret} />
            </Text>
            <Refused error={verify.error} message={verify.error ? authText(verify.error) : undefined} />
            <CodeField
              label={t('code')}
              data-autofocus
              value={typed}
              onChange={({ currentTarget }) => setTyped(currentTarget.value)}
              error={isInvalid && t('codeInvalid')}
            />
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                {ui('cancel')}
              </Button>
              <Button type="submit" loading={verify.isPending}>
                {t('confirm')}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
