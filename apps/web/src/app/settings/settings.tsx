import { Skeleton, Tabs } from '@mantine/core';
import { useSearch } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { PendingBadge } from '../../features/security/pending-badge.tsx';
import { useTexts } from '../../lib/i18n.ts';
import { useNavigateWithin } from '../../lib/navigate.ts';
import { Page } from '../../ui/page.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { settingsTexts } from './texts.ts';

// The code of a tab is loaded when the tab is opened.
const tabs = {
  org: lazy(async () => ({ default: (await import('./org.tsx')).Org })),
  projects: lazy(async () => ({ default: (await import('../../features/projects/projects.tsx')).Projects })),
  members: lazy(async () => ({ default: (await import('./members.tsx')).Members })),
  quotas: lazy(async () => ({ default: (await import('../../features/quotas/quotas.tsx')).Quotas })),
  security: lazy(async () => ({ default: (await import('./security.tsx')).Security })),
  privacy: lazy(async () => ({ default: (await import('./privacy.tsx')).Privacy })),
  audit: lazy(async () => ({ default: (await import('../../features/audit/audit-log.tsx')).AuditLog })),
};
type Tab = keyof typeof tabs;

/** The settings of an org: name and limits, projects, members, security, privacy, and the audit log. */
export function Settings() {
  const t = useTexts(settingsTexts);
  const ui = useTexts(uiTexts);
  const { tab = 'org' } = useSearch({ from: '/signed-in/o/$org/settings' });
  const navigate = useNavigateWithin({ from: '/o/$org/settings' });
  const Content = tabs[tab];
  return (
    <Page title={t('title')} description={t('description')}>
      <Tabs value={tab} onChange={(next) => void navigate({ search: { tab: next as Tab } })} keepMounted={false}>
        <Tabs.List mb="md">
          {(Object.keys(tabs) as Tab[]).map((name) => (
            <Tabs.Tab key={name} value={name} rightSection={name === 'security' ? <PendingBadge /> : undefined}>
              {t(name)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab}>
          <Suspense fallback={<Skeleton height={320} radius="md" role="status" aria-label={ui('loading')} />}>
            <Content />
          </Suspense>
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
