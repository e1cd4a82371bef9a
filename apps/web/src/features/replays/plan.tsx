import { Alert, Group, SimpleGrid, Stack, Text, Timeline, Title, Tooltip } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReplayPlan } from '@tributary/shared/replays.ts';
import type { ReactNode } from 'react';
import { connectionHealth } from '../../lib/connections.ts';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { live } from '../../ui/live.tsx';
import { PanelDrawer } from '../../ui/side-panel.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Id, Time } from '../../ui/values.tsx';
import { isOpen, Person, PlanProgress, StatusBadge, usePlanName } from './plan-parts.tsx';
import { PlanSteps } from './plan-steps.tsx';
import { pace, replayPlan } from './queries.ts';
import { replayTexts } from './texts.ts';

/** One plan beside the list: how far it is, what comes next, what it is about, who did what. */
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
  const plan = useQuery({ ...options, ...live(pace(known?.status === 'running')) });
  return (
    <Loaded query={plan} height={480}>
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

function Rows({ rows }: { rows: readonly { label: string; value: ReactNode }[] }) {
  return (
    <Stack component="dl" gap={6} m={0}>
      {rows.map(({ label, value }) => (
        <Group key={label} gap="xs" wrap="nowrap" align="flex-start">
          <Text component="dt" size="sm" c="dimmed" w={130} style={{ flexShrink: 0 }}>
            {label}
          </Text>
          <Text component="dd" m={0} size="sm" className="break">
            {value}
          </Text>
        </Group>
      ))}
    </Stack>
  );
}

function Scope({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  const language = useLanguage();
  const org = useOrg();
  const names = new Map(useQuery(connectionHealth(org.id)).data?.map((row) => [row.source_connection_id, row.name]));
  const { from, to, connectionIds, eventTypes, outcomes, includeReplays } = plan.filter;
  return (
    <Rows
      rows={[
        {
          label: t('range'),
          value: (
            <>
              <Time at={from} exact /> – <Time at={to} exact />
            </>
          ),
        },
        {
          label: t('connections'),
          value: connectionIds ? connectionIds.map((id) => <Named key={id} id={id} name={names.get(id)} />) : t('allConnections'),
        },
        { label: t('types'), value: eventTypes ? <bdi>{eventTypes.join(', ')}</bdi> : t('allTypes') },
        {
          label: t('outcomes'),
          value:
            (outcomes ? outcomes.map((outcome) => t(`outcome_${outcome}`)).join(', ') : t('allOutcomes')) +
            (includeReplays ? `, ${t('withReplays')}` : ''),
        },
        { label: t('mode'), value: `${t(plan.mode)}, ${t('throttleOf', { rate: formatNumber(plan.throttlePerSecond, language) })}` },
      ]}
    />
  );
}

/** By name; one that is deleted since has only its id. */
function Named({ id, name }: { id: string; name: string | undefined }) {
  return <div>{name === undefined ? <Id value={id} /> : <bdi>{name}</bdi>}</div>;
}

function People({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  return (
    <Rows
      rows={[
        {
          label: t('madeBy'),
          value: (
            <>
              <Person id={plan.createdBy} />, <Time at={plan.createdAt} />
            </>
          ),
        },
        {
          label: t('approvedBy'),
          value: plan.approvedAt ? (
            <>
              <Person id={plan.approvedBy} />, <Time at={plan.approvedAt} />
            </>
          ) : (
            t('notApproved')
          ),
        },
        ...(plan.reference === null ? [] : [{ label: t('reference'), value: <bdi>{plan.reference}</bdi> }]),
      ]}
    />
  );
}

const known = ['created', 'approved', 'running', 'paused', 'completed', 'canceled', 'failed'] as const;

function Audit({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  if (!plan.audit) {
    return (
      <Text size="sm" c="dimmed">
        {t('auditAdmins')}
      </Text>
    );
  }
  return (
    <Timeline bulletSize={12} lineWidth={2} active={plan.audit.length - 1}>
      {plan.audit.map(({ at, actorId, action, detail }, index) => {
        const name = known.find((one) => one === action);
        const { reference, error, processed } = detail as { reference?: string | null; error?: string | null; processed?: number };
        return (
          // The trail only ever grows at its end.
          // biome-ignore lint/suspicious/noArrayIndexKey: nothing in it has an id
          <Timeline.Item key={index} title={<Text size="sm">{name ? t(`audit_${name}`) : action}</Text>}>
            <Group gap={4} fz="xs" c="dimmed">
              <Time at={at} exact /> · <Person id={actorId} />
              {typeof processed === 'number' && processed > 0 && <span>· {t('afterCount', { count: processed })}</span>}
            </Group>
            {(reference || error) && (
              <Text size="xs" className="break">
                <bdi>{reference || error}</bdi>
              </Text>
            )}
          </Timeline.Item>
        );
      })}
    </Timeline>
  );
}
