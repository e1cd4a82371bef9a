import type { EventsSearch } from '../../app/search.ts';
import { formatMoney } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { type filterKeys, parseAmount, subjectHashes, toMinor } from './filter.ts';
import { eventTexts } from './texts.ts';

type Words = Record<(typeof filterKeys)[number], string | undefined>;

/** What each filter is set to, in words; undefined for one that is not set. */
export function useFilterWords(search: EventsSearch, connections: readonly { id: string; name: string }[]): Words {
  const t = useTexts(eventTexts);
  const language = useLanguage();
  const some = (all: readonly string[] | undefined) => {
    const [first, ...others] = all ?? [];
    return first === undefined ? undefined : others.length === 0 ? first : `${first} +${others.length}`;
  };
  const amount = parseAmount(search.amount);
  const money = (units: string) => formatMoney(toMinor(units, amount?.currency ?? 'BRL'), amount?.currency ?? 'BRL', language);
  return {
    types: some(search.types),
    connections: some(search.connections?.map((id) => connections.find((one) => one.id === id)?.name ?? `${id.slice(0, 8)}…`)),
    subject: some(subjectHashes(search.subject).map((hash) => `${hash.slice(0, 10)}…`)),
    order: search.order,
    amount: !amount
      ? undefined
      : amount.min === undefined
        ? `≤ ${money(amount.max ?? '0')}`
        : amount.max === undefined
          ? `≥ ${money(amount.min)}`
          : `${money(amount.min)} – ${money(amount.max)}`,
    q: search.q,
    test: search.test === undefined ? undefined : t(search.test === 'only' ? 'testOnly' : 'testHide'),
  };
}
