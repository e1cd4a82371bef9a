import { ActionIcon, Menu, useMantineColorScheme } from '@mantine/core';
import { IconLanguage, IconLogout, IconSunMoon, IconUser } from '@tabler/icons-react';
import { setLanguage, useLanguage, useTexts } from '../lib/i18n.ts';
import { signOut, useSession } from '../lib/session.ts';
import { layoutTexts } from './layout-texts.ts';

export function AccountMenu() {
  const t = useTexts(layoutTexts);
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
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void signOut('local')}>
          {t('signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
