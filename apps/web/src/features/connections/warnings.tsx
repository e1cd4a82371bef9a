import { Alert, Group, List, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconClockExclamation } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { Connection } from '@tributary/shared/api.ts';
import type { FieldNote } from '@tributary/shared/kept.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { AnchorLink } from '../../ui/links.tsx';
import { live } from '../../ui/live.tsx';
import { CorrectionLink } from '../../ui/remedy.tsx';
import { fieldsOfConnection, openClusters } from './queries.ts';
import { warningTexts } from './warning-texts.ts';

const ofTimes = ['MISSING_FIELD', 'SCHEMA_DRIFT', 'VALIDATION_FAIL'] as const;

/** Where the settings of a generic connection say that the time of an event is. */
function timePathOf({ type, config }: Connection): string | undefined {
  const { time } = (config.fields ?? {}) as { time?: { path?: string } };
  return type === 'webhook' ? time?.path : undefined;
}

/** What the settings should say so that different events have different keys and each event its own time. Nothing when all is well. */
export function ReadingWarnings({ connection }: { connection: Connection }) {
  const org = useOrg();
  const timePath = timePathOf(connection);
  const isGeneric = connection.type === 'webhook';
  const classes = ['DUPLICATE_EVENT' as const, ...(timePath === undefined ? [] : ofTimes)];
  const clusters = useQuery({ ...openClusters(org.id, connection.id, classes), ...live(60_000) }).data ?? [];
  const notes = useQuery({ ...fieldsOfConnection(connection.id), enabled: isGeneric }).data?.notes ?? [];
  const conflicts = clusters.filter(({ errorClass }) => errorClass === 'DUPLICATE_EVENT');
  const times = clusters.filter(({ errorClass, fieldPath }) => errorClass !== 'DUPLICATE_EVENT' && fieldPath === timePath);
  return (
    <>
      {conflicts.length > 0 && <Conflicts connection={connection} count={countOf(conflicts)} />}
      {(times.length > 0 || notes.length > 0) && (
        <Times connectionId={connection.id} notes={notes} path={timePath} count={countOf(times)} />
      )}
    </>
  );
}

const countOf = (clusters: readonly { count: number }[]) => clusters.reduce((sum, { count }) => sum + count, 0);

/** Different bodies under one key: two events that have one id, or one event whose repetitions differ. */
function Conflicts({ connection, count }: { connection: Connection; count: number }) {
  const t = useTexts(warningTexts);
  const isGeneric = connection.type === 'webhook';
  return (
    <Alert color="orange" icon={<IconAlertTriangle size={18} />} title={t('conflicts')} role="status">
      <Stack gap="xs">
        <Text size="sm">{t('conflictsWhat', { count })}</Text>
        {isGeneric ? (
          <List size="sm" spacing={2}>
            <List.Item>{t('conflictsId')}</List.Item>
            <List.Item>{t('conflictsVolatile')}</List.Item>
            <List.Item>{t('conflictsName')}</List.Item>
          </List>
        ) : (
          <Text size="sm">{t('conflictsPlatform')}</Text>
        )}
        <Group gap="md">
          {isGeneric && <ToSettings connectionId={connection.id} />}
          <ToEntries connectionId={connection.id} classes={['DUPLICATE_EVENT']} />
        </Group>
      </Stack>
    </Alert>
  );
}

/** Times that could not be read, or that were guessed. */
function Times({
  connectionId,
  notes,
  path,
  count,
}: {
  connectionId: string;
  notes: readonly FieldNote[];
  path: string | undefined;
  count: number;
}) {
  const t = useTexts(warningTexts);
  return (
    <Alert color="orange" icon={<IconClockExclamation size={18} />} title={t('times')} role="status">
      <Stack gap="xs">
        <List size="sm" spacing={2}>
          {count > 0 && <List.Item>{t('timesWaiting', { count, path: path ?? '' })}</List.Item>}
          {notes.map(({ code, path: at = '', form = '' }) => (
            <List.Item key={`${code} ${at}`}>{t(code, { path: at, form })}</List.Item>
          ))}
        </List>
        <Text size="sm">{t('timesFix')}</Text>
        <Group gap="md">
          <ToSettings connectionId={connectionId} />
          {count > 0 && <ToEntries connectionId={connectionId} classes={[...ofTimes]} />}
        </Group>
      </Stack>
    </Alert>
  );
}

const ToSettings = ({ connectionId }: { connectionId: string }) => (
  <AdminOnly>
    <CorrectionLink remedy="fix_settings" connectionId={connectionId} />
  </AdminOnly>
);

function ToEntries({ connectionId, classes }: { connectionId: string; classes: string[] }) {
  const t = useTexts(warningTexts);
  const org = useOrg();
  return (
    <AnchorLink
      to="/o/$org/dead-letters"
      params={{ org: org.slug }}
      search={{ tab: 'entries', classes, connections: [connectionId] }}
      size="sm"
    >
      {t('entries')}
    </AnchorLink>
  );
}
