import { Badge, Box, VisuallyHidden } from '@mantine/core';
import { IconAlertOctagon, IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';
import type { AlertLevel } from '@tributary/shared/alerts.ts';
import { useTexts } from '../lib/i18n.ts';
import { incidentTexts } from './incident-texts.ts';

const looks = {
  critical: { icon: IconAlertOctagon, color: 'red' },
  warning: { icon: IconAlertTriangle, color: 'orange' },
  info: { icon: IconInfoCircle, color: 'blue' },
} as const;

export const levelColor = (level: AlertLevel) => looks[level].color;

/** A level as an icon, a colour and a word. */
export function LevelBadge({ level, count }: { level: AlertLevel; count?: number }) {
  const t = useTexts(incidentTexts);
  const { icon: Icon, color } = looks[level];
  return (
    <Badge
      variant="default"
      tt="none"
      leftSection={<Icon size={14} color={`light-dark(var(--mantine-color-${color}-8), var(--mantine-color-${color}-4))`} aria-hidden />}
      style={{ flexShrink: 0 }}
    >
      {count === undefined ? (
        t(level)
      ) : (
        // Where there is little room, only the icon and the number are shown.
        <>
          <VisuallyHidden>{t(`${level}Count`, { count })}</VisuallyHidden>
          <Box component="span" visibleFrom="sm" aria-hidden>
            {t(`${level}Count`, { count })}
          </Box>
          <Box component="span" hiddenFrom="sm" aria-hidden>
            {count}
          </Box>
        </>
      )}
    </Badge>
  );
}
