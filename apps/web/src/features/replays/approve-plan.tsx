import { Alert, Code, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconUsers } from '@tabler/icons-react';
import type { ReplayPlan } from '@tributary/shared/replays.ts';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { useSession } from '../../lib/session.ts';
import { ConfirmCount } from '../../ui/confirm.tsx';
import { Copy } from '../../ui/values.tsx';
import { countPlan } from './queries.ts';
import { ButtonWithDialog, useCountValues } from './step-dialog.tsx';
import { replayTexts } from './texts.ts';
import { useStep } from './use-step.ts';

export function NeedsColleague() {
  const t = useTexts(replayTexts);
  return (
    <Alert color="cyan" icon={<IconUsers size={18} />} title={t('needsColleague')} mb="sm" role="note">
      <Text size="sm">{t('needsColleagueWhy')}</Text>
      <Group gap={4} wrap="nowrap" mt={4}>
        <Code className="break">{location.href}</Code>
        <Copy value={location.href} label={t('copyLink')} />
      </Group>
    </Alert>
  );
}

export function Approve({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  const org = useOrg();
  const me = useSession()?.user.id;
  const show = useCountValues();
  const step = useStep(plan, 'approve');
  const [reference, setReference] = useState('');
  const [missing, setMissing] = useState(false);
  const { mode, throttlePerSecond, filter } = plan;
  return (
    <ButtonWithDialog label={t('approve')}>
      {(opened, close) => (
        <ConfirmCount
          opened={opened}
          onClose={close}
          title={t('approveTitle')}
          preview={() => countPlan(org.id, { mode, throttlePerSecond, filter })}
          // The plan may have grown over the approval threshold since it was created; then its creator cannot confirm it any more.
          count={({ count, needsSecondApproval }) => (needsSecondApproval && plan.createdBy === me ? 0 : count)}
          confirm={({ count }) => t('approveNow', show(count))}
          onConfirm={async ({ needsSecondApproval }) => {
            const given = reference.trim();
            setMissing(needsSecondApproval && given === '');
            if (needsSecondApproval && given === '') throw new Error(t('referenceNeeded'));
            await step(given === '' ? {} : { reference: given });
          }}
        >
          {({ count, needsSecondApproval }) =>
            needsSecondApproval && plan.createdBy === me ? (
              <NeedsColleague />
            ) : count === 0 ? (
              t('approveNone')
            ) : (
              <Stack gap="sm">
                <Text size="sm">{t('approveBody', show(count))}</Text>
                <TextInput
                  label={t('reference')}
                  description={t('referenceHint')}
                  required={needsSecondApproval}
                  maxLength={120}
                  value={reference}
                  onChange={(event) => setReference(event.currentTarget.value)}
                  error={missing && reference.trim() === '' ? t('referenceNeeded') : undefined}
                  data-autofocus
                />
              </Stack>
            )
          }
        </ConfirmCount>
      )}
    </ButtonWithDialog>
  );
}
