import { Alert, Button, Group, Stack, Table, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Retention as Rules } from '@tributary/shared/retention.ts';
import { useState } from 'react';
import { ApiError } from '../../lib/api.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { NumberField } from '../../ui/number-field.tsx';
import { Section } from '../../ui/page.tsx';
import { Refused } from '../../ui/refused.tsx';
import { Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Time } from '../../ui/values.tsx';
import { retention, setRetention } from './queries.ts';
import { retentionTexts } from './texts.ts';

/** How long the org keeps its data. Owners and admins can shorten it. */
export function Retention() {
  const t = useTexts(retentionTexts);
  const org = useOrg();
  const rules = useQuery(retention(org.id));
  return (
    <Section title={t('retention')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('retentionHint')}
        </Text>
        {!org.canWrite && <AdminOnly>{null}</AdminOnly>}
        <Loaded query={rules} height={330}>
          {(loaded) => <Days rules={loaded} canWrite={org.canWrite} />}
        </Loaded>
      </Stack>
    </Section>
  );
}

type Chosen = Record<Rules['rules'][number]['kind'], number | null>;
const chosenOf = ({ rules }: Rules) => Object.fromEntries(rules.map((rule) => [rule.kind, rule.chosenDays])) as Chosen;

function Days({ rules, canWrite }: { rules: Rules; canWrite: boolean }) {
  const t = useTexts(retentionTexts);
  const ui = useTexts(uiTexts);
  const queryClient = useQueryClient();
  const [chosen, setChosen] = useState(() => chosenOf(rules));
  const save = useMutation({
    mutationFn: () => setRetention(rules.orgId, chosen),
    onSuccess: (saved) => {
      queryClient.setQueryData(retention(rules.orgId).queryKey, saved);
      setChosen(chosenOf(saved));
      notifications.show({ message: ui('saved'), color: 'teal' });
    },
  });
  const errors = save.error instanceof ApiError ? save.error.fields : {};
  const shortens = rules.rules.some(({ kind, keepDays, maximumDays }) => (chosen[kind] ?? maximumDays) < keepDays);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Stack gap="sm">
        <Refused error={save.error} atField={Object.keys(errors).length > 0} />
        <Table aria-label={t('retention')}>
          <Table.Tbody>
            {rules.rules.map(({ kind, keepDays, maximumDays, chosenDays, appliesFrom }) => (
              <Table.Tr key={kind}>
                <Table.Th scope="row" fw={400}>
                  {t(kind)}
                  <Text size="xs" c="dimmed">
                    {t('atMost', { days: t('days', { count: maximumDays }) })}
                    {chosenDays !== null && appliesFrom !== null && Date.parse(appliesFrom) > Date.now() && (
                      <>
                        {' · '}
                        {t('appliesFrom')} <Time at={appliesFrom} exact />
                      </>
                    )}
                  </Text>
                </Table.Th>
                <Table.Td className="tabular" ta="right" w={180}>
                  {canWrite ? (
                    <NumberField
                      aria-label={t(kind)}
                      placeholder={t('days', { count: maximumDays })}
                      suffix={t('daysSuffix')}
                      min={1}
                      max={maximumDays}
                      allowDecimal={false}
                      allowNegative={false}
                      value={chosen[kind]}
                      onChange={(days) => setChosen({ ...chosen, [kind]: days })}
                      error={errors[kind]}
                    />
                  ) : (
                    t('days', { count: keepDays })
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
            <Table.Tr>
              <Table.Th scope="row" fw={400}>
                {t('idempotency')}
              </Table.Th>
              <Table.Td ta="right">{t('forEver')}</Table.Td>
            </Table.Tr>
          </Table.Tbody>
        </Table>
        {shortens && <Alert color="orange">{t('shortens')}</Alert>}
        {canWrite && (
          <Group justify="flex-end">
            <Button type="submit" loading={save.isPending}>
              {ui('save')}
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}
