import { Alert, Group, SimpleGrid, Stack, Text, Title, Tooltip } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReplayPlan } from '@tributary/shared/replays.ts';
import type { ReactNode } from 'react';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { live } from '../../ui/live.tsx';
import { PanelDrawer } from '../../ui/side-panel.tsx';
import { Loaded } from '../../ui/states.tsx';
import { UnknownId } from '../../ui/unknown-id.tsx';
import { Id } from '../../ui/values.tsx';
import { Audit } from './plan-audit.tsx';
import { People, Scope } from './plan-facts.tsx';
import { isOpen, PlanProgress, StatusBadge, usePlanName } from './plan-parts.tsx';
import { PlanSteps } from './plan-steps.tsx';
import { pollingMs, replayPlan } from './queries.ts';
import { replayTexts } from './texts.ts';

/** One plan beside the list: its progress, the next step, its scope, and its audit trail. */
export function PlanPanel({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const t = useTexts(replayTexts);
  return (
    <PanelDrawer opened={id !== undefined} onClose={onClose} size={640} title={t('plan')}>
      {id !== undefined && <Detail id={id} />}
    </PanelDrawer>
  );
}

function Detail({ id }: { id: string }) {
  const org = useOrg();
  const options = replayPlan(org.id, id);
  const known = useQueryClient().getQueryData(options.queryKey);
  const plan = useQuery({ ...options, ...live(pollingMs(known?.status === 'running')) });
  return (
    <Loaded query={plan} height={480} missing={<UnknownId kind="plan" id={id} />}>
      {(found) => <Plan plan={found} />}
    </Loaded>
  );
}

function Plan({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  const name = usePlanName()(plan);
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        <Group gap="xs" wrap="wrap">
          <Title order={2} size="h4" className="break">
            <bdi>{name}</bdi>
          </Title>
          <StatusBadge status={plan.status} />
        </Group>
        <Id value={plan.id} />
      </Stack>
      <PlanProgress plan={plan} name={name} />
      {plan.error !== null && (
        <Alert color={isOpen(plan) ? 'red' : 'gray'} icon={<IconAlertTriangle size={18} />} title={t('stopped')} className="break">
          {plan.error}
        </Alert>
      )}
      {isOpen(plan) && (
        <Part title={t('nextStep')}>
          <PlanSteps plan={plan} />
        </Part>
      )}
      <Part title={t('figures')}>
        <Figures plan={plan} />
      </Part>
      <Part title={t('scope')}>
        <Scope plan={plan} />
      </Part>
      <Part title={t('people')}>
        <People plan={plan} />
      </Part>
      <Part title={t('audit')}>
        <Audit plan={plan} />
      </Part>
    </Stack>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <Title order={3} size="h6" mb={6}>
        {title}
      </Title>
      {children}
    </section>
  );
}

function Figures({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  const language = useLanguage();
  const org = useOrg();
  const number = (value: number) => formatNumber(value, language);
  const figures = [
    { label: t('processed'), hint: t('processedHint', { all: number(plan.matchedCount) }), value: plan.processed },
    { label: t('accepted'), hint: t('acceptedHint'), value: plan.accepted },
    { label: t('duplicates'), hint: t('duplicatesHint'), value: plan.duplicates },
    { label: t('deadLettered'), hint: t('deadLetteredHint'), value: plan.deadLettered },
    { label: t('failedCount'), hint: t('failedCountHint'), value: plan.failed },
  ];
  return (
    <Stack gap={6}>
      <SimpleGrid cols={{ base: 2, xs: 5 }} component="dl" m={0} spacing="sm">
        {figures.map(({ label, hint, value }) => (
          <Tooltip key={label} label={hint} multiline maw={240}>
            <div>
              <Text component="dt" size="xs" c="dimmed" tabIndex={0}>
                {label}
              </Text>
              <Text component="dd" m={0} fw={700} size="lg" className="tabular">
                {number(value)}
              </Text>
            </div>
          </Tooltip>
        ))}
      </SimpleGrid>
      {plan.deadLettered > 0 && (
        <AnchorLink to="/o/$org/dead-letters" params={{ org: org.slug }} size="sm">
          {t('openDeadLetters')}
        </AnchorLink>
      )}
    </Stack>
  );
}
