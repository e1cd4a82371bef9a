import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import type { Org } from '@tributary/shared/api.ts';
import { type ReactNode, useState } from 'react';
import { ApiError } from '../../lib/api.ts';
import { useTexts } from '../../lib/i18n.ts';
import { myOrgs, useOrg } from '../../lib/orgs.ts';
import { useSession } from '../../lib/session.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { Section } from '../../ui/page.tsx';
import { RateLimitInput } from '../../ui/rate-limit-input.tsx';
import { Refused } from '../../ui/refused.tsx';
import { roleTexts } from '../../ui/role-texts.ts';
import { Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Id, Time } from '../../ui/values.tsx';
import { orgDetail, updateOrg } from './queries.ts';
import { orgSettingsTexts } from './settings-texts.ts';

export function OrgSettings() {
  const t = useTexts(orgSettingsTexts);
  const query = useQuery(orgDetail(useOrg().id));
  return (
    <>
      <Section title={t('general')}>
        <AdminOnly>
          <Loaded query={query} height={230}>
            {(org) => <Form org={org} />}
          </Loaded>
        </AdminOnly>
      </Section>
      <Section title={t('about')}>
        <Loaded query={query} height={271}>
          {(org) => <About org={org} />}
        </Loaded>
      </Section>
    </>
  );
}

function Form({ org }: { org: Org }) {
  const t = useTexts(orgSettingsTexts);
  const ui = useTexts(uiTexts);
  const queryClient = useQueryClient();
  const router = useRouter();
  const userId = useSession()?.user.id ?? '';
  const [name, setName] = useState(org.name);
  const [rateLimitPerSecond, setRateLimit] = useState(org.rateLimitPerSecond);
  const save = useMutation({
    mutationFn: () => updateOrg(org.id, { name, rateLimitPerSecond }),
    onSuccess: async (saved) => {
      queryClient.setQueryData(orgDetail(org.id).queryKey, saved);
      // The header and the route show the new name too.
      await queryClient.fetchQuery({ ...myOrgs(userId), staleTime: 0 });
      await router.invalidate();
      notifications.show({ message: ui('saved'), color: 'teal' });
    },
  });
  const errors = save.error instanceof ApiError ? save.error.fields : {};
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Stack gap="sm">
        <Refused error={save.error} />
        <TextInput
          label={t('name')}
          description={t('nameHint')}
          required
          withAsterisk={false}
          maxLength={120}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={errors.name}
        />
        <RateLimitInput
          label={t('rateLimit')}
          hint={t('rateLimitHint')}
          value={rateLimitPerSecond}
          onChange={setRateLimit}
          error={errors.rateLimitPerSecond}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending}>
            {ui('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function About({ org }: { org: Org }) {
  const t = useTexts(orgSettingsTexts);
  const roles = useTexts(roleTexts);
  return (
    <Stack gap="sm">
      <Fact label={t('id')} hint={t('idHint')}>
        <Id value={org.id} whole />
      </Fact>
      <Fact label={t('slug')} hint={t('slugHint')}>
        <Id value={org.slug} whole />
      </Fact>
      <Fact label={t('yourRole')} hint={roles(`${org.role}Hint`)}>
        <Text size="sm">{roles(org.role)}</Text>
      </Fact>
      <Fact label={t('created')}>
        <Text size="sm">
          <Time at={org.createdAt} exact />
        </Text>
      </Fact>
    </Stack>
  );
}

function Fact({ label, hint, children }: { label: string; hint?: string; children: ReactNode }) {
  return (
    <div>
      <Text size="sm" fw={500}>
        {label}
      </Text>
      {children}
      {hint && (
        <Text size="xs" c="dimmed">
          {hint}
        </Text>
      )}
    </div>
  );
}
