import { ActionIcon, Group, Loader, Text, Tooltip } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { formatAgo } from '../lib/format.ts';
import { useLanguage, useTexts } from '../lib/i18n.ts';
import { uiTexts } from './texts.ts';
import { useNow } from './values.tsx';

/** While asking fails it is asked this seldom: each time is three attempts. As soon as a silent server answers, all of it is asked again. */
const failingMs = 60_000;

/**
 * How often a page asks again, in ms. TanStack Query stops asking while the tab is hidden, and asks once when it is back.
 * Spread into `useQuery({ ...options, ...live() })`.
 */
export const live = (everyMs = 10_000) =>
  ({
    refetchInterval: (query: { state: { status: string } }) => (query.state.status === 'error' ? Math.max(failingMs, everyMs) : everyMs),
    refetchIntervalInBackground: false,
  }) as const;

/** When what is shown was fetched, and a button that fetches it now. */
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
        {/* Not `loading`: that disables it, and whoever stands on it with the keyboard would lose their place at every poll. */}
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
