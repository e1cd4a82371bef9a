import { type AmountFilter, parseAmount } from '@tributary/shared/currency.ts';
import { formatMoney } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import type { EventsSearch } from '../../lib/search.ts';
import { type filterKeys, subjectHashes } from './filter.ts';
import { eventTexts } from './texts.ts';

type Words = Record<(typeof filterKeys)[number], string | undefined>;

/** The value of each filter in words; undefined for a filter that is not set. */
export function useFilterWords(search: EventsSearch, connections: readonly { id: string; name: string }[]): Words {
  const t = useTexts(eventTexts);
  const language = useLanguage();
  const some = (all: readonly string[] | undefined) => {
    const [first, ...others] = all ?? [];
    return first === undefined ? undefined : others.length === 0 ? first : `${first} +${others.length}`;
  };
  const amount = parseAmount(search.amount ?? '');
  const money = (minor: string) => formatMoney(minor, amount?.currency ?? '', language);
  return {
    types: some(search.types),
    connections: some(search.connections?.map((id) => connections.find((one) => one.id === id)?.name ?? `${id.slice(0, 8)}…`)),
    subject: some(subjectHashes(search.subject).map((hash) => `${hash.slice(0, 10)}…`)),
    order: search.order,
    amount: amount && amountWords(amount, money),
    q: search.q,
    test: search.test === undefined ? undefined : t(search.test === 'only' ? 'testOnly' : 'testHide'),
  };
}

function amountWords({ currency, amountMin: min, amountMax: max }: AmountFilter, money: (minor: string) => string): string {
  if (min === undefined) return max === undefined ? currency : `≤ ${money(max)}`;
  if (max === undefined) return `≥ ${money(min)}`;
  return min === max ? money(min) : `${money(min)} – ${money(max)}`;
}
