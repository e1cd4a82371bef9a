import { Button, Card, Center, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useTexts } from '../../lib/i18n.ts';
import { read, supabase } from '../../lib/supabase.ts';
import { OpenOrg } from '../../ui/open-org.tsx';
import { Refused } from '../../ui/refused.tsx';
import { orgTexts } from './texts.ts';

export function NewOrg() {
  const t = useTexts(orgTexts);
  const form = useForm({
    initialValues: { name: '', project: t('projectDefault') },
    validate: { name: (value) => (value.trim() ? null : t('nameMissing')) },
  });
  const create = useMutation({
    mutationFn: async () => {
      const { name, project } = form.values;
      const made = await read(supabase().data.rpc('create_org', { name, project_name: project.trim() || t('projectDefault') }));
      return (made as { org_id: string }).org_id;
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
            {create.isSuccess ? (
              <OpenOrg orgId={create.data} />
            ) : (
              <>
                <Text size="sm" c="dimmed">
                  {t('newOrgHint')}
                </Text>
                <Refused error={create.error} />
                <TextInput label={t('name')} maxLength={120} data-autofocus {...form.getInputProps('name')} />
                <TextInput label={t('project')} description={t('projectHint')} maxLength={120} {...form.getInputProps('project')} />
                <Button type="submit" loading={create.isPending}>
                  {t('create')}
                </Button>
              </>
            )}
          </Stack>
        </form>
      </Card>
    </Center>
  );
}
