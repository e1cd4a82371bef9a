import type { Findings } from './findings.ts';
import type { Entry } from './journal.ts';
import { shuffle } from './random.ts';
import { openStored, storedDigest } from './sealed.ts';
import type { ProofStack } from './stack.ts';

interface StoredEvent {
  id: string;
  key: string;
  connection_id: string;
  journal_id: string;
}

/** The number of sealed deliveries that are opened and compared byte by byte; all others are compared by digest. */
const openedMax = 500;

/**
 * Compares the client's journal with the database, once every delivery has been answered: acknowledged ⊆ stored ⊆ attempted, each key is stored
 * once with the bytes that were sent, and no rejected delivery is stored. Only the stack's first org is compared: a case that sends to further orgs
 * compares those itself.
 */
export async function judge(stack: ProofStack, entries: readonly Entry[], random: () => number, findings: Findings): Promise<void> {
  const attempted = new Map<string, { connectionId: string; sha256: string }>();
  const acked = new Map<string, Set<string>>();
  const rejected = new Set<string>();
  const unknown = new Set<string>();
  for (const entry of entries) {
    if (entry.what === 'attempted') attempted.set(entry.key, entry);
    else if (entry.what === 'acked') acked.set(entry.key, (acked.get(entry.key) ?? new Set()).add(entry.eventId));
    else if (entry.what === 'rejected') rejected.add(entry.key);
    else unknown.add(entry.key);
  }

  const events = await stack.query<StoredEvent>(
    'select id, idempotency_key as key, source_connection_id as connection_id, journal_id from public.canonical_events where org_id = $1',
    [stack.org.id],
  );
  const keys = await stack.query<{ key: string; event_id: string }>(
    'select idempotency_key as key, event_id from private.event_keys where source_connection_id = any ($1::uuid[])',
    [Object.values(stack.connections).map(({ id }) => id)],
  );
  const journal = await stack.query<{ id: string; body_sha256: string; outcome: string; has_payload: boolean }>(
    `select j.id, j.body_sha256, j.outcome, p.journal_id is not null as has_payload
     from public.event_journal j left join private.journal_payloads p on p.journal_id = j.id where j.org_id = $1`,
    [stack.org.id],
  );
  const storedDigests = new Map([...attempted.values()].map((attempt) => [attempt.sha256, storedDigest(stack, attempt.sha256)]));
  const sentDigests = new Set(storedDigests.values());
  const digestOf = new Map(journal.map((row) => [row.id, row.body_sha256]));
  const stored = Map.groupBy(events, (event) => event.key);
  const keyed = new Map(keys.map((row) => [row.key, row.event_id]));

  const { none, figure } = findings;
  none(
    'acknowledged and not stored',
    [...acked.keys()].filter((key) => !stored.has(key)),
    acked.size,
  );
  none(
    'acknowledged under an id that is not the stored one',
    [...acked].filter(([key, ids]) => ids.size !== 1 || !ids.has(stored.get(key)?.[0]?.id ?? '')),
    acked.size,
  );
  none(
    'stored and never attempted',
    events.filter((event) => attempted.get(event.key)?.connectionId !== event.connection_id),
    events.length,
  );
  none(
    'stored more than once',
    [...stored.values()].filter((rows) => rows.length > 1),
    stored.size,
  );
  none(
    'stored after a rejection',
    [...rejected].filter((key) => stored.has(key) || keyed.has(key)),
    rejected.size,
  );
  none(
    'attempted and neither acknowledged nor rejected',
    [...attempted.keys()].filter((key) => !acked.has(key) && !rejected.has(key)),
    attempted.size,
  );
  none(
    'keys without their event',
    keys.filter((row) => stored.get(row.key)?.[0]?.id !== row.event_id),
    keys.length,
  );
  none(
    'events without their key',
    events.filter((event) => keyed.get(event.key) !== event.id),
    events.length,
  );
  none(
    'stored under another digest than was sent',
    events.filter((event) => digestOf.get(event.journal_id) !== storedDigests.get(attempted.get(event.key)?.sha256 ?? '')),
    events.length,
  );
  none(
    'journalled and never sent',
    journal.filter((row) => !sentDigests.has(row.body_sha256)),
    journal.length,
  );
  none(
    'journalled without the delivery itself',
    journal.filter((row) => !row.has_payload),
    journal.length,
  );
  const dead = await stack.query<{ error_class: string }>(
    'select error_class from public.dlq_events where not is_quarantine and org_id = $1',
    [stack.org.id],
  );
  none('dead letters of good deliveries', dead, events.length);

  const chosen = shuffle([...journal], random).slice(0, openedMax);
  const opened = await openStored(
    stack,
    chosen.map((row) => row.id),
  );
  none(
    'sealed deliveries that do not open to the bytes that were sent',
    opened.filter((one) => one.digest === undefined),
    opened.length,
  );
  findings.atLeast('acknowledged deliveries (fewer would prove nothing)', acked.size, 100);

  figure('attempted', attempted.size);
  figure('acknowledged', acked.size);
  figure('rejected', rejected.size);
  figure('stored', stored.size);
  figure('journalled', journal.length);
  figure('unanswered at least once', unknown.size);
}
