import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from '../case.ts';
import { type Client, createClient } from '../client.ts';
import { createFindings, type Findings } from '../findings.ts';
import { createRandom, shuffle } from '../random.ts';
import { type ProofConnection, signed } from '../seed.ts';
import { bodyOf } from '../sender.ts';
import { type Api, type ProofStack, withProofStack } from '../stack.ts';

const processes = 4;
const socketsPerProcess = 100;
/** Fewer sockets for batches, so that their records stay below the buffer of a process (5,000 records) and no delivery is shed. */
const batchSocketsPerProcess = 40;
const posts = 10_000;
/** How long deliveries that are asked to come back are sent again. A machine that is busy with something else refuses the first ones for a while. */
const patienceMs = 120_000;
const recordsPerBatch = 100;
const batches = 400;
const distinctShare = 0.2;

interface RecordAnswer {
  status: string;
  eventId?: string;
}

/** Fault 11: 10,000 concurrent posts of one key and body to four processes that share only Postgres. */
export async function oneKey({ say }: CaseContext): Promise<CaseReport> {
  return withProofStack(async (stack) => {
    const { hotmart } = stack.connections;
    const key = randomUUID();
    const delivery = signed(hotmart, bodyOf(hotmart, key, Date.now()));
    const answers = await storm(
      stack,
      socketsPerProcess,
      say,
      hotmart,
      Array.from({ length: posts }, () => delivery),
    );

    const records = answers.flatMap((answer) => answer.records);
    const ids = new Set(records.map((record) => record.eventId));
    const rows = await stack.query<{ id: string }>('select id from public.canonical_events');
    const keys = await stack.query<{ event_id: string }>('select event_id from private.event_keys');
    const findings = createFindings();
    findings.none('posts that were not answered 200', unexpected(answers), posts);
    judgeOutcomes(findings, answers, () => key, { total: posts, distinct: 1 });
    findings.equal('different event ids in the answers', ids.size, 1);
    findings.equal('rows in canonical_events', rows.length, 1);
    findings.equal('rows in event_keys', keys.length, 1);
    findings.none(
      'stored ids that no answer contained',
      [rows[0]?.id, keys[0]?.event_id].filter((id) => !ids.has(id)),
      2,
    );
    await reportDeadlocks(stack, findings);
    return findings.report();
  });
}

/** Fault 11: batches of 100 records in shuffled order over four processes; four of five records repeat a key that another batch carries too. */
export async function duplicateBatches({ seed, say }: CaseContext): Promise<CaseReport> {
  const random = createRandom(seed);
  return withProofStack(async (stack) => {
    const { webhook } = stack.connections;
    const nowMs = Date.now();
    const total = batches * recordsPerBatch;
    const distinct = Math.round(total * distinctShare);
    const keys = shuffle(
      Array.from({ length: total }, (_, index) => `storm-${seed.toString(36)}-${index % distinct}`),
      random,
    );
    const deliveries = Array.from({ length: batches }, (_, batch) =>
      keys.slice(batch * recordsPerBatch, (batch + 1) * recordsPerBatch),
    ).map((some) => ({ keys: some, ...signed(webhook, `[${some.map((key) => bodyOf(webhook, key, nowMs)).join(',')}]`) }));
    const answers = await storm(stack, batchSocketsPerProcess, say, webhook, deliveries);

    const stored = new Map(
      (await stack.query<{ key: string; id: string }>('select idempotency_key as key, id from public.canonical_events')).map((row) => [
        row.key,
        row.id,
      ]),
    );
    const [{ rows } = { rows: 0 }] = await stack.query<{ rows: number }>('select count(*)::integer as rows from public.canonical_events');
    const records = answers.flatMap((answer, batch) =>
      answer.records.map((record, position) => ({ ...record, key: deliveries[batch]?.keys[position] ?? '' })),
    );
    const findings = createFindings();
    findings.none('batches that were not answered 200', unexpected(answers), batches);
    judgeOutcomes(findings, answers, (batch, position) => deliveries[batch]?.keys[position], { total, distinct });
    findings.none(
      "records answered with another id than the stored one's",
      records.filter((record) => record.eventId !== stored.get(record.key)),
      total,
    );
    findings.equal('rows in canonical_events', rows, distinct);
    await reportDeadlocks(stack, findings);
    return findings.report();
  });
}

const unexpected = (answers: readonly StormAnswer[]) => answers.map((answer) => answer.status).filter((status) => status !== 200);

