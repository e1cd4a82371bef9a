import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { Section } from '../../ui/page.tsx';
import { QuotaTable } from '../../ui/quota-table.tsx';
import { Loaded } from '../../ui/states.tsx';
import { orgQuotas } from './queries.ts';
import { ownQuotaTexts } from './texts.ts';

/** The quotas of the org and what it uses of them, for owners and admins. */
export function Quotas() {
  const t = useTexts(ownQuotaTexts);
  const org = useOrg();
  const quotas = useQuery({ ...orgQuotas(org.id), enabled: org.canWrite });
  return (
    <Section title={t('quotas')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('hint')}
        </Text>
        <AdminOnly>
          <Loaded query={quotas} height={600}>
            {(rows) => <QuotaTable quotas={rows} label={t('quotas')} />}
          </Loaded>
        </AdminOnly>
      </Stack>
    </Section>
  );
}
