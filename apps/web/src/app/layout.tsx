import {
  ActionIcon,
  Alert,
  Anchor,
  AppShell,
  Burger,
  Group,
  Menu,
  ScrollArea,
  Select,
  Text,
  Tooltip,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconActivityHeartbeat,
  IconBell,
  IconBolt,
  IconGauge,
  IconLanguage,
  IconLogout,
  IconMailX,
  IconPlugConnected,
  IconPlus,
  IconRepeat,
  IconSettings,
  IconSunMoon,
  IconUser,
  IconWifiOff,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useNavigate, useRouter, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useEffect } from 'react';
import { ActiveBadge } from '../features/alerts/active-badge.tsx';
import { defineTexts, setLanguage, useLanguage, useTexts } from '../lib/i18n.ts';
import { myOrgs, useOrg } from '../lib/orgs.ts';
import { useSession } from '../lib/session.ts';
import { supabase } from '../lib/supabase.ts';
import { IconLink, MenuLink } from '../ui/links.tsx';
import { live } from '../ui/live.tsx';
import { PageLoading } from './boundaries.tsx';
import { useReachable } from './reachable.ts';

const texts = defineTexts('layout', {
  en: {
    skip: 'Skip to content',
    navigation: 'Pages',
    org: 'Org',
    newOrg: 'New org',
    menu: 'Open menu',
    account: 'Account of {{email}}',
    signOut: 'Sign out',
    theme: 'Light or dark',
    language: 'Português (Brasil)',
    overview: 'Overview',
    connections: 'Connections',
    events: 'Events',
    deadLetters: 'Dead letters',
    replays: 'Replays',
    alerts: 'Alerts',
    settings: 'Settings',
    pipeline: 'Pipeline',
    offline: 'The server cannot be reached. You see what was loaded before; the page continues by itself as soon as the server answers.',
  },
  'pt-BR': {
    skip: 'Ir para o conteúdo',
    navigation: 'Páginas',
    org: 'Organização',
    newOrg: 'Nova organização',
    menu: 'Abrir menu',
    account: 'Conta de {{email}}',
    signOut: 'Sair',
    theme: 'Claro ou escuro',
    language: 'English',
    overview: 'Visão geral',
    connections: 'Conexões',
    events: 'Eventos',
    deadLetters: 'Falhas',
    replays: 'Reprocessamentos',
    alerts: 'Alertas',
    settings: 'Configurações',
    pipeline: 'Pipeline',
    offline: 'O servidor não responde. Você vê o que já estava carregado; a página continua sozinha assim que ele responder.',
  },
});

/** After the page, in a chunk of its own: it is hardly ever seen. */
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

/** Header, menu and the page: everything of one org. */
export function Layout() {
  const t = useTexts(texts);
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
              {...(text === 'alerts' ? { rightSection: <ActiveBadge /> } : {})}
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
        <Suspense fallback={<PageLoading />}>
          {/* Another org is another page, though its address differs in one word: nothing typed, open or still shown stays over. */}
          <Outlet key={org.id} />
        </Suspense>
      </AppShell.Main>
    </AppShell>
  );
}

function OrgSwitcher() {
  const t = useTexts(texts);
  const org = useOrg();
  const navigate = useNavigate();
  const router = useRouter();
  const userId = useSession()?.user.id ?? '';
  const orgs = useQuery({ ...myOrgs(userId), enabled: userId !== '', ...live(60_000) });
  // Every page asks the route who one is here, and the route only asks when it is entered: what changed meanwhile is brought to it.
  useEffect(() => {
    if (!orgs.data) return;
    const now = orgs.data.find((one) => one.id === org.id);
    if (now?.role !== org.role || now.name !== org.name || now.slug !== org.slug) void router.invalidate();
  }, [orgs.data, org, router]);
  return (
    <Group gap={4} wrap="nowrap">
      <Select
        aria-label={t('org')}
        size="xs"
        w={{ base: 150, sm: 220 }}
        allowDeselect={false}
        searchable={(orgs.data?.length ?? 0) > 8}
        data={(orgs.data ?? [org]).map((one) => ({ value: one.slug, label: one.name }))}
        value={org.slug}
        onChange={(slug) => {
          if (slug) void navigate({ to: '/o/$org/overview', params: { org: slug } });
        }}
      />
      <Tooltip label={t('newOrg')}>
        <IconLink to="/new-org" variant="subtle" color="gray" aria-label={t('newOrg')}>
          <IconPlus size={16} />
        </IconLink>
      </Tooltip>
    </Group>
  );
}

function AccountMenu() {
  const t = useTexts(texts);
  const language = useLanguage();
  const { toggleColorScheme } = useMantineColorScheme();
  const email = useSession()?.user.email ?? '';
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('account', { email })}>
          <IconUser size={20} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label className="break">{email}</Menu.Label>
        <Menu.Item leftSection={<IconSunMoon size={16} />} onClick={toggleColorScheme}>
          {t('theme')}
        </Menu.Item>
        <Menu.Item leftSection={<IconLanguage size={16} />} onClick={() => setLanguage(language === 'en' ? 'pt-BR' : 'en')}>
          {t('language')}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void supabase().auth.signOut({ scope: 'local' })}>
          {t('signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
