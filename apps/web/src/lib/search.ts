import { alertKinds } from '@tributary/shared/alert-kinds.ts';
import { fieldFates } from '@tributary/shared/field-fates.ts';
import { personalKind } from '@tributary/shared/personal.ts';
import { connectionVerdicts } from '@tributary/shared/verdicts.ts';

// Readers for single parts of a URL's search. An invalid value is left out, as if it were not in the URL.

function oneOf<Name extends string, Value extends string>(name: Name, value: unknown, allowed: readonly Value[]): { [K in Name]?: Value } {
  const found = allowed.find((one) => one === value);
  return (found === undefined ? {} : { [name]: found }) as { [K in Name]?: Value };
}

export function text<Name extends string>(name: Name, value: unknown, lengthMax = 2_000): { [K in Name]?: string } {
  const found = typeof value === 'number' ? String(value) : value;
  return (typeof found === 'string' && found !== '' && found.length <= lengthMax ? { [name]: found } : {}) as { [K in Name]?: string };
}

/** A comma-separated list. */
function list<Name extends string>(name: Name, value: unknown): { [K in Name]?: string[] } {
  const found = (Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : []).filter(
    (one): one is string => typeof one === 'string' && one !== '',
  );
  return (found.length > 0 ? { [name]: found.slice(0, 100) } : {}) as { [K in Name]?: string[] };
}

/** A search text. An identifier of a person that somebody put into a link is left out, so that it goes no further. */
function searchText(value: unknown): { q?: string } {
  const found = text('q', value, 200);
  return found.q !== undefined && personalKind(found.q) !== undefined ? {} : found;
}

export const ranges = ['1h', '24h', '7d', '30d', '90d'] as const;
export type Range = (typeof ranges)[number];

/** A time in ISO 8601. */
function time<Name extends string>(name: Name, value: unknown): { [K in Name]?: string } {
  const isTime = typeof value === 'string' && value.length <= 40 && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value));
  return (isTime ? { [name]: value } : {}) as { [K in Name]?: string };
}

type Search = Record<string, unknown>;

// What each page keeps in its URL, so that a link shows a colleague the same view.

export const rangeSearch = (search: Search) => oneOf('range', search.range, ranges);

export const connectionsSearch = (search: Search) => ({
  ...searchText(search.q),
  ...oneOf('state', search.state, ['active', ...connectionVerdicts]),
  ...text('type', search.type, 40),
});

export const wizardSearch = (search: Search) => ({ ...text('type', search.type, 40), ...text('created', search.created, 36) });

export const connectionSearch = (search: Search) => ({
  ...oneOf('tab', search.tab, ['activity', 'fields', 'setup', 'test', 'settings']),
  ...oneOf('range', search.range, ranges),
  ...oneOf('fate', search.fate, fieldFates),
});

export const eventsSearch = (search: Search) => ({
  ...oneOf('range', search.range, ranges),
  ...time('from', search.from),
  ...time('to', search.to),
  ...list('connections', search.connections),
  ...list('types', search.types),
  // Up to 32 hashes: one for each version of the hash key and each way to read the typed text.
  ...text('subject', search.subject, 32 * 65),
  ...text('order', search.order, 255),
  ...text('amount', search.amount, 60),
  ...searchText(search.q),
  ...oneOf('test', search.test, ['only', 'hide']),
  ...text('event', search.event, 36),
  ...oneOf('tab', search.tab, ['canonical', 'properties', 'delivery']),
});
export type EventsSearch = ReturnType<typeof eventsSearch>;

export const deadLettersSearch = (search: Search) => ({
  ...searchText(search.q),
  ...oneOf('tab', search.tab, ['groups', 'entries', 'quarantine', 'operations']),
  ...list('classes', search.classes),
  ...list('connections', search.connections),
  ...list('statuses', search.statuses),
  ...text('sourceEventType', search.sourceEventType, 255),
  ...time('from', search.from),
  ...time('to', search.to),
  ...text('entry', search.entry, 36),
});
export type DeadLettersSearch = ReturnType<typeof deadLettersSearch>;

export const replaysSearch = (search: Search) => ({
  ...oneOf('show', search.show, ['open', 'ended']),
  ...text('plan', search.plan, 36),
  // A new plan as far as it is filled in. Other pages link to it with the filter they show.
  ...oneOf('new', text('new', search.new).new, ['1']),
  ...time('from', search.from),
  ...time('to', search.to),
  ...list('connections', search.connections),
  ...list('types', search.types),
  ...list('outcomes', search.outcomes),
  ...oneOf('mode', search.mode, ['reprocess']),
  ...text('rate', search.rate, 4),
  ...oneOf('replays', text('replays', search.replays).replays, ['1']),
});

export const alertsSearch = (search: Search) => ({
  ...oneOf('tab', search.tab, ['incidents', 'rules', 'channels']),
  ...oneOf('state', search.state, ['active', 'resolved', 'all']),
  ...oneOf('kind', search.kind, alertKinds),
  ...text('connection', search.connection, 36),
  ...text('incident', search.incident, 36),
});

export const settingsSearch = (search: Search) => ({
  ...oneOf('tab', search.tab, ['org', 'projects', 'members', 'quotas', 'security', 'privacy', 'audit']),
  ...oneOf('range', search.range, ranges),
  ...text('actor', search.actor, 36),
  ...text('action', search.action, 80),
  ...text('entry', search.entry, 20),
});
