import { Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { orgProjects } from '../../lib/projects.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { Section } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { AddProject, RenameProject } from './project-forms.tsx';
import { connectionsPerProject } from './queries.ts';
import { projectTexts } from './texts.ts';

export function Projects() {
  const t = useTexts(projectTexts);
  const ui = useTexts(uiTexts);
  const org = useOrg();
  const query = useQuery(orgProjects(org.id));
  const counts = useQuery(connectionsPerProject(org.id));
  return (
    <Stack maw={760}>
      <Section title={t('title')}>
        <Text size="sm" c="dimmed" mb="sm">
          {t('hint')}
        </Text>
        <Loaded
          query={query}
          height={120}
          isEmpty={(projects) => projects.length === 0}
          empty={<Empty title={t('none')} hint={t('noneHint')} />}
        >
          {(projects) => (
            <Table.ScrollContainer minWidth={320}>
              <Table verticalSpacing={6} aria-label={t('title')}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('name')}</Table.Th>
                    <Table.Th>{t('slug')}</Table.Th>
                    <Table.Th ta="right">{t('connections')}</Table.Th>
                    {org.canWrite && <Table.Td w={40} />}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {projects.map((project) => (
                    <Table.Tr key={project.id}>
                      <Table.Td className="break">{project.name}</Table.Td>
                      <Table.Td className="mono break">{project.slug}</Table.Td>
                      <Table.Td ta="right" className="tabular" {...(counts.isError ? { title: t('failed') } : {})}>
                        {counts.data ? (counts.data.get(project.id) ?? 0) : ui('none')}
                      </Table.Td>
                      {org.canWrite && (
                        <Table.Td>
                          <RenameProject project={project} />
                        </Table.Td>
                      )}
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )}
        </Loaded>
      </Section>
      <Section title={t('add')}>
        <AdminOnly>
          <AddProject />
        </AdminOnly>
      </Section>
    </Stack>
  );
}
