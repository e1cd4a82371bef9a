import { Badge, Box, Group, Loader, Table, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { formatMoment, formatMoney, formatUtc } from '../../lib/format.ts';
import { type Language, useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { SourceBadge } from '../../ui/source-badge.tsx';
import type { EventRow } from './queries.ts';
import { eventTexts } from './texts.ts';

interface ListProps {
  rows: readonly EventRow[];
  /** The open event. */
  opened: string | undefined;
  nameOf: (connectionId: string) => string;
  onEnd: () => void;
  isFetchingMore: boolean;
  /** What stands below the last row. */
  end: ReactNode;
}

const headerHeight = 52;
const headHeight = 34;
const rowHeight = { table: 38, list: 62 };

/**
 * The events as a table, or as a dense list where it is narrow. Only the rows in sight are in the page; more are asked for before the end
 * is in sight. Every event is a link: arrow keys go from one to the next, Enter opens.
 */
export function EventList({ rows, opened, nameOf, onEnd, isFetchingMore, end }: ListProps) {
  const t = useTexts(eventTexts);
  const language = useLanguage();
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
  // Whoever goes from event to event in the panel sees where in the list they are.
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
  const shown = items.flatMap(({ index }) => {
    const row = rows[index];
    return row
      ? [{ row, index, isOpen: row.id === opened, link: <EventLink row={row} index={index} tabIndex={index === inSight ? 0 : -1} /> }]
      : [];
  });
  return (
    <Box ref={box} onKeyDown={onKeyDown} onFocus={onFocus}>
      {wide ? (
        <Table
          layout="fixed"
          stickyHeader
          stickyHeaderOffset={headerHeight}
          aria-label={t('title')}
          aria-rowcount={-1}
          verticalSpacing={0}
          highlightOnHover
        >
          <Table.Thead style={{ zIndex: 2 }}>
            <Table.Tr h={headHeight}>
              <Table.Th scope="col" w={190}>
                {t('time')}
              </Table.Th>
              <Table.Th scope="col">{t('type')}</Table.Th>
              <Table.Th scope="col" w="20%">
                {t('connection')}
              </Table.Th>
              <Table.Th scope="col" w="17%">
                {t('order')}
              </Table.Th>
              <Table.Th scope="col" w={104}>
                {t('person')}
              </Table.Th>
              <Table.Th scope="col" w={124} ta="right">
                {t('amount')}
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {before > 0 && <tr aria-hidden style={{ height: before }} />}
            {shown.map(({ row, index, isOpen, link }) => (
              <Table.Tr
                key={row.id}
                h={rowHeight.table}
                aria-rowindex={index + 2}
                aria-current={isOpen || undefined}
                {...(isOpen ? { bg: 'var(--mantine-primary-color-light)' } : {})}
                onClick={openLinkOf}
                style={{ cursor: 'pointer' }}
              >
                <Table.Td className="truncate">
                  <When at={row.eventTime} language={language} />
                </Table.Td>
                <Table.Td>
                  <Group gap={6} wrap="nowrap">
                    {link}
                    {row.isTest && <TestMark />}
                  </Group>
                </Table.Td>
                <Table.Td>
                  <Group gap={6} wrap="nowrap">
                    <SourceBadge type={row.sourceType} size={20} />
                    <span className="truncate isolated">{nameOf(row.connectionId)}</span>
                  </Group>
                </Table.Td>
                <Table.Td className="truncate mono">
                  <span className="isolated">{row.orderRef}</span>
                </Table.Td>
                <Table.Td className="truncate mono">{personOf(row)}</Table.Td>
                <Table.Td className="truncate" ta="right">
                  {amountOf(row, language)}
                </Table.Td>
              </Table.Tr>
            ))}
            {after > 0 && <tr aria-hidden style={{ height: after }} />}
          </Table.Tbody>
        </Table>
      ) : (
        <ul aria-label={t('title')} style={{ listStyle: 'none', margin: 0, padding: 0, paddingTop: before, paddingBottom: after }}>
          {shown.map(({ row, isOpen, link }) => (
            <Box
              component="li"
              key={row.id}
              h={rowHeight.list}
              py={8}
              px={4}
              aria-current={isOpen || undefined}
              onClick={openLinkOf}
              style={{ borderBottom: '1px solid var(--mantine-color-default-border)', cursor: 'pointer' }}
            >
              <Group gap="xs" wrap="nowrap" justify="space-between">
                <Group gap={6} wrap="nowrap" miw={0}>
                  {link}
                  {row.isTest && <TestMark />}
                </Group>
                <Text size="sm" className="tabular" style={{ whiteSpace: 'nowrap' }}>
                  {amountOf(row, language)}
                </Text>
              </Group>
              <Group gap="xs" wrap="nowrap" justify="space-between" mt={2}>
                <Text size="xs" c="dimmed" className="truncate isolated">
                  {nameOf(row.connectionId)}
                  {row.orderRef && ` · ${row.orderRef}`}
                </Text>
                <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
                  <When at={row.eventTime} language={language} />
                </Text>
              </Group>
            </Box>
          ))}
        </ul>
      )}
      <Group justify="center" mih={44} pt="xs">
        {isFetchingMore ? <Loader size="xs" aria-label={t('loadingMore')} /> : end}
      </Group>
    </Box>
  );
}

/** One stop for Tab in the whole list; the arrow keys, Home and End move it. */
function useArrowKeys(rows: readonly EventRow[], openedIndex: number, scrollTo: (index: number) => void) {
  const [stop, setStop] = useState(0);
  const wanted = useRef<number>(undefined);
  useEffect(() => {
    if (wanted.current === undefined) return;
    const link = document.querySelector<HTMLElement>(`[data-event-index="${wanted.current}"]`);
    if (!link) return;
    wanted.current = undefined;
    link.focus({ preventScroll: true });
  });
  return {
    tabStop: openedIndex >= 0 && stop === 0 ? openedIndex : stop,
    onFocus: ({ target }: { target: Element }) => {
      const index = target.getAttribute('data-event-index');
      if (index !== null) setStop(Number(index));
    },
    onKeyDown: (event: KeyboardEvent) => {
      const at = Number((event.target as Element).getAttribute('data-event-index') ?? Number.NaN);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1, PageDown: at + 10, PageUp: at - 10 }[event.key];
      if (to === undefined || Number.isNaN(at) || rows.length === 0) return;
      event.preventDefault();
      const next = Math.min(Math.max(to, 0), rows.length - 1);
      wanted.current = next;
      setStop(next);
      scrollTo(next);
    },
  };
}

/** A press anywhere on the row is a press of its link; one that marks text is not. */
function openLinkOf({ currentTarget, target }: { currentTarget: Element; target: EventTarget }) {
  if (target instanceof Element && target.closest('a, button')) return;
  if (window.getSelection()?.toString()) return;
  currentTarget.querySelector('a')?.click();
}

function EventLink({ row, index, tabIndex }: { row: EventRow; index: number; tabIndex: number }) {
  const org = useOrg();
  return (
    <AnchorLink
      from="/o/$org/events"
      to="/o/$org/events"
      params={{ org: org.slug }}
      search={(old) => ({ ...old, event: row.id })}
      resetScroll={false}
      tabIndex={tabIndex}
      data-event-index={index}
      size="sm"
      fw={500}
      className="truncate"
    >
      {row.type}
    </AnchorLink>
  );
}

function TestMark() {
  const t = useTexts(eventTexts);
  return (
    <Badge size="xs" variant="dot" color="grape" style={{ flexShrink: 0 }}>
      {t('testMark')}
    </Badge>
  );
}

function When({ at, language }: { at: string; language: Language }) {
  return (
    <time dateTime={at} title={formatUtc(at)} className="tabular">
      {formatMoment(at, Date.now(), language)}
    </time>
  );
}

const amountOf = ({ amountMinor, currency }: EventRow, language: Language) =>
  amountMinor === null || currency === null ? '' : formatMoney(amountMinor, currency, language);

/** The beginning of the most telling hash of the person, enough to see who is the same. */
function personOf({ subject }: EventRow): string {
  return (subject.email ?? subject.phone ?? subject.document ?? subject.external_id ?? '').slice(0, 10);
}
