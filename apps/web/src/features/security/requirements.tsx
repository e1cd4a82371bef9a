import { Button, Checkbox, Group, Stack, Switch, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { guardedActs, type OrgSecurity } from '@tributary/shared/approvals.ts';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { WhyNot } from '../../ui/admin-only.tsx';
import { Facts } from '../../ui/facts.tsx';
import { NumberField } from '../../ui/number-field.tsx';
import { Section } from '../../ui/page.tsx';
import { Refused } from '../../ui/refused.tsx';
import { Loaded } from '../../ui/states.tsx';
import { changeSecurity, invalidateSecurity, orgSecurity } from './queries.ts';
import { securityTexts } from './texts.ts';

/** What the org requires of its own people: a second factor, and a second person for irreversible acts. */
export function Requirements() {
  const t = useTexts(securityTexts);
  const org = useOrg();
  const security = useQuery(orgSecurity(org.id));
  return (
    <Section title={t('requirements')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('requirementsHint')}
        </Text>
        {/* The key makes saved settings the new starting point of the form. */}
        <Loaded query={security} height={280}>
          {(settings) =>
            org.role === 'owner' ? <Form key={JSON.stringify(settings)} settings={settings} /> : <Rules settings={settings} />
          }
        </Loaded>
      </Stack>
    </Section>
  );
}

/** The rules for people who cannot change them. */
function Rules({ settings: { requiresSecondFactor, secondPerson, purgeCount } }: { settings: OrgSecurity }) {
  const t = useTexts(securityTexts);
  const facts: [string, string][] = [
    [t('secondFactor'), t(requiresSecondFactor ? 'on' : 'off')],
    [t('secondPerson'), secondPerson.map((act) => t(act)).join(', ') || t('nothing')],
  ];
  if (secondPerson.includes('purge')) facts.push([t('purgeCount'), String(purgeCount)]);
  return (
    <Stack gap="sm">
      <Facts label={t('requirements')} facts={facts} />
      <WhyNot text={t('ownersOnly')} />
    </Stack>
  );
}

function Form({ settings }: { settings: OrgSecurity }) {
  const t = useTexts(securityTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const [wanted, setWanted] = useState(settings);
  const save = useMutation({ mutationFn: () => changeSecurity(org.id, wanted), onSuccess: () => invalidateSecurity(queryClient) });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Stack gap="md">
        <Switch
          label={t('secondFactor')}
          description={t('secondFactorHint')}
          checked={wanted.requiresSecondFactor}
          onChange={({ currentTarget }) => setWanted({ ...wanted, requiresSecondFactor: currentTarget.checked })}
        />
        <Checkbox.Group
          label={t('secondPerson')}
          description={t('secondPersonHint')}
          value={wanted.secondPerson}
          onChange={(secondPerson) => setWanted({ ...wanted, secondPerson: secondPerson as OrgSecurity['secondPerson'] })}
        >
          <Stack gap={6} mt="xs">
            {guardedActs.map((act) => (
              <Checkbox key={act} value={act} label={t(act)} />
            ))}
          </Stack>
        </Checkbox.Group>
        {wanted.secondPerson.includes('purge') && (
          <NumberField
            label={t('purgeCount')}
            description={t('purgeCountHint')}
            min={0}
            max={1_000_000_000}
            maw={240}
            value={wanted.purgeCount}
            onChange={(purgeCount) => setWanted({ ...wanted, purgeCount: Number(purgeCount) || 0 })}
          />
        )}
        <Refused error={save.error} />
        <Group>
          <Button type="submit" size="xs" loading={save.isPending}>
            {t('save')}
          </Button>
          {save.isSuccess && (
            <Text size="sm" c="dimmed" role="status">
              {t('saved')}
            </Text>
          )}
        </Group>
      </Stack>
    </form>
  );
}
