import { Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import type { ReplayPlan } from '@tributary/shared/replays.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useNavigateWithin } from '../../lib/navigate.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { AnchorLink, ButtonLink } from '../../ui/links.tsx';
import { live, Updated } from '../../ui/live.tsx';
import { Page, Section } from '../../ui/page.tsx';
import { ClearFilters, Empty, Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/values.tsx';
import { NewPlanPanel } from './new-plan.tsx';
import { PlanPanel } from './plan.tsx';
import { isOpen, Person, PlanProgress, StatusBadge, usePlanName } from './plan-parts.tsx';
import { plansMax, pollingMs, replayPlans } from './queries.ts';
import { replayTexts } from './texts.ts';

const isRunning = (plan: ReplayPlan) => plan.status === 'running';

/** Every plan with its progress; an open plan, or the form of a new one, is shown beside the list. */
export function Replays() {
  const t = useTexts(replayTexts);
  const org = useOrg();
  const search = useSearch({ from: '/signed-in/o/$org/replays' });
  const navigate = useNavigateWithin({ from: '/o/$org/replays' });
  const options = replayPlans(org.id);
  const known = useQueryClient().getQueryData(options.queryKey);
  const plans = useQuery({ ...options, ...live(pollingMs(known?.some(isRunning))) });
  const show = search.show ?? 'all';
  const add = (
    <ButtonLink
      to="/o/$org/replays"
      params={{ org: org.slug }}
      search={{ new: '1' }}
      resetScroll={false}
      leftSection={<IconPlus size={16} />}
    >
      {t('new')}
    </ButtonLink>
  );
  const setShow = (next: string) =>
    void navigate({
      search: ({ show: _old, ...others }) => (next === 'open' || next === 'ended' ? { ...others, show: next } : others),
      replace: true,
    });
  const closed = () => void navigate({ search: show === 'all' ? {} : { show } });
  return (
    <Page title={t('title')} description={t('description')} actions={<AdminOnly>{add}</AdminOnly>}>
      <Section
        title={t('plans')}
        aside={<Updated at={plans.dataUpdatedAt} isFetching={plans.isFetching} onRefresh={() => void plans.refetch()} />}
      >
        <SegmentedControl
          size="xs"
          mb="sm"
          w="fit-content"
          aria-label={t('show')}
          value={show}
          onChange={setShow}
          data={[
            { value: 'all', label: t('allPlans') },
            { value: 'open', label: t('openPlans') },
            { value: 'ended', label: t('endedPlans') },
          ]}
        />
        <Loaded
          query={plans}
          height={320}
          isEmpty={(rows) => rows.length === 0}
          empty={<Empty title={t('nothingYet')} hint={t('nothingYetHint')} action={<AdminOnly>{add}</AdminOnly>} />}
        >
          {(rows) => {
            const matching = rows.filter((plan) => show === 'all' || isOpen(plan) === (show === 'open'));
            if (matching.length === 0)
              return <Empty title={t('nothingMatches')} action={<ClearFilters onClear={() => setShow('all')} />} />;
            return (
              <>
                <Stack component="ul" gap={0} m={0} p={0} aria-label={t('plans')}>
                  {matching.map((plan) => (
                    <PlanRow key={plan.id} plan={plan} />
                  ))}
                </Stack>
                {rows.length === plansMax && (
                  <Text size="xs" c="dimmed" mt="sm">
                    {t('newest', { count: plansMax })}
                  </Text>
                )}
              </>
            );
          }}
        </Loaded>
      </Section>
      <PlanPanel id={search.plan} onClose={closed} />
      <NewPlanPanel opened={search.new !== undefined} onClose={closed} />
    </Page>
  );
}

function PlanRow({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  const org = useOrg();
  const name = usePlanName()(plan);
  return (
    <Group
      component="li"
      gap="md"
      py="sm"
      wrap="wrap"
      style={{ listStyle: 'none', borderTop: '1px solid var(--mantine-color-default-border)' }}
    >
      <Stack gap={2} flex="1 1 260px" miw={0}>
        <Group gap="xs" wrap="wrap">
          <AnchorLink
            to="/o/$org/replays"
            params={{ org: org.slug }}
            search={(old) => ({ ...old, plan: plan.id })}
            resetScroll={false}
            fw={500}
            className="break"
          >
            <bdi>{name}</bdi>
          </AnchorLink>
          <StatusBadge status={plan.status} />
        </Group>
        <Group gap={6} c="dimmed" fz="xs">
          <span>{t(plan.mode)} ·</span>
          <Time at={plan.createdAt} />
          <span>·</span>
          <span>
            <Person id={plan.createdBy} />
          </span>
        </Group>
      </Stack>
      <Stack gap={0} flex="1 1 280px" miw={220}>
        <PlanProgress plan={plan} name={name} />
      </Stack>
    </Group>
  );
}
