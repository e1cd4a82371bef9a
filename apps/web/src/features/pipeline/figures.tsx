import { Badge, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { formatDuration, formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { modeColors } from '../../ui/mode.tsx';
import { modeTexts } from '../../ui/mode-texts.ts';
import { Section } from '../../ui/page.tsx';
import { Id, Time } from '../../ui/values.tsx';
import { VerdictBadge } from '../../ui/verdict.tsx';
import type { DetailedHealth } from './queries.ts';
import { pipelineTexts } from './texts.ts';

/** The buffers, jobs, circuits and connection pools of the instances. */
export function Figures({ health }: { health: DetailedHealth }) {
  const t = useTexts(pipelineTexts);
  const s = useTexts(modeTexts);
  const language = useLanguage();
  const number = (value: number) => formatNumber(value, language);
  const seconds = (value: number) => formatDuration(value, language);
  const mebibytes = (bytes: number) => `${number(bytes / 1_048_576)} MiB`;
  const { buffer, circuits, instances, jobs, pools, workers } = health;
  const transitions = health.backpressure.transitions;
  return (
    <Stack>
      <Section title={t('instance')} aside={<Id value={health.instanceId} />}>
        <SimpleGrid cols={{ base: 2, sm: 4 }}>
          <Figure name={t('queue')} value={number(buffer.records)} hint={t('ofRecords', { max: number(buffer.recordsMax) })} />
          <Figure name={t('queueBytes')} value={mebibytes(buffer.bytes)} hint={t('ofBytes', { max: mebibytes(buffer.bytesMax) })} />
          <Figure name={t('oldest')} value={seconds(buffer.oldestAgeSeconds)} hint={t('oldestHint')} />
          <Figure name={t('batches')} value={number(buffer.batchesInFlight)} hint={t('batchesHint')} />
          <Figure name={t('inFlight')} value={number(health.inFlight)} hint={t('inFlightHint')} />
          <Figure name={t('workers')} value={`${workers.running} / ${workers.concurrency}`} hint={t('workersHint')} />
          <Figure name={t('memory')} value={mebibytes(health.rssBytes)} hint={t('memoryHint')} />
          <Figure name={t('uptime')} value={seconds(health.uptimeSeconds)} hint={t('uptimeHint')} />
        </SimpleGrid>
      </Section>
      <Grid
        title={t('instances')}
        columns={[t('id'), t('mode'), t('queue'), t('oldest'), t('inFlight'), t('seen')]}
        rows={instances?.map((one) => [
          <Id key="id" value={one.id} />,
          <Badge key="mode" variant="dot" color={modeColors[one.mode]}>
            {s(one.mode)}
          </Badge>,
          number(one.bufferRecords),
          seconds(one.oldestAgeSeconds),
          number(one.inFlight),
          <Time key="seen" at={one.seenAt} />,
        ])}
      />
      <Grid
        title={t('connections')}
        columns={[t('connection'), t('org'), t('state'), t('lastEvent')]}
        rows={
          health.adapters &&
          Object.entries(health.adapters).map(([name, one]) => [
            name,
            one.org,
            one.verdict ? <VerdictBadge key="state" verdict={{ state: one.verdict, reason: null, level: null }} /> : '–',
            <Time key="at" at={one.last_event_at} />,
          ])
        }
      />
      <Grid
        title={t('circuits')}
        columns={[t('circuit'), t('state'), t('lastOpened'), t('lastError')]}
        rows={circuits.map((one) => [
          one.name,
          <Badge key="state" variant="dot" color={one.state === 'closed' ? 'teal' : one.state === 'open' ? 'red' : 'orange'}>
            {one.state}
          </Badge>,
          <Time key="at" at={one.lastOpenedAt} />,
          one.lastError ?? '–',
        ])}
      />
      <Grid
        title={t('jobs')}
        columns={[t('task'), t('waiting'), t('scheduled'), t('running'), t('failed'), t('oldest')]}
        rows={jobs?.map((one) => [
          one.task,
          number(one.waiting),
          number(one.scheduled),
          number(one.running),
          number(one.failed),
          one.oldest_due_seconds === null ? '–' : seconds(one.oldest_due_seconds),
        ])}
      />
      <Grid
        title={t('pools')}
        columns={[t('pool'), t('openConnections'), t('idle'), t('waiting')]}
        rows={pools.map((one) => [one.name, number(one.open), number(one.idle), number(one.waiting)])}
      />
      <Grid
        title={t('transitions')}
        columns={[t('when'), t('fromTo'), t('cause'), t('by')]}
        rows={transitions?.map((one) => [<Time key="at" at={one.at} />, `${s(one.from)} → ${s(one.to)}`, one.cause, t(one.changedBy)])}
      />
    </Stack>
  );
}

function Figure({ name, value, hint }: { name: string; value: string; hint: string }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text size="lg" fw={600} className="tabular">
        {value}
      </Text>
      <Text size="xs" c="dimmed">
        {hint}
      </Text>
    </div>
  );
}

/** A table. `rows` is null or undefined when the database could not be asked. */
function Grid({
  title,
  columns,
  rows,
}: {
  title: string;
  columns: readonly string[];
  rows: readonly (readonly ReactNode[])[] | null | undefined;
}) {
  const t = useTexts(pipelineTexts);
  return (
    <Section title={title}>
      {!rows || rows.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t(!rows ? 'unknown' : 'none')}
        </Text>
      ) : (
        <Table.ScrollContainer minWidth={480}>
          <Table aria-label={title}>
            <Table.Thead>
              <Table.Tr>
                {columns.map((column) => (
                  <Table.Th key={column} scope="col">
                    {column}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((cells, row) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows are figures of the moment, drawn anew as a whole
                <Table.Tr key={row}>
                  {cells.map((cell, column) => (
                    <Table.Td key={columns[column]} className="break tabular">
                      {cell}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Section>
  );
}
