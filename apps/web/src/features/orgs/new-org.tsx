import { Button, Card, Center, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { session } from '../../app/session.ts';
import { useTexts } from '../../lib/i18n.ts';
import { myOrgs } from '../../lib/orgs.ts';
import { read, supabase } from '../../lib/supabase.ts';
import { Refused } from '../../ui/refused.tsx';
import { orgTexts } from './texts.ts';

export function NewOrg() {
  const t = useTexts(orgTexts);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const form = useForm({
    initialValues: { name: '', project: t('projectDefault') },
    validate: { name: (value) => (value.trim() ? null : t('nameMissing')) },
  });
  const create = useMutation({
    mutationFn: async () => {
      const created = (await read(
        supabase().data.rpc('create_org', { name: form.values.name, project_name: form.values.project.trim() || t('projectDefault') }),
      )) as { org_id: string };
      const orgs = await queries.fetchQuery({ ...myOrgs(session()?.user.id ?? ''), staleTime: 0 });
      return orgs.find((org) => org.id === created.org_id);
    },
    onSuccess: (org) => {
      if (org) void navigate({ to: '/o/$org/overview', params: { org: org.slug } });
    },
  });
  return (
    <Center mih="100dvh" p="md" component="main">
      <Card withBorder padding="lg" w="100%" maw={460}>
        <form onSubmit={form.onSubmit(() => create.mutate())}>
          <Stack gap="sm">
            <Title order={1} size="h4">
              {t('newOrg')}
            </Title>
            <Text size="sm" c="dimmed">
              {t('newOrgHint')}
            </Text>
            <Refused error={create.error} />
            <TextInput label={t('name')} maxLength={120} data-autofocus {...form.getInputProps('name')} />
            <TextInput label={t('project')} description={t('projectHint')} maxLength={120} {...form.getInputProps('project')} />
            <Button type="submit" loading={create.isPending}>
              {t('create')}
            </Button>
          </Stack>
        </form>
      </Card>
    </Center>
  );
}
