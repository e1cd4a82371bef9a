import { Text, Tooltip } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTexts } from '../lib/i18n.ts';
import { useOrg } from '../lib/orgs.ts';
import { roleTexts } from './role-texts.ts';
import { uiTexts } from './texts.ts';

/**
 * Shows its children to owners and admins, and to others the reason why they may not, instead of a disabled button. `short` shows the
 * reason as an icon.
 */
export function AdminOnly({ children, short = false }: { children: ReactNode; short?: boolean }) {
  const t = useTexts(uiTexts);
  const roles = useTexts(roleTexts);
  const { canWrite, role } = useOrg();
  return canWrite ? children : <WhyNot text={t('adminsOnly', { role: roles(role).toLowerCase() })} short={short} />;
}

/** The reason why something cannot be done, in the place of its control. */
export function WhyNot({ text, short = false }: { text: string; short?: boolean }) {
  return short ? (
    <Tooltip label={text} multiline maw={280}>
      <Text span size="xs" c="dimmed" tabIndex={0} role="note" aria-label={text}>
        <IconLock size={14} aria-hidden />
      </Text>
    </Tooltip>
  ) : (
    <Text size="sm" c="dimmed" role="note">
      <IconLock size={14} style={{ verticalAlign: '-2px' }} aria-hidden /> {text}
    </Text>
  );
}
