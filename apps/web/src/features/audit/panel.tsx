import { Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { PanelDrawer } from '../../ui/side-panel.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Copy, Id, Json, Time } from '../../ui/values.tsx';
import { type AuditEntry, auditEntry } from './queries.ts';
import { auditTexts } from './texts.ts';
import { useSentences } from './use-sentences.ts';

/** One entry beside the list, with everything that was recorded. */
export function AuditPanel({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const t = useTexts(auditTexts);
  return (
    <PanelDrawer opened={id !== undefined} onClose={onClose} size={520} title={t('entry')}>
      {id !== undefined && <Content id={id} />}
    </PanelDrawer>
  );
}

function Content({ id }: { id: string }) {
  const t = useTexts(auditTexts);
  const query = useQuery(auditEntry(useOrg().id, id));
  return (
    <Loaded query={query} height={320}>
      {(entry) => (entry === null ? <Empty title={t('noEntry')} /> : <Entry entry={entry} />)}
    </Loaded>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  const t = useTexts(auditTexts);
  const { whoDid, whatWasDone } = useSentences();
  return (
    <Stack>
      <Title order={2} size="h5" className="break">
        <bdi>{whoDid(entry)}</bdi> <bdi>{whatWasDone(entry)}</bdi>
      </Title>
      <Fact label={t('time')}>
        <Time at={entry.createdAt} exact />
      </Fact>
      <Fact label={t('who')}>
        {whoDid(entry)} {entry.actorId && <Copy value={entry.actorId} />}
      </Fact>
      <Fact label={t('action')}>
        <span className="mono">{entry.action}</span>
      </Fact>
      {entry.targetId && (
        <Fact label={t('target')}>
          <Id value={entry.targetId} whole />
        </Fact>
      )}
      <Fact label={t('details')}>
        <Json value={entry.detail} />
      </Fact>
    </Stack>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text size="sm" component="div" className="break">
        {children}
      </Text>
    </div>
  );
}
