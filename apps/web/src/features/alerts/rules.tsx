import { Badge, Box, Button, Card, Group, SimpleGrid, Stack, Switch, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { alertDefaults, alertKinds } from '@tributary/shared/alert-kinds.ts';
import type { AlertRule } from '@tributary/shared/alerts.ts';
import { useState } from 'react';
import { formatDuration } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { formatAlertValue, levels } from '../../lib/incidents.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { incidentTexts } from '../../ui/incident-texts.ts';
import { LevelBadge } from '../../ui/level.tsx';
import { live } from '../../ui/live.tsx';
import { Loaded } from '../../ui/states.tsx';
import { alertRules, invalidateAlertRules, updateRule } from './queries.ts';
import { RuleForm } from './rule-form.tsx';
import { ruleTexts } from './rule-texts.ts';

/** The rules: one of each kind, applied to every connection of the org. */
export function Rules() {
  const t = useTexts(ruleTexts);
  const { canWrite, id } = useOrg();
  const query = useQuery({ ...alertRules(id), ...live(30_000) });
  const [editing, setEditing] = useState<AlertRule>();
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {t('intro')}
      </Text>
      {!canWrite && <AdminOnly>{null}</AdminOnly>}
      <Loaded query={query} height={640}>
        {(rules) => (
          <SimpleGrid cols={{ base: 1, lg: 2 }} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
            {[...rules]
              .sort((a, b) => alertKinds.indexOf(a.kind) - alertKinds.indexOf(b.kind))
              .map((rule) => (
                <RuleCard key={rule.id} rule={rule} onEdit={() => setEditing(rule)} />
              ))}
          </SimpleGrid>
        )}
      </Loaded>
      {editing && <RuleForm rule={editing} onClose={() => setEditing(undefined)} />}
    </Stack>
  );
}

/** Whether the rule still has the default values. */
function isDefault({ kind, thresholds, renotifyMinutes, resolveAfterMinutes }: AlertRule): boolean {
  const first = alertDefaults.thresholds[kind];
  return (
    (Object.keys(first) as (keyof typeof first)[]).every((key) => first[key] === thresholds[key]) &&
    renotifyMinutes === alertDefaults.renotifyMinutes &&
    resolveAfterMinutes === alertDefaults.resolveAfterMinutes
  );
}

function RuleCard({ rule, onEdit }: { rule: AlertRule; onEdit: () => void }) {
  const t = useTexts(ruleTexts);
  const kinds = useTexts(incidentTexts);
  const language = useLanguage();
  const { canWrite, id: orgId } = useOrg();
  const queryClient = useQueryClient();
  const toggle = useMutation({
    mutationFn: (enabled: boolean) => updateRule(rule.id, { enabled }),
    onSettled: () => invalidateAlertRules(queryClient, orgId),
  });
  const enabled = toggle.isPending ? toggle.variables : rule.enabled;
  const minutes = (count: number) => formatDuration(count * 60, language);
  return (
    <Card withBorder component="li" padding="md">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Title order={2} size="h6">
          {kinds(rule.kind)}
        </Title>
        {canWrite ? (
          <Switch
            checked={enabled}
            onChange={(event) => toggle.mutate(event.currentTarget.checked)}
            aria-label={`${kinds(rule.kind)}: ${t('watched')}`}
          />
        ) : (
          <Badge variant="default" tt="none">
            {rule.enabled ? t('on') : t('off')}
          </Badge>
        )}
      </Group>
      <Text size="sm" c="dimmed" mt={4}>
        {t(`${rule.kind}Rule`, { window: minutes(rule.thresholds.windowMinutes ?? 0) })}
      </Text>
      <Group gap="xs" my="sm">
        {[...levels].reverse().map((level) => {
          const value = rule.thresholds[level];
          return (
            value !== null && (
              <Group key={level} gap={4} wrap="nowrap">
                <LevelBadge level={level} />
                <Text size="sm" className="tabular">
                  {t(rule.unit === 'records' ? 'aboveRecords' : 'above', { value: formatAlertValue(value, rule.unit, language) })}
                </Text>
              </Group>
            )
          );
        })}
      </Group>
      <Group justify="space-between" gap="xs" mt="auto" align="flex-end">
        <Box>
          <Text size="xs" c="dimmed">
            {rule.renotifyMinutes === null ? t('toldOnce') : t('remindedEvery', { every: minutes(rule.renotifyMinutes) })} ·{' '}
            {t('resolvesAfter', { after: rule.resolveAfterMinutes === 0 ? t('atOnce') : minutes(rule.resolveAfterMinutes) })}
            {!isDefault(rule) && ` · ${t('changed')}`}
          </Text>
          {toggle.error && (
            <Text size="xs" c="red" role="alert">
              {toggle.error.message}
            </Text>
          )}
        </Box>
        {canWrite && (
          <Button size="xs" variant="default" onClick={onEdit} aria-label={`${t('edit')}: ${kinds(rule.kind)}`}>
            {t('edit')}
          </Button>
        )}
      </Group>
    </Card>
  );
}
