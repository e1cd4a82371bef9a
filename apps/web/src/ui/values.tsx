import { ActionIcon, Box, Button, Code, Group, ScrollArea, Text, Tooltip } from '@mantine/core';
import { useInterval } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';
import { copyText } from '../lib/clipboard.ts';
import { formatAgo, formatDateTime, formatMoney, formatUtc } from '../lib/format.ts';
import { useLanguage, useTexts } from '../lib/i18n.ts';
import { uiTexts } from './texts.ts';

/** The current time for relative times: it ticks at an interval, but not while the page is hidden. */
export function useNow(everyMs = 5_000): number {
  const [now, setNow] = useState(Date.now);
  const interval = useInterval(() => {
    if (document.visibilityState === 'visible') setNow(Date.now());
  }, everyMs);
  useEffect(() => {
    interval.start();
    return interval.stop;
  }, [interval.start, interval.stop]);
  return now;
}

/**
 * A relative time such as "3 min. ago", with the exact time in the viewer's time zone and in UTC on hover. `exact` shows the exact time
 * itself.
 */
export function Time({ at, exact = false }: { at: string | null | undefined; exact?: boolean }) {
  const language = useLanguage();
  const t = useTexts(uiTexts);
  const now = useNow();
  if (!at) return <Text span>{t('never')}</Text>;
  // Data that was fetched since the last tick must not appear to be in the future.
  const ahead = Date.parse(at) - now;
  const shown = ahead > 0 && ahead < 10_000 ? now + ahead : now;
  return (
    <Tooltip label={`${formatDateTime(at, language)} · ${formatUtc(at)}`} openDelay={200}>
      <Text span inherit component="time" dateTime={at} tabIndex={0}>
        {exact ? formatDateTime(at, language) : formatAgo(at, shown, language)}
      </Text>
    </Tooltip>
  );
}

export function Money({ minor, currency }: { minor: number | string | null; currency: string | null }) {
  const language = useLanguage();
  const t = useTexts(uiTexts);
  return <>{minor === null || currency === null ? t('none') : formatMoney(minor, currency, language)}</>;
}

export function Copy({ value, label }: { value: string; label?: string }) {
  const t = useTexts(uiTexts);
  const [copied, setCopied] = useState(0);
  useEffect(() => {
    if (copied === 0) return;
    const timer = window.setTimeout(() => setCopied(0), 1_500);
    return () => window.clearTimeout(timer);
  }, [copied]);
  const said = copied > 0 ? t('copied') : (label ?? t('copy'));
  return (
    <Tooltip label={said}>
      <ActionIcon
        variant="subtle"
        color={copied > 0 ? 'teal' : 'gray'}
        size="sm"
        onClick={async ({ currentTarget }) => {
          if (await copyText(value, currentTarget)) setCopied((times) => times + 1);
          else notifications.show({ message: t('notCopied'), color: 'red' });
        }}
        aria-label={said}
      >
        {copied > 0 ? <IconCheck size={14} /> : <IconCopy size={14} />}
      </ActionIcon>
    </Tooltip>
  );
}

/** An id, shortened on the page and copied in full. */
export function Id({ value, whole = false }: { value: string; whole?: boolean }) {
  return (
    <Group gap={4} wrap="nowrap" display="inline-flex">
      <Text span className="mono break" title={value}>
        {whole || value.length <= 13 ? value : `${value.slice(0, 8)}…${value.slice(-4)}`}
      </Text>
      <Copy value={value} />
    </Group>
  );
}

const shownMax = 20_000;

/** Any part of an event as text. It is never rendered as markup, and a value of a megabyte does not freeze the page. */
export function Json({ value, maxHeight = 420 }: { value: unknown; maxHeight?: number }) {
  const t = useTexts(uiTexts);
  const [all, setAll] = useState(false);
  const text = useMemo(() => (typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '')), [value]);
  const size = `${Math.round(text.length / 1024)} KiB`;
  return (
    <Box pos="relative">
      <Box pos="absolute" top={6} right={10} style={{ zIndex: 1 }}>
        <Copy value={text} />
      </Box>
      <ScrollArea.Autosize mah={maxHeight} type="auto" viewportProps={{ tabIndex: 0 }}>
        {/* Plain text, isolated: a right-to-left mark in it cannot reorder the text around it. */}
        <Code block dir="ltr" style={{ unicodeBidi: 'isolate', whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {all ? text : text.slice(0, shownMax)}
        </Code>
      </ScrollArea.Autosize>
      {text.length > shownMax && !all && (
        <Group gap="xs" mt={4}>
          <Text size="xs" c="dimmed">
            {t('tooLong', { size })}
          </Text>
          <Button size="compact-xs" variant="subtle" onClick={() => setAll(true)}>
            {t('showAll', { size })}
          </Button>
        </Group>
      )}
    </Box>
  );
}
