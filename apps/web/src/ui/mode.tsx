import { Alert, Badge, Popover, Stack, Text, VisuallyHidden } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { Mode, ServiceStatus } from '@tributary/shared/flow.ts';
import { useEffect, useState } from 'react';
import { formatShare } from '../lib/format.ts';
import { useLanguage, useTexts } from '../lib/i18n.ts';
import { useOrg } from '../lib/orgs.ts';
import { serviceStatus } from '../lib/status.ts';
import { live } from './live.tsx';
import { modeTexts } from './mode-texts.ts';
import { Time } from './values.tsx';

export const modeColors: Record<Mode, string> = { normal: 'teal', throttled: 'yellow', brownout: 'orange', drain: 'grape', paused: 'red' };

/** One request for every component that shows the mode. */
const useStatus = () => useQuery({ ...serviceStatus(useOrg().id), ...live(15_000) }).data;

/** The mode in the header while it is not normal; a press explains it. Changes are announced to screen readers. */
export function ModeBadge() {
  const t = useTexts(modeTexts);
  const status = useStatus();
  const what = useMeaning(status);
  const isUnusual = status !== undefined && status.mode !== 'normal';
  const [wasUnusual, setWasUnusual] = useState(false);
  useEffect(() => {
    if (isUnusual) setWasUnusual(true);
  }, [isUnusual]);
  return (
    <>
      {/* The live region is rendered from the start, because one that appears together with its text is not read out. */}
      <VisuallyHidden role="status">
        {isUnusual ? t('announce', { mode: t(status.mode), what }) : wasUnusual ? t('normalAgain') : ''}
      </VisuallyHidden>
      {isUnusual && (
        <Popover width={320} position="bottom-end" withArrow shadow="md">
          <Popover.Target>
            <Badge
              component="button"
              type="button"
              color={modeColors[status.mode]}
              variant="dot"
              size="lg"
              aria-label={t('details', { mode: t(status.mode) })}
              style={{ cursor: 'pointer', flexShrink: 0 }}
            >
              {t(status.mode)}
            </Badge>
          </Popover.Target>
          <Popover.Dropdown>
            <Meaning status={status} />
          </Popover.Dropdown>
        </Popover>
      )}
    </>
  );
}

/** The mode explained on a page while it is not normal. It is not announced, because the badge does that. */
export function ModeNotice() {
  const t = useTexts(modeTexts);
  const status = useStatus();
  if (status === undefined || status.mode === 'normal') return null;
  return (
    <Alert color={modeColors[status.mode]} icon={<IconAlertTriangle size={18} />} title={t(status.mode)} role="note">
      <Meaning status={status} />
    </Alert>
  );
}

function Meaning({ status }: { status: ServiceStatus }) {
  const t = useTexts(modeTexts);
  const what = useMeaning(status);
  return (
    <Stack gap={4}>
      <Text size="sm">{what}</Text>
      <Text size="xs" c="dimmed">
        {t(status.cause === 'operator' ? 'byOperator' : 'byLoad')} · <Time at={status.since} />
      </Text>
    </Stack>
  );
}

function useMeaning(status: ServiceStatus | undefined): string {
  const t = useTexts(modeTexts);
  const language = useLanguage();
  if (status === undefined || status.mode === 'normal') return '';
  if (status.mode !== 'brownout') return t(`${status.mode}What`);
  return status.brownoutRate === null ? t('brownoutElsewhere') : t('brownoutHere', { rate: formatShare(status.brownoutRate, language) });
}
