import { Alert, Button, Code, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconUsers } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReplayPlan } from '@tributary/shared/replays.ts';
import { type ReactNode, useState } from 'react';
import { formatDuration, formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { useSession } from '../../lib/session.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { ConfirmCount } from '../../ui/confirm.tsx';
import { Copy } from '../../ui/values.tsx';
import { countPlan, invalidateReplays, replayPlan, type Step, stepPlan } from './queries.ts';
import { replayTexts } from './texts.ts';

/** What may be done with an open plan now, and by whom. */
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
          {plan.status === 'running' && <AtOnce plan={plan} step="pause" />}
          {(plan.status === 'paused' || plan.status === 'failed') && <AtOnce plan={plan} step="resume" />}
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

/** Takes a step; every list and panel that shows the plan is asked again. */
function useStep(plan: ReplayPlan, step: Step) {
  const org = useOrg();
  const queryClient = useQueryClient();
  return async (body?: { reference?: string }) => {
    try {
      queryClient.setQueryData(replayPlan(org.id, plan.id).queryKey, await stepPlan(plan.id, step, body));
    } finally {
      // A refusal too says that what is shown is not how it is.
      await invalidateReplays(queryClient, org.id);
    }
  };
}

function NeedsColleague() {
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

function Approve({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  const org = useOrg();
  const me = useSession()?.user.id;
  const show = useShown();
  const step = useStep(plan, 'approve');
  const [reference, setReference] = useState('');
  const [missing, setMissing] = useState(false);
  const { mode, throttlePerSecond, filter } = plan;
  return (
    <Opening label={t('approve')}>
      {(opened, close) => (
        <ConfirmCount
          opened={opened}
          onClose={close}
          title={t('approveTitle')}
          preview={() => countPlan(org.id, { mode, throttlePerSecond, filter })}
          // It may have grown over the threshold since it was made: then its maker has nothing to confirm any more.
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
    </Opening>
  );
}

function Run({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  const language = useLanguage();
  const org = useOrg();
  const queryClient = useQueryClient();
  const show = useShown();
  const step = useStep(plan, 'run');
  return (
    <Opening label={t('run')}>
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
    </Opening>
  );
}

function Cancel({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  const language = useLanguage();
  const org = useOrg();
  const queryClient = useQueryClient();
  const show = useShown();
  const step = useStep(plan, 'cancel');
  const left = ({ matchedCount, processed }: ReplayPlan) => Math.max(0, matchedCount - processed);
  return (
    <Opening label={t('cancelPlan')} isQuiet>
      {(opened, close) => (
        <ConfirmCount
          opened={opened}
          onClose={close}
          danger
          title={t('cancelTitle')}
          preview={() => queryClient.fetchQuery({ ...replayPlan(org.id, plan.id), staleTime: 0 })}
          // The plan itself, even where nothing of it is left.
          count={() => 1}
          confirm={(fresh) => t('cancelNow', show(left(fresh)))}
          onConfirm={() => step()}
        >
          {({ processed, matchedCount }) => (
            <Text size="sm">{t('cancelBody', { done: formatNumber(processed, language), all: formatNumber(matchedCount, language) })}</Text>
          )}
        </ConfirmCount>
      )}
    </Opening>
  );
}

/** Pause and resume: each undoes the other, so neither asks first. */
function AtOnce({ plan, step: name }: { plan: ReplayPlan; step: 'pause' | 'resume' }) {
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

/** A button and what it opens. */
function Opening({
  label,
  isQuiet = false,
  children,
}: {
  label: string;
  isQuiet?: boolean;
  children: (opened: boolean, close: () => void) => ReactNode;
}) {
  const [opened, setOpened] = useState(false);
  return (
    <>
      <Button size="xs" {...(isQuiet ? { variant: 'default' } : {})} onClick={() => setOpened(true)}>
        {label}
      </Button>
      {children(opened, () => setOpened(false))}
    </>
  );
}

/** A number for a sentence: `count` chooses the plural, `shown` is what stands there. */
function useShown() {
  const language = useLanguage();
  return (count: number) => ({ count, shown: formatNumber(count, language) });
}
