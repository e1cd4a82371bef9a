import { Text, Tooltip } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useOrg } from '../app/org.ts';
import { useTexts } from '../lib/i18n.ts';
import { uiTexts } from './texts.ts';

/** For owners and admins what they may do; for others why they may not, instead of a dead button. `short` where there is little room. */
export function AdminOnly({ children, short = false }: { children: ReactNode; short?: boolean }) {
  const t = useTexts(uiTexts);
  const { canWrite, role } = useOrg();
  if (canWrite) return children;
  const why = t('adminsOnly', { role });
  return short ? (
    <Tooltip label={why} multiline maw={280}>
      <Text span size="xs" c="dimmed" tabIndex={0} role="note" aria-label={why}>
        <IconLock size={14} aria-hidden />
      </Text>
    </Tooltip>
  ) : (
    <Text size="sm" c="dimmed" role="note">
      <IconLock size={14} style={{ verticalAlign: '-2px' }} aria-hidden /> {why}
    </Text>
  );
}
