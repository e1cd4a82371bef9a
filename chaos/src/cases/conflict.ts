import { randomUUID } from 'node:crypto';
import type { CaseContext, CaseReport } from '../case.ts';
import { createClient } from '../client.ts';
import { createFindings } from '../findings.ts';
import { createRandom, shuffle } from '../random.ts';
import { openStored } from '../sealed.ts';
import { signed } from '../seed.ts';
import { sha256 } from '../sender.ts';
import { withProofStack } from '../stack.ts';

/** Fault 12: different bodies under one key, at the same time and through two processes. The first becomes the event; the others are kept for a person to see. */
export async function conflict({ seed, long }: CaseContext): Promise<CaseReport> {
  const keys = long ? 500 : 50;
  const bodiesPerKey = 3;
  const repeats = 2;
  const random = createRandom(seed);
  const findings = createFindings();
  const client = createClient(64);
  return withProofStack(async (stack) => {
    const { webhook } = stack.connections;
    const apis = await Promise.all([stack.startApi(), stack.startApi()]);
    const deliveries = shuffle(
      Array.from({ length: keys }, () => randomUUID()).flatMap((key) =>
        Array.from({ length: bodiesPerKey * repeats }, (_, n) => ({ key, variant: n % bodiesPerKey })),
      ),
      random,
    );
    const answers = await Promise.all(
      deliveries.map(async ({ key, variant }, n) => {
        const { headers, body } = signed(webhook, `{"id":"${key}","type":"order.paid","variant":${variant}}`);
        const answer = await client.post((apis[n % 2] ?? apis[0]).url + webhook.path, headers, body);
        const text = answer.kind === 'answered' ? answer.body : '{}';
        const [record] = (JSON.parse(text) as { records?: RecordAnswer[] }).records ?? [];
        return { key, variant, digest: sha256(body), status: answer.kind === 'answered' ? answer.status : answer.kind, record };
      }),
    );
    client.close();

    const events = await stack.query<{ id: string; key: string; variant: number }>(
      `select id, idempotency_key as key, (properties ->> 'variant')::integer as variant from public.canonical_events`,
    );
    const stored = new Map(events.map((event) => [event.key, event]));
    const dead = await stack.query<{
      id: string;
      key: string;
      error_class: string;
      status: string;
      journal_id: string;
      occurrences: number;
    }>(`select id, idempotency_key as key, error_class, status, journal_id, occurrences from public.dlq_events`);
    const letters = new Map(dead.map((letter) => [letter.id, letter]));
    const sealed = new Map((await openStored(stack)).map((one) => [one.id, one.digest]));

    const all = answers.length;
    findings.none(
      'answers other than 200',
      answers.filter((one) => one.status !== 200),
      all,
    );
    findings.equal('keys with one event each', stored.size === events.length ? stored.size : `${stored.size} of ${events.length}`, keys);
    findings.none(
      'keys whose first body is not the only one accepted',
      [...stored.keys()].filter((key) => accepted(key) !== 1),
      keys,
    );
    const same = answers.filter((one) => one.variant === stored.get(one.key)?.variant);
    const others = answers.filter((one) => one.variant !== stored.get(one.key)?.variant);
    findings.none(
      'repeats of the first body that were answered without the id of its event',
      same.filter((one) => one.record?.eventId !== stored.get(one.key)?.id),
      same.length,
    );
    findings.none(
      'other bodies that were not answered as a dead letter of class DUPLICATE_EVENT',
      others.filter((one) => one.record?.status !== 'dead_lettered' || one.record.code !== 'DUPLICATE_EVENT'),
      others.length,
    );
    findings.none(
      'other bodies whose bytes are not kept by the dead letter that the answer names',
      others.filter((one) => {
        const letter = letters.get(one.record?.dlqId ?? '');
        return letter?.key !== one.key || letter.error_class !== 'DUPLICATE_EVENT' || sealed.get(letter.journal_id) !== one.digest;
      }),
      others.length,
    );
    // The same other body again raises the count of its dead letter.
    findings.equal('dead letters', dead.length, keys * (bodiesPerKey - 1));
    const counted = dead.reduce((sum, letter) => sum + letter.occurrences, 0);
    findings.equal('deliveries that the dead letters count', counted, others.length);
    findings.figure('deliveries', all);
    findings.figure('deliveries with another body than the first', others.length);
    return findings.report();

    function accepted(key: string): number {
      return answers.filter((one) => one.key === key && one.record?.status === 'accepted').length;
    }
  });
}

interface RecordAnswer {
  status: string;
  eventId?: string;
  dlqId?: string;
  code?: string;
}
