import { Box, Group, Loader } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { EventCards, EventTable, headerHeight, headHeight, rowHeight } from './event-rows.tsx';
import type { EventRow } from './queries.ts';
import { eventTexts } from './texts.ts';
import { useArrowKeys } from './use-arrow-keys.ts';

interface ListProps {
  rows: readonly EventRow[];
  /** The id of the event that is open in the panel. */
  opened: string | undefined;
  nameOf: (connectionId: string) => string;
  onEnd: () => void;
  isFetchingMore: boolean;
  /** Shown below the last row. */
  end: ReactNode;
}

/**
 * The events as a table, or as a dense list where the window is narrow. Only the visible rows are in the document, and more are fetched
 * before the reader reaches the end. Every event is a link: arrow keys move between events, Enter opens one.
 */
export function EventList({ rows, opened, nameOf, onEnd, isFetchingMore, end }: ListProps) {
  const t = useTexts(eventTexts);
  const wide = useMediaQuery('(min-width: 62em)', undefined, { getInitialValueInEffect: false });
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    if (box.current) setTop(Math.round(box.current.getBoundingClientRect().top + window.scrollY));
  });
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => (wide ? rowHeight.table : rowHeight.list),
    overscan: 12,
    scrollMargin: top + (wide ? headHeight : 0),
    scrollPaddingStart: headerHeight + headHeight,
    scrollPaddingEnd: 24,
    getItemKey: (index) => rows[index]?.id ?? index,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height of a row changes with the form of the list.
  useLayoutEffect(() => virtual.measure(), [wide, virtual]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  const openedIndex = rows.findIndex((row) => row.id === opened);
  useEffect(() => {
    if (Math.max(last, openedIndex) >= rows.length - 15) onEnd();
  }, [last, openedIndex, rows.length, onEnd]);
  // The list scrolls along when the reader moves from event to event in the panel.
  const shownOpened = useRef(opened);
  useEffect(() => {
    if (shownOpened.current === opened) return;
    shownOpened.current = opened;
    if (openedIndex >= 0) virtual.scrollToIndex(openedIndex);
  }, [opened, openedIndex, virtual]);

  const { tabStop, onKeyDown, onFocus } = useArrowKeys(rows, openedIndex, (index) => virtual.scrollToIndex(index));
  const before = (items[0]?.start ?? virtual.options.scrollMargin) - virtual.options.scrollMargin;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? virtual.options.scrollMargin) + virtual.options.scrollMargin;
  const inSight = items.some(({ index }) => index === tabStop) ? tabStop : (items[0]?.index ?? 0);
  const shown = {
    rows: items.flatMap(({ index }) => {
      const row = rows[index];
      return row ? [{ row, index, isOpen: row.id === opened, tabIndex: index === inSight ? 0 : -1 }] : [];
    }),
    before,
    after,
    nameOf,
  };
  return (
    <Box ref={box} onKeyDown={onKeyDown} onFocus={onFocus}>
      {wide ? <EventTable {...shown} /> : <EventCards {...shown} />}
      <Group justify="center" mih={44} pt="xs">
        {isFetchingMore ? <Loader size="xs" role="img" aria-label={t('loadingMore')} /> : end}
      </Group>
    </Box>
  );
}
