import { Alert, Badge, Button, Card, Group, SegmentedControl, Stack, Table, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import type { Connection } from '@tributary/shared/api.ts';
import { type FieldFate, fieldFates } from '@tributary/shared/field-fates.ts';
import type { ConnectionFields, KeptField } from '@tributary/shared/kept.ts';
import { formatAgo } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useNavigateWithin } from '../../lib/navigate.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { AnchorLink, ButtonLink } from '../../ui/links.tsx';
import { Updated } from '../../ui/live.tsx';
import { Section } from '../../ui/page.tsx';
import { Refused } from '../../ui/refused.tsx';
import { ClearFilters, Empty, Loaded } from '../../ui/states.tsx';
import { Id, useNow } from '../../ui/values.tsx';
import { changeOf, type FieldChange, withChange } from './kept-settings.ts';
import { keptTexts } from './kept-texts.ts';
import { connectionDetail, fieldsOfConnection, invalidateConnection, updateConnection } from './queries.ts';

const colors = { kept: 'teal', masked: 'blue', digested: 'grape', hashed: 'indigo', dropped: 'gray' } as const;

/** What happens to each field of the newest delivery, and why; admins of a generic connection change it here. */
export function KeptFields({ connection }: { connection: Connection }) {
  const t = useTexts(keptTexts);
  const org = useOrg();
  const { fate } = useSearch({ from: '/signed-in/o/$org/connections/$connectionId' });
  const navigate = useNavigateWithin({ from: '/o/$org/connections/$connectionId' });
  const fields = useQuery(fieldsOfConnection(connection.id));
  const change = useFieldChange(connection);
  const setFate = (next: string) =>
    void navigate({
      search: ({ fate: _old, ...others }) => (next === 'all' ? others : { ...others, fate: next as FieldFate }),
      replace: true,
    });
  return (
    <Stack>
      <Refused error={change.error} />
      {change.isSuccess && <Changed connection={connection} />}
      <Section
        title={t('title')}
        aside={<Updated at={fields.dataUpdatedAt} isFetching={fields.isFetching} onRefresh={() => void fields.refetch()} />}
      >
        <Loaded
          query={fields}
          height={320}
          isEmpty={(found) => found.fields.length === 0}
          empty={
            <Empty
              title={t('nothingYet')}
              hint={t('nothingYetHint')}
              action={
                <AnchorLink
                  to="/o/$org/connections/$connectionId"
                  params={{ org: org.slug, connectionId: connection.id }}
                  search={{ tab: 'test' }}
                  size="sm"
                >
                  {t('sendTest')}
                </AnchorLink>
              }
            />
          }
        >
          {(found) => {
            const shown = found.fields.filter((field) => fate === undefined || field.fate === fate);
            return (
              <Stack gap="sm">
                <LookedAt found={found} />
                {connection.type === 'webhook' && <AdminOnly>{null}</AdminOnly>}
                <Group>
                  <SegmentedControl
                    size="xs"
                    aria-label={t('filter')}
                    style={{ flexWrap: 'wrap' }}
                    value={fate ?? 'all'}
                    onChange={setFate}
                    data={[{ value: 'all', label: t('all') }, ...fieldFates.map((value) => ({ value, label: t(value) }))]}
                  />
                </Group>
                {shown.length === 0 ? (
                  <Empty title={t('nothingMatches')} action={<ClearFilters onClear={() => setFate('all')} />} />
                ) : (
                  <Rows
                    fields={shown}
                    changeFor={(field) => (connection.type === 'webhook' && org.canWrite ? changeOf(connection.config, field) : undefined)}
                    isSaving={change.isPending}
                    onChange={(next) => change.mutate(next)}
                  />
                )}
                {found.isCut && (
                  <Text size="sm" c="dimmed">
                    {t('cut')}
                  </Text>
                )}
              </Stack>
            );
          }}
        </Loaded>
      </Section>
    </Stack>
  );
}

/** Changes the settings as they are now on the server: a colleague may have changed them since the page was opened. */
function useFieldChange(connection: Connection) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (change: FieldChange) => {
      const { config } = await queryClient.fetchQuery({ ...connectionDetail(connection.id), staleTime: 0 });
      return updateConnection(connection.id, { config: withChange(config, change) });
    },
    onSuccess: () => invalidateConnection(queryClient, connection.id),
  });
}

