import { ActionIcon, Group, Loader, Text, Tooltip } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { formatAgo } from '../lib/format.ts';
import { useLanguage, useTexts } from '../lib/i18n.ts';
import { uiTexts } from './texts.ts';
import { useNow } from './values.tsx';

/**
 * The interval while requests fail; each of them is tried three times. When a silent server answers again, everything is fetched at once
 * (app/reachable.ts).
 */
const failingMs = 60_000;

/**
 * The polling interval of a query, in ms. TanStack Query stops polling while the tab is hidden and fetches once when it is visible again.
 * Usage: `useQuery({ ...options, ...live() })`.
 */
export const live = (everyMs = 10_000) =>
  ({
    refetchInterval: (query: { state: { status: string } }) => (query.state.status === 'error' ? Math.max(failingMs, everyMs) : everyMs),
    refetchIntervalInBackground: false,
  }) as const;

/** The time of the latest fetch, and a button that fetches now. */
export function Updated({ at, isFetching, onRefresh }: { at: number; isFetching: boolean; onRefresh: () => void }) {
  const t = useTexts(uiTexts);
  const language = useLanguage();
  const now = useNow(1_000);
  const ago = now - at < 2_000 ? t('updatedNow') : t('updated', { ago: formatAgo(new Date(at).toISOString(), now, language) });
  return (
    <Group gap={4} wrap="nowrap">
      <Text size="xs" c="dimmed" className="tabular">
        {at > 0 ? ago : t('loading')}
      </Text>
      <Tooltip label={t('refresh')}>
        {/* Not `loading`, which would disable the button: a keyboard user whose focus is on it would lose their place at every poll. */}
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-busy={isFetching}
          onClick={isFetching ? undefined : onRefresh}
          aria-label={t('refresh')}
        >
          {isFetching ? <Loader size={14} color="gray" aria-hidden /> : <IconRefresh size={14} />}
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
