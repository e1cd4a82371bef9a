import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from '../case.ts';
import { type Client, createClient } from '../client.ts';
import { createFindings, type Findings } from '../findings.ts';
import { openClientJournal } from '../journal.ts';
import { startLoad } from '../load.ts';
import { createRandom } from '../random.ts';
import { openStored } from '../sealed.ts';
import { signed } from '../seed.ts';
import { type SenderFigures, sha256 } from '../sender.ts';
import { type ProofStack, withProofStack } from '../stack.ts';

/** The most attempts of a dead letter, however often a person presses retry. */
const attemptsMax = 8;

/**
 * Fault 25: dead letters are retried while deliveries keep arriving: with a fix that fails again, with the right fix pressed twice at the same
 * time and the API killed in the middle, and once more at the end. Each record must become one event from the bytes that were sent.
 */
export async function redriveUnderLoad({ seed, long, say }: CaseContext): Promise<CaseReport> {
  const letters = long ? 2_000 : 150;
  const random = createRandom(seed);
  const findings = createFindings();
  const journal = await openClientJournal();
  const client = createClient(16);
  try {
    return await withProofStack(async (stack) => {
      const { hotmart, webhook } = stack.connections;
      let api = await stack.startApi();
      const { url } = api;
      const load = startLoad({ url, connections: [hotmart], journal, random, perSecond: 60 });

      await readIdFrom(stack, 'order.number');
      await sleep(1_000);
      const sent = await sendUnreadable(stack, client, url, letters, findings);

      await readIdFrom(stack, 'order.id');
      await pressRetry(stack);
      await waitUntilProcessed(stack, (row) => row.attempts >= 1);
      findings.equal('events after a fix that fails again', await countEvents(stack), 0);

      await readIdFrom(stack, 'order.nr');
      const before = load.figures.acked;
      await Promise.all([pressRetry(stack), pressRetry(stack)]);
      await until(async () => (await countEvents(stack)) > letters / 10);
      await api.kill();
      api = await stack.startApi({ port: Number(new URL(url).port) });
      await waitUntilProcessed(stack, (row) => row.status === 'resolved');
      findings.atLeast('deliveries acknowledged meanwhile', load.figures.acked - before, 20);

      await stack.query(`update public.dlq_events set status = 'pending', next_retry_at = now() where source_connection_id = $1`, [
        webhook.id,
      ]);
      await waitUntilProcessed(stack, (row) => row.status === 'resolved');
      await load.finish();
      say(`${letters} dead letters retried four times, the API killed once`);

      await judgeEvents(stack, sent, load.figures, findings);
      return findings.report();
    });
  } finally {
    client.close();
    await journal.remove();
  }
}

/** Sends deliveries whose id is not where the connection looks for it, so that each becomes a dead letter; returns their digests by key. */
async function sendUnreadable(
  stack: ProofStack,
  client: Client,
  url: string,
  letters: number,
  findings: Findings,
): Promise<Map<string, string>> {
  const { webhook } = stack.connections;
  const sent = new Map<string, string>();
  const answers = await Promise.all(
    Array.from({ length: letters }, async () => {
      const key = randomUUID();
      // Formatted so that parsing and serialising the body would change it.
      const { headers, body } = signed(webhook, `{ "order" : {"nr":"${key}"},\n"type":"order.paid","total":1.50 }`);
      sent.set(key, sha256(body));
      const answer = await client.post(url + webhook.path, headers, body);
      return answer.kind === 'answered' ? `${answer.status} ${/"code":"(\w+)"/.exec(answer.body)?.[1]}` : answer.kind;
    }),
  );
  findings.none(
    'deliveries that were not taken as dead letters',
    answers.filter((one) => one !== '200 MISSING_FIELD'),
    letters,
  );
  return sent;
}

/** Expects one event for each delivery, from the bytes that were sent, and that live deliveries were not affected. */
async function judgeEvents(stack: ProofStack, sent: ReadonlyMap<string, string>, live: SenderFigures, findings: Findings): Promise<void> {
  const { hotmart, webhook } = stack.connections;
  const letters = sent.size;
  const events = await stack.query<{ key: string; journal_id: string }>(
    'select idempotency_key as key, journal_id from public.canonical_events where source_connection_id = $1',
    [webhook.id],
  );
  const sealed = new Map(
    (await openStored(stack, [...new Set(events.map((event) => event.journal_id))])).map((one) => [one.id, one.digest]),
  );
  const rows = await lettersOf(stack);
  findings.equal('events', events.length, letters);
  findings.none(
    'records without an event',
    [...sent.keys()].filter((key) => !events.some((event) => event.key === key)),
    letters,
  );
  findings.none(
    'events whose stored delivery differs from the sent bytes',
    events.filter((event) => sealed.get(event.journal_id) !== sent.get(event.key)),
    events.length,
  );
  findings.equal('dead letters', rows.length, letters);
  findings.atMost('attempts of a dead letter', Math.max(...rows.map((row) => row.attempts)), attemptsMax);
  findings.none('answers to live deliveries that no promise allows', live.surprises, live.requests);
  const [stored] = await stack.query<{ stored: number }>(
    'select count(*)::integer as stored from public.canonical_events where source_connection_id = $1',
    [hotmart.id],
  );
  findings.atLeast('live events stored', stored?.stored ?? 0, live.acked - live.duplicates);
  findings.figure('live deliveries', live.requests);
}

/** Sets the path at which the connection finds an event's id, and waits until the caches of the API have been notified. */
async function readIdFrom(stack: ProofStack, path: string): Promise<void> {
  await stack.query(
    `update public.source_connections set config_json = config_json || jsonb_build_object('fields', jsonb_build_object('id', $2::text)) where id = $1`,
    [stack.connections.webhook.id, path],
  );
  await sleep(300);
}

/** Retries every unresolved dead letter by the SQL that an admin may run. */
async function pressRetry(stack: ProofStack): Promise<void> {
  await stack.query(
    `update public.dlq_events set status = 'pending', next_retry_at = now() where source_connection_id = $1 and status <> 'resolved'`,
    [stack.connections.webhook.id],
  );
}

interface Letter {
  status: string;
  attempts: number;
  due: boolean;
}

const lettersOf = (stack: ProofStack) =>
  stack.query<Letter>('select status, attempts, next_retry_at is not null as due from public.dlq_events where source_connection_id = $1', [
    stack.connections.webhook.id,
  ]);

/** Waits until no dead letter is due or being retried, and `isDone` holds for all of them. */
async function waitUntilProcessed(stack: ProofStack, isDone: (letter: Letter) => boolean): Promise<void> {
  await until(async () =>
    (await lettersOf(stack)).every((row) => row.status !== 'retrying' && isDone(row) && !(row.status === 'pending' && row.due)),
  );
}

async function countEvents(stack: ProofStack): Promise<number> {
  const [row] = await stack.query<{ n: number }>(
    'select count(*)::integer as n from public.canonical_events where source_connection_id = $1',
    [stack.connections.webhook.id],
  );
  return row?.n ?? 0;
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 150_000;
  while (!(await reached())) {
    if (performance.now() > deadline) throw new Error('the dead letters were not processed within 150 s');
    await sleep(200);
  }
}
