import { Tabs } from '@mantine/core';
import { useSearch } from '@tanstack/react-router';
import { useTexts } from '../../lib/i18n.ts';
import { useNavigateWithin } from '../../lib/navigate.ts';
import { Page } from '../../ui/page.tsx';
import { Channels } from './channels.tsx';
import { IncidentPanel } from './incident-panel.tsx';
import { Incidents } from './incidents.tsx';
import { Rules } from './rules.tsx';
import { alertTexts } from './texts.ts';

/** Current and past incidents, the rules that open them, and the channels that are notified. */
export function Alerts() {
  const t = useTexts(alertTexts);
  const { tab = 'incidents', incident } = useSearch({ from: '/signed-in/o/$org/alerts' });
  const navigate = useNavigateWithin({ from: '/o/$org/alerts' });
  return (
    <Page title={t('title')} description={t('description')}>
      <Tabs value={tab} onChange={(next) => void navigate({ search: { tab: next as 'incidents' } })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="incidents">{t('incidents')}</Tabs.Tab>
          <Tabs.Tab value="rules">{t('rules')}</Tabs.Tab>
          <Tabs.Tab value="channels">{t('channels')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="incidents">
          <Incidents />
        </Tabs.Panel>
        <Tabs.Panel value="rules">
          <Rules />
        </Tabs.Panel>
        <Tabs.Panel value="channels">
          <Channels />
        </Tabs.Panel>
      </Tabs>
      <IncidentPanel id={incident} onClose={() => void navigate({ search: ({ incident: _closed, ...others }) => others })} />
    </Page>
  );
}
