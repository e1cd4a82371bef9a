import { ActionIcon, Button, Group, Modal, Stack, TextInput, Tooltip } from '@mantine/core';
import { useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { IconPencil } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '../../lib/errors.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { invalidateProjects, type Project } from '../../lib/projects.ts';
import { Refused } from '../../ui/refused.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { addProject, renameProject } from './queries.ts';
import { projectTexts } from './texts.ts';

const slugPattern = /^[a-z0-9][a-z0-9-]{0,79}$/;

/** Makes a slug of a name: "curso-de-violao" of "Curso de violão". */
function slugOf(name: string): string {
  const plain = name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 80)
    .replace(/^-|-$/g, '');
}

/** Whether the unique key of (org, slug) was violated. */
const isTaken = (error: unknown) => error instanceof ApiError && error.code === '23505';

export function AddProject() {
  const t = useTexts(projectTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  // The slug follows the name until the person types a slug.
  const [own, setOwn] = useState(false);
  const form = useForm({
    initialValues: { name: '', slug: '' },
    validate: {
      name: (value) => (value.trim() ? null : t('nameMissing')),
      slug: (value) => (slugPattern.test(value) ? null : t('slugWrong')),
    },
  });
  const add = useMutation({
    mutationFn: ({ name, slug }: typeof form.values) => addProject(org.id, { name: name.trim(), slug }),
    onSuccess: async (_done, { name }) => {
      notifications.show({ message: t('added', { name }), color: 'teal' });
      form.reset();
      setOwn(false);
      await invalidateProjects(queryClient, org.id);
    },
    onError: (error) => {
      if (isTaken(error)) form.setFieldError('slug', t('slugTaken'));
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => add.mutate(values))} noValidate>
      <Stack gap="sm">
        <Refused error={add.error} atField={isTaken(add.error)} />
        <TextInput
          label={t('name')}
          maxLength={120}
          {...form.getInputProps('name')}
          onChange={(event) => {
            form.setFieldValue('name', event.currentTarget.value);
            if (!own) form.setFieldValue('slug', slugOf(event.currentTarget.value));
          }}
        />
        <TextInput
          label={t('slug')}
          description={t('slugHint')}
          maxLength={80}
          classNames={{ input: 'mono' }}
          {...form.getInputProps('slug')}
          onChange={(event) => {
            setOwn(event.currentTarget.value !== '');
            form.setFieldValue('slug', event.currentTarget.value);
          }}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={add.isPending}>
            {t('add')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function RenameProject({ project }: { project: Project }) {
  const t = useTexts(projectTexts);
  const ui = useTexts(uiTexts);
  const [opened, setOpened] = useState(false);
  const title = t('renameOf', { name: project.name });
  return (
    <>
      <Tooltip label={t('rename')}>
        <ActionIcon variant="subtle" color="gray" onClick={() => setOpened(true)} aria-label={title}>
          <IconPencil size={16} />
        </ActionIcon>
      </Tooltip>
      <Modal opened={opened} onClose={() => setOpened(false)} title={title} closeButtonProps={{ 'aria-label': ui('close') }}>
        <RenameForm project={project} onDone={() => setOpened(false)} />
      </Modal>
    </>
  );
}

function RenameForm({ project, onDone }: { project: Project; onDone: () => void }) {
  const t = useTexts(projectTexts);
  const ui = useTexts(uiTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const [name, setName] = useState(project.name);
  const rename = useMutation({
    mutationFn: async () => {
      if (!(await renameProject(project.id, name.trim()))) throw new Error(t('notRenamed'));
    },
    onSuccess: async () => {
      await invalidateProjects(queryClient, org.id);
      onDone();
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim()) rename.mutate();
      }}
    >
      <Stack>
        <Refused error={rename.error} />
        <TextInput
          label={t('name')}
          required
          withAsterisk={false}
          maxLength={120}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>
            {ui('cancel')}
          </Button>
          <Button type="submit" loading={rename.isPending}>
            {ui('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
