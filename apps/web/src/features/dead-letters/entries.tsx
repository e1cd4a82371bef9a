import { Badge, Box, Button, Grid, Group, Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { DlqEntry, DlqFilter } from '@tributary/shared/dlq.ts';
import type { ReactNode } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import type { DeadLettersSearch } from '../../lib/search.ts';
import { useClassName } from '../../ui/error-class.tsx';
import { useFailureMessage } from '../../ui/failure-message.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { live } from '../../ui/live.tsx';
import { Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Time } from '../../ui/values.tsx';
import { entryPages } from './queries.ts';
import { deadLetterTexts } from './texts.ts';

const colors = { pending: 'orange', retrying: 'blue', resolved: 'teal', exhausted: 'red', discarded: 'gray' } as const;

export function StatusBadge({ status }: { status: DlqEntry['status'] }) {
  const t = useTexts(deadLetterTexts);
  return (
    <Badge variant="dot" size="sm" color={colors[status]} tt="none">
      {t(status)}
    </Badge>
  );
}

/**
 * The entries of a filter, newest first. The list refreshes itself only while the reader is at the top of the first page, so that nothing
 * moves under their eyes.
 */
export function Entries({ filter, search, empty }: { filter: DlqFilter; search: DeadLettersSearch; empty: ReactNode }) {
  const t = useTexts(deadLetterTexts);
  const ui = useTexts(uiTexts);
  const pages = useInfiniteQuery({
    ...entryPages(filter),
    ...live(),
    refetchInterval: ({ state }) => (state.data?.pages.length === 1 && window.scrollY < 80 && search.entry === undefined ? 10_000 : false),
  });
  const rows = pages.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <Loaded query={pages} height={480} isEmpty={() => rows.length === 0} empty={empty}>
      {() => (
        <Stack gap="xs">
          <Box component="ul" aria-label={t('entries')} m={0} p={0} style={{ listStyle: 'none' }}>
            {rows.map((entry) => (
              <EntryRow key={entry.id} entry={entry} search={search} />
            ))}
          </Box>
          <Group justify="center" mih={30}>
            {pages.hasNextPage ? (
              <Button size="xs" variant="light" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
                {ui('more')}
              </Button>
            ) : (
              <Text size="xs" c="dimmed">
                {t('end', { count: rows.length })}
              </Text>
            )}
          </Group>
        </Stack>
      )}
    </Loaded>
  );
}

function EntryRow({ entry, search }: { entry: DlqEntry; search: DeadLettersSearch }) {
  const t = useTexts(deadLetterTexts);
  const className = useClassName();
  const failureMessage = useFailureMessage();
  const org = useOrg();
  const isOpen = search.entry === entry.id;
  return (
    <Box
      component="li"
      py={8}
      px={6}
      {...(isOpen ? { bg: 'var(--mantine-color-default-hover)' } : {})}
      style={{ borderBottom: '1px solid var(--mantine-color-default-border)' }}
    >
      <Grid gap={{ base: 4, sm: 'md' }}>
        <Grid.Col span={{ base: 12, sm: 6 }}>
          <AnchorLink
            to="/o/$org/dead-letters"
            params={{ org: org.slug }}
            search={{ ...search, entry: entry.id }}
            resetScroll={false}
            size="sm"
            fw={500}
            {...(isOpen ? { 'aria-current': 'true' as const } : {})}
          >
            {className(entry.errorClass)}
          </AnchorLink>
          <Text size="xs" c="dimmed" className="break isolated" lineClamp={2}>
            {failureMessage(entry.errorClass, entry.message)}
          </Text>
        </Grid.Col>
        <Grid.Col span={{ base: 6, sm: 3 }}>
          <Text size="sm" className="isolated truncate">
            {entry.connectionName}
          </Text>
          <Text size="xs" c="dimmed" className="isolated truncate mono">
            {entry.sourceEventType ?? '–'}
          </Text>
        </Grid.Col>
        <Grid.Col span={{ base: 6, sm: 3 }}>
          <Stack gap={2} align="flex-end">
            <StatusBadge status={entry.status} />
            <Text size="xs" c="dimmed" ta="right">
              {entry.attempts > 0 && `${t('attempts', { count: entry.attempts })} · `}
              <Time at={entry.createdAt} />
            </Text>
          </Stack>
        </Grid.Col>
      </Grid>
    </Box>
  );
}