function Changed({ connection }: { connection: Connection }) {
  const t = useTexts(keptTexts);
  const org = useOrg();
  return (
    <Alert color="teal" title={t('changed')} role="status">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{t('changedHint')}</Text>
        <ButtonLink
          to="/o/$org/replays"
          params={{ org: org.slug }}
          search={{ new: '1', mode: 'reprocess', connections: [connection.id], from: connection.createdAt }}
          size="xs"
          variant="default"
        >
          {t('reprocess')}
        </ButtonLink>
      </Stack>
    </Alert>
  );
}

function LookedAt({ found: { journalId, receivedAt, records } }: { found: ConnectionFields }) {
  const t = useTexts(keptTexts);
  const language = useLanguage();
  const now = useNow();
  return (
    <Text size="sm" c="dimmed" component="div">
      {t('lookedAt', { count: records, when: receivedAt === null ? '' : formatAgo(receivedAt, now, language) })} {t('explained')}{' '}
      {journalId !== null && <Id value={journalId} />}
    </Text>
  );
}

interface RowsProps {
  fields: readonly KeptField[];
  changeFor: (field: KeptField) => FieldChange | undefined;
  isSaving: boolean;
  onChange: (change: FieldChange) => void;
}

/** A table where there is room, and a list on a phone. */
function Rows({ fields, changeFor, isSaving, onChange }: RowsProps) {
  const t = useTexts(keptTexts);
  const wide = useMediaQuery('(min-width: 48em)', true, { getInitialValueInEffect: false });
  const rows = fields.map((field) => {
    const change = changeFor(field);
    return {
      key: `${field.path} ${field.fate} ${field.reason}`,
      path: (
        <Text span size="sm" className="mono break" style={{ unicodeBidi: 'isolate' }}>
          {field.path === '' ? t('wholeRecord') : field.path}
        </Text>
      ),
      fate: (
        <Badge variant="light" color={colors[field.fate]} tt="none" miw="max-content">
          {t(field.fate)}
        </Badge>
      ),
      why: (
        <Text span size="sm" c="dimmed">
          {t(field.reason)}
        </Text>
      ),
      change: change && <ChangeButton change={change} isSaving={isSaving} onChange={onChange} />,
    };
  });
  if (!wide)
    return (
      <Stack gap="xs" component="ul" m={0} p={0} style={{ listStyle: 'none' }} aria-label={t('title')}>
        {rows.map((row) => (
          <Card key={row.key} component="li" withBorder padding="xs">
            <Group justify="space-between" wrap="nowrap" align="flex-start">
              {row.path}
              {row.fate}
            </Group>
            {row.why}
            {row.change && <Group mt={4}>{row.change}</Group>}
          </Card>
        ))}
      </Stack>
    );
  const canChange = rows.some((row) => row.change !== undefined);
  return (
    <Table verticalSpacing={6} aria-label={t('title')}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col" w="30%">
            {t('path')}
          </Table.Th>
          <Table.Th scope="col" style={{ whiteSpace: 'nowrap' }}>
            {t('fate')}
          </Table.Th>
          <Table.Th scope="col">{t('why')}</Table.Th>
          {canChange && <Table.Th scope="col">{t('change')}</Table.Th>}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Table.Tr key={row.key}>
            <Table.Td>{row.path}</Table.Td>
            <Table.Td>{row.fate}</Table.Td>
            <Table.Td>{row.why}</Table.Td>
            {canChange && <Table.Td style={{ whiteSpace: 'nowrap' }}>{row.change}</Table.Td>}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function ChangeButton({ change, isSaving, onChange }: { change: FieldChange; isSaving: boolean; onChange: (change: FieldChange) => void }) {
  const t = useTexts(keptTexts);
  const { list, path, isUndo } = change;
  const name = list === 'keep' ? ('keep' as const) : ('drop' as const);
  const said = isUndo ? (name === 'keep' ? 'undoKeep' : 'undoDrop') : name === 'keep' ? 'keepField' : 'dropField';
  return (
    <Button
      size="compact-xs"
      variant={isUndo ? 'light' : 'default'}
      aria-label={t(said, { path })}
      aria-disabled={isSaving}
      onClick={() => {
        if (!isSaving) onChange(change);
      }}
    >
      {t(isUndo ? 'undo' : name)}
    </Button>
  );
}