/**
 * One record of each key is accepted and every other one is a duplicate. The exception: a batch may commit while its answer is lost, and then the record that
 * became the event is answered as a duplicate when its delivery is sent again.
 */
function judgeOutcomes(
  findings: Findings,
  answers: readonly StormAnswer[],
  keyOf: (delivery: number, position: number) => string | undefined,
  { total, distinct }: { total: number; distinct: number },
): void {
  const accepted = new Map<string | undefined, number>();
  const unconfirmed = new Set<string | undefined>();
  let duplicates = 0;
  for (const [delivery, answer] of answers.entries()) {
    for (const [position, { status }] of answer.records.entries()) {
      const key = keyOf(delivery, position);
      if (status === 'accepted') accepted.set(key, (accepted.get(key) ?? 0) + 1);
      else if (status === 'duplicate') duplicates++;
      if (status === 'duplicate' && answer.wasUnconfirmed) unconfirmed.add(key);
    }
  }
  const confirmedLater = [...unconfirmed].filter((key) => !accepted.has(key)).length;
  findings.none(
    'keys that were answered as accepted more than once',
    [...accepted].filter(([, times]) => times > 1),
    distinct,
  );
  findings.equal('keys that were answered as accepted, or whose first answer was lost', accepted.size + confirmedLater, distinct);
  findings.equal('records that were answered as duplicates', duplicates, total - accepted.size);
}

interface StormAnswer {
  status: number | string;
  records: RecordAnswer[];
  /** An earlier attempt was answered `database_unavailable`: nobody knows whether its batch was committed. */
  wasUnconfirmed?: boolean;
}

/** Sends all deliveries at once, round-robin to four API processes; returns the answers in the order of the deliveries. */
async function storm(
  stack: ProofStack,
  sockets: number,
  say: (line: string) => void,
  connection: ProofConnection,
  deliveries: readonly { headers: Record<string, string>; body: string }[],
): Promise<StormAnswer[]> {
  const apis: Api[] = await Promise.all(Array.from({ length: processes }, () => stack.startApi()));
  const clients: Client[] = apis.map(() => createClient(sockets));
  const comeBack = new Map<string, number>();
  const started = performance.now();
  const answers = await Promise.all(
    deliveries.map(async ({ headers, body }, index): Promise<StormAnswer> => {
      const at = index % processes;
      const url = (apis[at] as Api).url + connection.path;
      let wasUnconfirmed = false;
      for (;;) {
        const answer = await (clients[at] as Client).post(url, headers, body);
        if (answer.kind !== 'answered') return { status: answer.kind === 'refused' ? 'refused' : answer.code, records: [] };
        if (answer.status === 200) return { status: 200, records: JSON.parse(answer.body).records as RecordAnswer[], wasUnconfirmed };
        const { code } = JSON.parse(answer.body) as { code: string };
        const status = `${answer.status} ${code}`;
        // Like a platform, the sender comes back when it is asked to. A process that is overloaded, or waits too long for a connection of the
        // database, asks for that. A deadlock would be answered in the same way, so that deadlocks are counted in Postgres.
        const isAskedBack = answer.status === 503 && answer.retryAfter !== undefined;
        if (!isAskedBack || performance.now() - started > patienceMs) return { status, records: [] };
        wasUnconfirmed ||= code === 'database_unavailable';
        comeBack.set(status, (comeBack.get(status) ?? 0) + 1);
        await sleep(Number(answer.retryAfter) * 1000 * (0.5 + Math.random()));
      }
    }),
  );
  for (const client of clients) client.close();
  say(`${deliveries.length} posts to ${processes} processes were answered in ${Math.round(performance.now() - started)} ms`);
  for (const [status, times] of comeBack) say(`${times} times with ${status} first`);
  return answers;
}

/** Expects that Postgres resolved no deadlock. The order of the writer's rows prevents deadlocks; its retries would hide them from senders. */
async function reportDeadlocks(stack: ProofStack, findings: Findings): Promise<void> {
  // Backends report their statistics at most a second after they become idle.
  await stack.query('select pg_sleep(1.1)');
  const [row] = await stack.query<{ deadlocks: number }>(
    'select deadlocks::integer as deadlocks from pg_stat_database where datname = current_database()',
  );
  findings.equal('deadlocks that Postgres had to resolve', row?.deadlocks, 0);
}
