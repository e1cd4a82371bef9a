import { ActionIcon, Alert, Tabs, Tooltip } from '@mantine/core';
import { useWindowEvent } from '@mantine/hooks';
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import type { EventsSearch } from '../../lib/search.ts';
import { SidePanel } from '../../ui/side-panel.tsx';
import { Loaded } from '../../ui/states.tsx';
import { UnknownId } from '../../ui/unknown-id.tsx';
import { Time } from '../../ui/values.tsx';
import { CanonicalTab } from './canonical-tab.tsx';
import { DeliveryTab } from './delivery-tab.tsx';
import { PropertiesTab } from './properties-tab.tsx';
import { eventDetail } from './queries.ts';
import { eventTexts } from './texts.ts';

type Tab = NonNullable<EventsSearch['tab']>;

interface PanelProps {
  id: string;
  tab: Tab;
  onTab: (tab: Tab) => void;
  /** The ids of the previous and the next event of the list, where there are any. */
  previous: string | undefined;
  next: string | undefined;
  onMove: (id: string) => void;
  onClose: () => void;
  onPerson: (hash: string) => void;
  nameOf: (connectionId: string) => string;
}

/** One event in three tabs: its columns, the platform's own fields, and its delivery. */
export function EventPanel({ id, tab, onTab, previous, next, onMove, onClose, onPerson, nameOf }: PanelProps) {
  const t = useTexts(eventTexts);
  const org = useOrg();
  const event = useQuery(eventDetail(org.id, id));
  useWindowEvent('keydown', (pressed) => {
    const writing = pressed.target instanceof Element && pressed.target.closest('input, textarea, select, [role=dialog] [role=dialog]');
    if (writing || pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
    const to = { j: next, k: previous }[pressed.key];
    if (to !== undefined) onMove(to);
  });
  return (
    <SidePanel
      title={event.data?.type ?? t('event')}
      onClose={onClose}
      actions={
        <>
          <Move label={`${t('previous')} (K)`} to={previous} onMove={onMove} icon={<IconChevronUp size={18} />} />
          <Move label={`${t('next')} (J)`} to={next} onMove={onMove} icon={<IconChevronDown size={18} />} />
        </>
      }
    >
      <Loaded query={event} height={520} isEmpty={(found) => found === null} empty={<UnknownId kind="event" id={id} />}>
        {(found) =>
          found && (
            <Tabs value={tab} onChange={(to) => onTab(to as Tab)} keepMounted={false}>
              <Tabs.List mb="md">
                <Tabs.Tab value="canonical">{t('canonical')}</Tabs.Tab>
                <Tabs.Tab value="properties">{t('properties')}</Tabs.Tab>
                <Tabs.Tab value="delivery">{t('delivery')}</Tabs.Tab>
              </Tabs.List>
              {found.erased_at !== null && (
                <Alert color="gray" role="note" mb="md">
                  {t('erased')} <Time at={found.erased_at} />
                </Alert>
              )}
              <Tabs.Panel value="canonical">
                <CanonicalTab event={found} connectionName={nameOf(found.source_connection_id)} onPerson={onPerson} />
              </Tabs.Panel>
              <Tabs.Panel value="properties">
                <PropertiesTab event={found} key={found.id} />
              </Tabs.Panel>
              <Tabs.Panel value="delivery">
                <DeliveryTab event={found} key={found.id} />
              </Tabs.Panel>
            </Tabs>
          )
        }
      </Loaded>
    </SidePanel>
  );
}

function Move({ label, to, onMove, icon }: { label: string; to: string | undefined; onMove: (id: string) => void; icon: React.ReactNode }) {
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={label}
        aria-disabled={to === undefined}
        {...(to === undefined ? { 'data-disabled': true } : {})}
        onClick={() => to !== undefined && onMove(to)}
      >
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}
