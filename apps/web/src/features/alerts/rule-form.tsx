import { Button, Group, Modal, Select, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { alertDefaults } from '@tributary/shared/alert-kinds.ts';
import type { AlertRule } from '@tributary/shared/alerts.ts';
import { useState } from 'react';
import { ApiError } from '../../lib/api.ts';
import { formatDuration } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { levels } from '../../lib/incidents.ts';
import { useOrg } from '../../lib/orgs.ts';
import { incidentTexts } from '../../ui/incident-texts.ts';
import { LevelBadge } from '../../ui/level.tsx';
import { NumberField } from '../../ui/number-field.tsx';
import { Refused } from '../../ui/refused.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { LevelInput } from './level-input.tsx';
import { invalidateAlertRules, updateRule } from './queries.ts';
import { ruleTexts } from './rule-texts.ts';

const reminders = [15, 30, 60, 240, 720, 1_440];

/** The levels, window and reminders of a rule. What the API refuses is shown at its field. */
export function RuleForm({ rule, onClose }: { rule: AlertRule; onClose: () => void }) {
  const t = useTexts(ruleTexts);
  const ui = useTexts(uiTexts);
  const kinds = useTexts(incidentTexts);
  const language = useLanguage();
  const org = useOrg();
  const queryClient = useQueryClient();
  const [thresholds, setThresholds] = useState(rule.thresholds);
  const [renotify, setRenotify] = useState(rule.renotifyMinutes);
  const [resolveAfter, setResolveAfter] = useState<number | null>(rule.resolveAfterMinutes);
  // A level field remembers the chosen unit: the round in its key makes it start again when the defaults are restored.
  const [round, setRound] = useState(0);
  const save = useMutation({
    mutationFn: () =>
      updateRule(rule.id, {
        thresholds,
        renotifyMinutes: renotify,
        ...(resolveAfter === null ? {} : { resolveAfterMinutes: resolveAfter }),
      }),
    onSuccess: async () => {
      await invalidateAlertRules(queryClient, org.id);
      notifications.show({ message: ui('saved'), color: 'teal' });
      onClose();
    },
  });
  const errors = save.error instanceof ApiError ? save.error.fields : {};
  const atFields = ['info', 'warning', 'critical', 'windowMinutes', 'minRecords'].some((key) => errors[`thresholds.${key}`]);
  const setBack = () => {
    setThresholds({ ...alertDefaults.thresholds[rule.kind] });
    setRenotify(alertDefaults.renotifyMinutes);
    setResolveAfter(alertDefaults.resolveAfterMinutes);
    setRound(round + 1);
    save.reset();
  };
  return (
    <Modal opened onClose={onClose} title={kinds(rule.kind)} closeButtonProps={{ 'aria-label': ui('close') }}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Stack gap="sm">
          <Text size="sm" c="dimmed">
            {t(`${rule.kind}Rule`, { window: formatDuration((thresholds.windowMinutes ?? 0) * 60, language) })} {t('levelsHint')}
          </Text>
          <Refused error={save.error} atField={atFields} message={errors.thresholds && `${t('levels')}: ${errors.thresholds}`} />
          {[...levels].reverse().map((level) => (
            <LevelInput
              key={`${level} ${round}`}
              label={<LevelBadge level={level} />}
              name={kinds(level)}
              unit={rule.unit}
              value={thresholds[level]}
              onChange={(value) => setThresholds((old) => ({ ...old, [level]: value }))}
              isRefused={errors[`thresholds.${level}`] !== undefined}
            />
          ))}
          <Group grow align="flex-start">
            {thresholds.windowMinutes !== undefined && (
              <NumberField
                label={t('window')}
                description={t('windowHint')}
                value={thresholds.windowMinutes}
                onChange={(value) => setThresholds((old) => ({ ...old, windowMinutes: value ?? 0 }))}
                allowDecimal={false}
                clampBehavior="none"
                suffix=" min"
                error={errors['thresholds.windowMinutes']}
              />
            )}
            <NumberField
              label={thresholds.windowMinutes === undefined ? t('minActive') : t('minRecords')}
              description={thresholds.windowMinutes === undefined ? t('minActiveHint') : t('minRecordsHint')}
              value={thresholds.minRecords}
              onChange={(value) => setThresholds((old) => ({ ...old, minRecords: value ?? 0 }))}
              allowDecimal={false}
              clampBehavior="none"
              error={errors['thresholds.minRecords']}
            />
          </Group>
          <Group grow align="flex-start">
            <Select
              label={t('reminders')}
              allowDeselect={false}
              value={String(renotify)}
              data={[
                { value: 'null', label: t('never') },
                ...[...new Set([...reminders, ...(rule.renotifyMinutes === null ? [] : [rule.renotifyMinutes])])]
                  .sort((a, b) => a - b)
                  .map((minutes) => ({ value: String(minutes), label: t('every', { every: formatDuration(minutes * 60, language) }) })),
              ]}
              onChange={(value) => setRenotify(value === null || value === 'null' ? null : Number(value))}
              error={errors.renotifyMinutes}
            />
            <NumberField
              label={t('resolveAfter')}
              value={resolveAfter}
              onChange={setResolveAfter}
              allowDecimal={false}
              clampBehavior="none"
              suffix=" min"
              error={errors.resolveAfterMinutes}
            />
          </Group>
          <Group justify="space-between" mt="xs">
            <Button variant="subtle" color="gray" onClick={setBack}>
              {t('setBack')}
            </Button>
            <Group gap="xs">
              <Button variant="default" onClick={onClose}>
                {ui('cancel')}
              </Button>
              <Button type="submit" loading={save.isPending}>
                {ui('save')}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
