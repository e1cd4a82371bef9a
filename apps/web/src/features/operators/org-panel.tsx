import { Button, Group, NativeSelect, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { OrgDetailForOperator } from '@tributary/shared/operators.ts';
import { useState } from 'react';
import { formatNumber } from '../../lib/format.ts';
import { hasText, useLanguage, useTexts } from '../../lib/i18n.ts';
import { Facts } from '../../ui/facts.tsx';
import { QuotaTable } from '../../ui/quota-table.tsx';
import { quotaTexts } from '../../ui/quota-texts.ts';
import { Refused } from '../../ui/refused.tsx';
import { SidePanel } from '../../ui/side-panel.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Id, Time } from '../../ui/values.tsx';
import { changeSuspension, invalidateInstallation, orgOfInstallation, setQuota } from './queries.ts';
import { installationTexts } from './texts.ts';

/** One org with its owners, its state and its quotas, and the acts of an operator. */
export function OrgPanel({ token, id, onClose }: { token: string; id: string; onClose: () => void }) {
  const t = useTexts(installationTexts);
  const org = useQuery(orgOfInstallation(token, id));
  return (
    <SidePanel title={org.data?.name ?? t('org')} onClose={onClose}>
      <Loaded query={org} height={500}>
        {(data) => (
          <Stack gap="lg">
            <Facts
              label={t('org')}
              facts={[
                ['Id', <Id key="id" value={data.id} whole />],
                [t('owners'), data.owners.join(', ')],
                [t('created'), <Time key="created" at={data.createdAt} />],
                ...(data.suspendedAt
                  ? ([
                      [t('since'), <Time key="since" at={data.suspendedAt} />],
                      [t('reason'), data.suspendedReason],
                    ] as const)
                  : []),
              ]}
            />
            <Suspension token={token} org={data} />
            <SetQuota token={token} org={data} />
            <QuotaTable quotas={data.quotas} label={t('quotas')} />
          </Stack>
        )}
      </Loaded>
    </SidePanel>
  );
}

/** What every act does after it succeeded. */
function useDone() {
  const t = useTexts(installationTexts);
  const queryClient = useQueryClient();
  return async () => {
    notifications.show({ message: t('done'), color: 'teal' });
    await invalidateInstallation(queryClient);
  };
}

function Suspension({ token, org }: { token: string; org: OrgDetailForOperator }) {
  const t = useTexts(installationTexts);
  const act = org.suspendedAt ? 'reactivate' : 'suspend';
  const [reason, setReason] = useState('');
  const done = useDone();
  const change = useMutation({ mutationFn: () => changeSuspension(token, org.id, act, reason.trim()), onSuccess: done });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate();
      }}
    >
      <Stack gap="xs">
        <Text size="sm">{t(`${act}What`)}</Text>
        <Refused error={change.error} />
        <TextInput
          label={t('reason')}
          description={t('reasonHint')}
          required={act === 'suspend'}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        <Button
          type="submit"
          loading={change.isPending}
          style={{ alignSelf: 'flex-start' }}
          {...(act === 'suspend' ? { color: 'red' } : {})}
        >
          {t(act)}
        </Button>
      </Stack>
    </form>
  );
}

function SetQuota({ token, org }: { token: string; org: OrgDetailForOperator }) {
  const t = useTexts(installationTexts);
  const q = useTexts(quotaTexts);
  const language = useLanguage();
  const [name, setName] = useState(org.quotas[0]?.name ?? '');
  const [value, setValue] = useState<number | string>('');
  const done = useDone();
  const set = useMutation({ mutationFn: () => setQuota(token, org.id, name, value === '' ? null : Number(value)), onSuccess: done });
  const defaultValue = org.quotas.find((quota) => quota.name === name)?.defaultValue ?? 0;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        set.mutate();
      }}
    >
      <Stack gap="xs">
        <Refused error={set.error} />
        <Group gap="xs" align="flex-start" grow>
          <NativeSelect
            label={t('quota')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data={org.quotas.map((quota) => ({ value: quota.name, label: hasText(quotaTexts, quota.name) ? q(quota.name) : quota.name }))}
          />
          <NumberInput
            label={t('newValue')}
            description={t('newValueHint', { value: formatNumber(defaultValue, language) })}
            min={0}
            max={Number.MAX_SAFE_INTEGER}
            allowDecimal={false}
            value={value}
            onChange={setValue}
          />
        </Group>
        <Button type="submit" variant="default" loading={set.isPending} style={{ alignSelf: 'flex-start' }}>
          {t('set')}
        </Button>
      </Stack>
    </form>
  );
}
