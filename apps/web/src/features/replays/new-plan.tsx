import { Refused } from '../../ui/refused.tsx';
import 'dayjs/locale/pt-br';
import { Box, Button, Checkbox, Group, MultiSelect, Radio, SimpleGrid, Stack, TagsInput, TextInput } from '@mantine/core';
import { DatesProvider, DateTimePicker } from '@mantine/dates';
import { useDebouncedValue } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { canonicalTypes } from '@tributary/shared/canonical.ts';
import dayjs from 'dayjs';
import { useState } from 'react';
import { connectionHealth } from '../../lib/connections.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useNavigateWithin } from '../../lib/navigate.ts';
import { useOrg } from '../../lib/orgs.ts';
import type { replaysSearch } from '../../lib/search.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { NumberField } from '../../ui/number-field.tsx';
import { PanelDrawer } from '../../ui/side-panel.tsx';
import { PlanCount } from './plan-count.tsx';
import { createPlan, invalidateReplayList, type NewPlan } from './queries.ts';
import { replayTexts } from './texts.ts';
import { outcomes, throttleDefault, usePlan } from './use-plan.ts';

/** The form of a new plan, beside the list. All its fields except the name are kept in the URL. */
export function NewPlanPanel({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const t = useTexts(replayTexts);
  const language = useLanguage();
  return (
    <PanelDrawer opened={opened} onClose={onClose} size={640} title={t('new')}>
      <AdminOnly>
        <DatesProvider settings={{ locale: language === 'pt-BR' ? 'pt-br' : 'en', firstDayOfWeek: language === 'pt-BR' ? 0 : 1 }}>
          <Form />
        </DatesProvider>
      </AdminOnly>
    </PanelDrawer>
  );
}

const debounceMs = 400;

function Form() {
  const t = useTexts(replayTexts);
  const language = useLanguage();
  const org = useOrg();
  const navigate = useNavigateWithin({ from: '/o/$org/replays' });
  const queryClient = useQueryClient();
  const connections = useQuery(connectionHealth(org.id));
  const [name, setName] = useState('');
  const { plan, problem } = usePlan(name);
  const isThrottled = useSearch({ from: '/signed-in/o/$org/replays', select: ({ rate }) => rate !== undefined });
  const { name: _name, ...countable } = plan;
  const [debounced] = useDebouncedValue(JSON.stringify(countable), debounceMs);
  const { filter } = plan;

  type Search = ReturnType<typeof replaysSearch>;
  /** An empty value removes the choice from the URL. */
  const set = (key: keyof Search, value: string | readonly string[] | undefined) =>
    void navigate({
      search: (old) => {
        const { [key]: _old, ...others } = old;
        return value === undefined || value.length === 0 ? others : ({ ...others, [key]: value } as typeof old);
      },
      replace: true,
    });
  const make = useMutation({
    mutationFn: () => createPlan(org.id, plan),
    onSuccess: async ({ id }) => {
      notifications.show({ message: t('created'), color: 'teal' });
      await navigate({ search: { plan: id } });
      await invalidateReplayList(queryClient, org.id);
    },
  });
  const moment = (key: 'from' | 'to', error: string | undefined) => (
    <DateTimePicker
      label={t(key)}
      description={filter[key] === '' ? ' ' : t('utc', { time: filter[key].slice(0, 16).replace('T', ' ') })}
      valueFormat={language === 'pt-BR' ? 'D MMM YYYY, HH:mm' : 'MMM D, YYYY, h:mm A'}
      value={filter[key] === '' ? null : dayjs(filter[key]).format('YYYY-MM-DD HH:mm:ss')}
      onChange={(value) => set(key, value === null ? 'none' : dayjs(value).toISOString())}
      error={error}
    />
  );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          {moment('from', filter.from === '' ? t('rangeMissing') : undefined)}
          {moment('to', filter.to === '' ? t('rangeMissing') : problem === 'rangeWrong' ? t('rangeWrong') : undefined)}
        </SimpleGrid>
        <MultiSelect
          label={t('connections')}
          placeholder={filter.connectionIds ? '' : t('allConnections')}
          data={(connections.data ?? []).map((row) => ({ value: row.source_connection_id, label: row.name }))}
          value={filter.connectionIds ?? []}
          onChange={(value) => set('connections', value)}
          searchable
          clearable
        />
        <TagsInput
          label={t('types')}
          description={t('typesHint')}
          placeholder={filter.eventTypes ? '' : t('allTypes')}
          data={Object.keys(canonicalTypes)}
          value={filter.eventTypes ?? []}
          onChange={(value) => set('types', value)}
          limit={50}
          maxTags={100}
          clearable
        />
        <MultiSelect
          label={t('outcomes')}
          description={t('outcomesHint')}
          placeholder={filter.outcomes ? '' : t('allOutcomes')}
          data={outcomes.map((value) => ({ value, label: t(`outcome_${value}`) }))}
          value={filter.outcomes ?? []}
          onChange={(value) => set('outcomes', value)}
          clearable
        />
        <Checkbox
          label={t('includeReplays')}
          checked={filter.includeReplays === true}
          onChange={(event) => set('replays', event.currentTarget.checked ? '1' : undefined)}
        />
        <Radio.Group
          label={t('mode')}
          value={plan.mode ?? 'replay'}
          onChange={(value) => set('mode', value === 'reprocess' ? value : undefined)}
        >
          <Stack gap="xs" mt={6}>
            <Radio value="replay" label={t('replay')} description={t('replayWhat')} />
            <Radio value="reprocess" label={t('reprocess')} description={t('reprocessWhat')} />
          </Stack>
        </Radio.Group>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          <NumberField
            label={t('throttle')}
            description={t('throttleHint')}
            placeholder={String(throttleDefault)}
            min={1}
            max={1_000}
            allowDecimal={false}
            value={isThrottled ? (plan.throttlePerSecond ?? null) : null}
            onChange={(value) => set('rate', value ? String(Math.min(value, 1_000)) : undefined)}
          />
          <TextInput
            label={t('name')}
            description={t('nameHint')}
            maxLength={120}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
        </SimpleGrid>
        {/* Stays visible at the bottom: the effect of the fields above. */}
        <Box pos="sticky" bottom={0} py="sm" bg="body" style={{ zIndex: 1 }}>
          <PlanCount plan={problem ? undefined : (JSON.parse(debounced) as NewPlan)} isUpToDate={debounced === JSON.stringify(countable)}>
            {(count) => (
              <>
                <Refused error={make.error} />
                <Group justify="flex-end">
                  <Button type="submit" loading={make.isPending}>
                    {t('create', count)}
                  </Button>
                </Group>
              </>
            )}
          </PlanCount>
        </Box>
      </Stack>
    </form>
  );
}
