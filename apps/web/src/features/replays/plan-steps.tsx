import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReplayPlan } from '@tributary/shared/replays.ts';
import { formatDuration, formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { useSession } from '../../lib/session.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { ConfirmCount } from '../../ui/confirm.tsx';
import { Approve, NeedsColleague } from './approve-plan.tsx';
import { replayPlan } from './queries.ts';
import { ButtonWithDialog, useCountValues } from './step-dialog.tsx';
import { replayTexts } from './texts.ts';
import { useStep } from './use-step.ts';

/** The steps that are possible for an open plan now, for those who may take them. */
export function PlanSteps({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  const me = useSession()?.user.id;
  const needsColleague = plan.status === 'pending_approval' && plan.needsSecondApproval && plan.createdBy === me;
  return (
    <AdminOnly>
      {needsColleague && <NeedsColleague />}
      <Stack gap="xs">
        {!needsColleague && (
          <Text size="sm" c="dimmed">
            {t(hints[plan.status as keyof typeof hints])}
          </Text>
        )}
        <Group gap="xs">
          {plan.status === 'pending_approval' && !needsColleague && <Approve plan={plan} />}
          {plan.status === 'approved' && <Run plan={plan} />}
          {plan.status === 'running' && <PauseOrResume plan={plan} step="pause" />}
          {(plan.status === 'paused' || plan.status === 'failed') && <PauseOrResume plan={plan} step="resume" />}
          <Cancel plan={plan} />
        </Group>
      </Stack>
    </AdminOnly>
  );
}

const hints = {
  pending_approval: 'canApprove',
  approved: 'canRun',
  running: 'canPause',
  paused: 'canResume',
  failed: 'canResume',
} as const;

function Run({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  const language = useLanguage();
  const org = useOrg();
  const queryClient = useQueryClient();
  const show = useCountValues();
  const step = useStep(plan, 'run');
  return (
    <ButtonWithDialog label={t('run')}>
      {(opened, close) => (
        <ConfirmCount
          opened={opened}
          onClose={close}
          title={t('runTitle')}
          preview={() => queryClient.fetchQuery({ ...replayPlan(org.id, plan.id), staleTime: 0 })}
          count={({ matchedCount }) => matchedCount}
          confirm={({ matchedCount }) => t('runNow', show(matchedCount))}
          onConfirm={() => step()}
        >
          {({ matchedCount, throttlePerSecond, estimatedSeconds }) => (
            <Text size="sm">
              {t('runBody', {
                ...show(matchedCount),
                throttle: t('throttleOf', { rate: formatNumber(throttlePerSecond, language) }),
                time: t('estimate', { time: formatDuration(estimatedSeconds, language) }),
              })}
            </Text>
          )}
        </ConfirmCount>
      )}
    </ButtonWithDialog>
  );
}

function Cancel({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  const language = useLanguage();
  const org = useOrg();
  const queryClient = useQueryClient();
  const show = useCountValues();
  const step = useStep(plan, 'cancel');
  const left = ({ matchedCount, processed }: ReplayPlan) => Math.max(0, matchedCount - processed);
  return (
    <ButtonWithDialog label={t('cancelPlan')} isQuiet>
      {(opened, close) => (
        <ConfirmCount
          opened={opened}
          onClose={close}
          danger
          title={t('cancelTitle')}
          preview={() => queryClient.fetchQuery({ ...replayPlan(org.id, plan.id), staleTime: 0 })}
          // The count is the plan itself, so that a plan without remaining deliveries can be canceled too.
          count={() => 1}
          confirm={(fresh) => t('cancelNow', show(left(fresh)))}
          onConfirm={() => step()}
        >
          {({ processed, matchedCount }) => (
            <Text size="sm">{t('cancelBody', { done: formatNumber(processed, language), all: formatNumber(matchedCount, language) })}</Text>
          )}
        </ConfirmCount>
      )}
    </ButtonWithDialog>
  );
}

/** Pause and resume ask for no confirmation, because each undoes the other. */
function PauseOrResume({ plan, step: name }: { plan: ReplayPlan; step: 'pause' | 'resume' }) {
  const t = useTexts(replayTexts);
  const step = useStep(plan, name);
  const run = useMutation({ mutationFn: () => step() });
  return (
    <>
      <Button size="xs" loading={run.isPending} onClick={() => run.mutate()}>
        {t(name)}
      </Button>
      {run.error && (
        <Text size="xs" c="red" role="alert">
          {run.error.message}
        </Text>
      )}
    </>
  );
}
