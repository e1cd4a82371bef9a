import { Alert, Anchor, AppShell, Burger, Group, ScrollArea, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconActivityHeartbeat,
  IconBell,
  IconBolt,
  IconGauge,
  IconLock,
  IconMailX,
  IconPlugConnected,
  IconRepeat,
  IconSettings,
  IconWifiOff,
} from '@tabler/icons-react';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense } from 'react';
import { ActiveBadge } from '../features/alerts/active-badge.tsx';
import { PendingBadge } from '../features/security/pending-badge.tsx';
import { useTexts } from '../lib/i18n.ts';
import { useOrg } from '../lib/orgs.ts';
import { MenuLink } from '../ui/links.tsx';
import { AccountMenu } from './account-menu.tsx';
import { PageLoading } from './boundaries.tsx';
import { layoutTexts } from './layout-texts.ts';
import { OrgSwitcher } from './org-switcher.tsx';
import { useReachable } from './reachable.ts';

/** Loaded after the page, in its own chunk, because the badge is rarely shown. */
const ModeBadge = lazy(async () => ({ default: (await import('../ui/mode.tsx')).ModeBadge }));

/** The pages of an org, in the order of the menu. */
const pages = [
  { to: '/o/$org/overview', text: 'overview', icon: IconGauge },
  { to: '/o/$org/connections', text: 'connections', icon: IconPlugConnected },
  { to: '/o/$org/events', text: 'events', icon: IconBolt },
  { to: '/o/$org/dead-letters', text: 'deadLetters', icon: IconMailX },
  { to: '/o/$org/replays', text: 'replays', icon: IconRepeat },
  { to: '/o/$org/alerts', text: 'alerts', icon: IconBell },
  { to: '/o/$org/settings', text: 'settings', icon: IconSettings },
  { to: '/o/$org/pipeline', text: 'pipeline', icon: IconActivityHeartbeat },
] as const;

/** What waits for the reader, beside the page that shows it. */
const badges: Partial<Record<(typeof pages)[number]['text'], ReactNode>> = { alerts: <ActiveBadge />, settings: <PendingBadge /> };

/** Header and menu around the page of an org. */
export function Layout() {
  const t = useTexts(layoutTexts);
  const org = useOrg();
  const [opened, menu] = useDisclosure(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const reachable = useReachable();
  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !opened } }} padding="md">
      <Anchor href="#content" className="skip" pos="absolute" left={-9999} style={{ zIndex: 1000 }}>
        {t('skip')}
      </Anchor>
      <AppShell.Header>
        <Group h="100%" px="md" gap="sm" wrap="nowrap">
          <Burger opened={opened} onClick={menu.toggle} hiddenFrom="sm" size="sm" aria-label={t('menu')} />
          <Group gap={8} wrap="nowrap" visibleFrom="xs">
            <img src="/icon.svg" alt="" width={24} height={24} />
            <Text fw={700}>Tributary</Text>
          </Group>
          <OrgSwitcher />
          <Group ml="auto" gap={4} wrap="nowrap">
            <Suspense fallback={null}>
              <ModeBadge />
            </Suspense>
            <AccountMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t('navigation')}>
        <ScrollArea>
          {pages.map(({ to, text, icon: Icon }) => (
            <MenuLink
              key={to}
              to={to}
              params={{ org: org.slug }}
              label={t(text)}
              leftSection={<Icon size={18} stroke={1.6} aria-hidden />}
              {...(badges[text] ? { rightSection: badges[text] } : {})}
              active={path.startsWith(to.replace('$org', org.slug))}
              onClick={menu.close}
              style={{ borderRadius: 'var(--mantine-radius-md)' }}
            />
          ))}
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} style={{ outline: 'none' }}>
        {!reachable && (
          <Alert color="orange" icon={<IconWifiOff size={18} />} mb="md" role="status">
            {t('offline')}
          </Alert>
        )}
        {org.suspendedReason !== null && (
          <Alert color="red" icon={<IconLock size={18} />} mb="md" role="status" title={t('suspended')}>
            <span className="break">{t('suspendedHint', { reason: org.suspendedReason })}</span>
          </Alert>
        )}
        <Suspense fallback={<PageLoading />}>
          {/* The key makes another org a new page although the URL differs in one word only: nothing that was typed, opened or shown is carried over. */}
          <Outlet key={org.id} />
        </Suspense>
      </AppShell.Main>
    </AppShell>
  );
}
