import { Badge, Box, Group, Table, Text } from '@mantine/core';
import { formatMoment, formatMoney, formatUtc } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { SourceBadge } from '../../ui/source-badge.tsx';
import type { EventRow } from './queries.ts';
import { eventTexts } from './texts.ts';

/** The heights that the virtualizer counts with, in pixels: the page's header, the table's head, and a row of either form. */
export const headerHeight = 52;
export const headHeight = 34;
export const rowHeight = { table: 38, list: 62 };

interface RowsProps {
  /** The rows in sight. `tabIndex` is 0 for the one that the Tab key reaches. */
  rows: readonly { row: EventRow; index: number; isOpen: boolean; tabIndex: number }[];
  /** The heights of the rows above and below, which are not in the document. */
  before: number;
  after: number;
  nameOf: (connectionId: string) => string;
}

export function EventTable({ rows, before, after, nameOf }: RowsProps) {
  const t = useTexts(eventTexts);
  return (
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
        {rows.map(({ row, index, isOpen, tabIndex }) => (
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
              <When at={row.eventTime} />
            </Table.Td>
            <Table.Td>
              <Type row={row} index={index} tabIndex={tabIndex} />
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
              <Amount row={row} />
            </Table.Td>
          </Table.Tr>
        ))}
        {after > 0 && <tr aria-hidden style={{ height: after }} />}
      </Table.Tbody>
    </Table>
  );
}

export function EventCards({ rows, before, after, nameOf }: RowsProps) {
  const t = useTexts(eventTexts);
  return (
    <ul aria-label={t('title')} style={{ listStyle: 'none', margin: 0, padding: 0, paddingTop: before, paddingBottom: after }}>
      {rows.map(({ row, index, isOpen, tabIndex }) => (
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
            <Type row={row} index={index} tabIndex={tabIndex} miw={0} />
            <Text size="sm" className="tabular" style={{ whiteSpace: 'nowrap' }}>
              <Amount row={row} />
            </Text>
          </Group>
          <Group gap="xs" wrap="nowrap" justify="space-between" mt={2}>
            <Text size="xs" c="dimmed" className="truncate isolated">
              {nameOf(row.connectionId)}
              {row.orderRef && ` · ${row.orderRef}`}
            </Text>
            <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
              <When at={row.eventTime} />
            </Text>
          </Group>
        </Box>
      ))}
    </ul>
  );
}

/** A click anywhere on a row opens its link, unless the reader was selecting text. */
function openLinkOf({ currentTarget, target }: { currentTarget: Element; target: EventTarget }) {
  if (target instanceof Element && target.closest('a, button')) return;
  if (window.getSelection()?.toString()) return;
  currentTarget.querySelector('a')?.click();
}

/** The type of the event as a link that opens it, with a mark where it is a test. */
function Type({ row, index, tabIndex, miw }: { row: EventRow; index: number; tabIndex: number; miw?: number }) {
  const t = useTexts(eventTexts);
  const org = useOrg();
  return (
    <Group gap={6} wrap="nowrap" {...(miw === undefined ? {} : { miw })}>
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
      {row.isTest && (
        <Badge size="xs" variant="dot" color="grape" style={{ flexShrink: 0 }}>
          {t('testMark')}
        </Badge>
      )}
    </Group>
  );
}

function When({ at }: { at: string }) {
  const language = useLanguage();
  return (
    <time dateTime={at} title={formatUtc(at)} className="tabular">
      {formatMoment(at, Date.now(), language)}
    </time>
  );
}

function Amount({ row: { amountMinor, currency } }: { row: EventRow }) {
  const language = useLanguage();
  return amountMinor === null || currency === null ? null : formatMoney(amountMinor, currency, language);
}

/** The first characters of the person's most specific hash, enough to recognise the same person. */
function personOf({ subject }: EventRow): string {
  return (subject.email ?? subject.phone ?? subject.document ?? subject.external_id ?? '').slice(0, 10);
}
