import { Accordion, Button, Group, PasswordInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import type { CreateConnection, CreatedConnection, SourceEntry } from '@tributary/shared/api.ts';
import { type FormEvent, type ReactNode, useState } from 'react';
import { ApiError } from '../../lib/api.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { orgProjects } from '../../lib/projects.ts';
import { Refused } from '../../ui/refused.tsx';
import { type JsonSchema, SchemaForm } from '../../ui/schema-form.tsx';
import { createConnection } from './queries.ts';
import { connectionTexts } from './texts.ts';

/** The name, project, secrets and settings of a new connection. What the API refuses is shown at its field. */
export function CreateForm({
  source,
  onCreated,
  back,
}: {
  source: SourceEntry;
  onCreated: (created: CreatedConnection) => void;
  back: ReactNode;
}) {
  const t = useTexts(connectionTexts);
  const org = useOrg();
  const projects = useQuery(orgProjects(org.id));
  const [name, setName] = useState(source.label);
  const [projectId, setProjectId] = useState<string>();
  const [secrets, setSecrets] = useState<Record<string, string>>({});
  const [config, setConfig] = useState<Record<string, unknown>>(source.exampleConfig);
  const [isOpen, setOpen] = useState(Object.keys(source.exampleConfig).length > 0);
  const schema = source.configSchema as JsonSchema;
  const create = useMutation({
    mutationFn: () => {
      const given = Object.fromEntries(Object.entries(secrets).filter(([, value]) => value !== ''));
      const body: CreateConnection = { projectId: projectId ?? projects.data?.[0]?.id ?? '', type: source.type, name, config };
      if (Object.keys(given).length > 0) body.secrets = given;
      return createConnection(body);
    },
    onSuccess: onCreated,
  });
  const errors = create.error instanceof ApiError ? create.error.fields : {};
  const isWrongInside = Object.keys(errors).some((path) => path.startsWith('config.'));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Refused error={create.error} />
        <TextInput
          label={t('name')}
          required
          withAsterisk={false}
          maxLength={120}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={errors.name}
        />
        <Select
          label={t('project')}
          allowDeselect={false}
          data={(projects.data ?? []).map((project) => ({ value: project.id, label: project.name }))}
          value={projectId ?? projects.data?.[0]?.id ?? null}
          onChange={(value) => setProjectId(value ?? undefined)}
        />
        {source.secrets.map((field) => (
          <PasswordInput
            key={field.name}
            label={field.label}
            description={`${field.help} ${field.issuedBy === 'platform' ? t('secretLater') : t('secretGenerated')}`}
            autoComplete="off"
            value={secrets[field.name] ?? ''}
            onChange={(event) => setSecrets({ ...secrets, [field.name]: event.currentTarget.value })}
            error={errors[`secrets.${field.name}`]}
          />
        ))}
        {Object.keys(schema.properties ?? {}).length > 0 && (
          <Accordion variant="contained" value={isOpen || isWrongInside ? 'settings' : null} onChange={(value) => setOpen(value !== null)}>
            <Accordion.Item value="settings">
              <Accordion.Control>
                <Text size="sm">{t('advanced')}</Text>
              </Accordion.Control>
              <Accordion.Panel>
                <SchemaForm schema={schema} value={config} onChange={setConfig} errors={errors} path="config" />
              </Accordion.Panel>
            </Accordion.Item>
          </Accordion>
        )}
        <Group justify="space-between" mt="xs">
          {back}
          <Button type="submit" loading={create.isPending} disabled={!projects.data?.length}>
            {t('create')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
