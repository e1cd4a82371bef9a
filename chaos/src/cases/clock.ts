import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from '../case.ts';
import { createClient } from '../client.ts';
import { createFindings, type Findings } from '../findings.ts';
import { createRandom } from '../random.ts';
import { type ProofConnection, signed } from '../seed.ts';
import { bodyOf } from '../sender.ts';
import { type Api, type ProofStack, withProofStack } from '../stack.ts';

const minutes = 60_000;
const preload = ['--import', join(import.meta.dirname, '..', 'shift-clock.mjs')];

/** Fault 10: one host's clock is ten minutes ahead, one is ten minutes behind, and one is set back during the run. All must use the clock of the database. */
export async function skewedClocks({ seed, long, say }: CaseContext): Promise<CaseReport> {
  const rounds = long ? 2_000 : 150;
  const findings = createFindings();
  return withProofStack(async (stack) => {
    const start = (skewMs: number, jumpMs = 0) =>
      stack.startApi({ nodeFlags: preload, environment: { CLOCK_SKEW_MS: String(skewMs), CLOCK_JUMP_MS: String(jumpMs) } });
    const [ahead, behind, stepped] = await Promise.all([start(10 * minutes), start(-10 * minutes), start(0, -10 * minutes)]);
    const hosts = { ahead, behind, stepped };
    const startedAt = Date.now();
    const answers = await deliverToAll(stack, hosts, rounds, createRandom(seed));
    // Activity is written with each batch; that of the quarantine is written separately and may come later.
    await sleep(1_500);
    const good = judgeAnswers(answers, findings);
    await judgeTimes(stack, startedAt, good, findings);
    await judgeActivity(stack, startedAt, findings);
    say(`${Object.keys(hosts).join(', ')}: ${answers.length} deliveries`);
    for (const api of Object.values(hosts)) findings.equal('exit code', (await api.terminate()).code, 0);
    return findings.report();
  });
}

interface HostAnswer {
  host: string;
  what: 'signed now' | 'event of this moment' | 'signed ten minutes ago' | 'signed for in ten minutes';
  status: number;
  outcome: string;
}

/** Sends every host deliveries of now, and some whose signature is ten minutes off. The clock of the host `stepped` is set back after half of them. */
async function deliverToAll(
  stack: ProofStack,
  hosts: Readonly<Record<'ahead' | 'behind' | 'stepped', Api>>,
  rounds: number,
  random: () => number,
): Promise<HostAnswer[]> {
  const { hotmart, stripe } = stack.connections;
  const client = createClient(16);
  const answers: HostAnswer[] = [];
  async function post(host: string, api: Api, what: HostAnswer['what'], connection: ProofConnection, delivery: ReturnType<typeof signed>) {
    const answer = await client.post(api.url + connection.path, delivery.headers, delivery.body);
    const body = answer.kind === 'answered' ? (JSON.parse(answer.body) as { status?: string; code?: string }) : {};
    const status = answer.kind === 'answered' ? answer.status : 0;
    answers.push({ host, what, status, outcome: status === 200 ? (body.status ?? '') : (body.code ?? '') });
  }
  const signedAt = (shiftMs: number) => signed(stripe, bodyOf(stripe, randomUUID(), Date.now()), stripe.secrets, Date.now() + shiftMs);
  for (let round = 0; round < rounds; round++) {
    if (round === Math.floor(rounds / 2)) process.kill(hosts.stepped.pid, 'SIGUSR2');
    await Promise.all(
      Object.entries(hosts).flatMap(([host, api]) => [
        post(host, api, 'signed now', stripe, signedAt(0)),
        post(host, api, 'event of this moment', hotmart, signed(hotmart, bodyOf(hotmart, randomUUID(), Date.now()))),
        ...(random() < 0.1 ? [post(host, api, 'signed ten minutes ago', stripe, signedAt(-10 * minutes))] : []),
        ...(random() < 0.1 ? [post(host, api, 'signed for in ten minutes', stripe, signedAt(10 * minutes))] : []),
      ]),
    );
  }
  client.close();
  return answers;
}

/** Expects that current deliveries were accepted and old or future signatures refused; returns the number of current deliveries. */
function judgeAnswers(answers: readonly HostAnswer[], findings: Findings): number {
  const of = (...what: HostAnswer['what'][]) => answers.filter((answer) => what.includes(answer.what));
  const good = of('signed now', 'event of this moment');
  findings.none(
    'genuine current deliveries that were not accepted',
    good.filter((a) => a.outcome !== 'accepted'),
    good.length,
  );
  const old = of('signed ten minutes ago', 'signed for in ten minutes');
  findings.none(
    'signatures ten minutes off that were not refused',
    old.filter((a) => a.outcome !== 'timestamp_out_of_tolerance'),
    old.length,
  );
  return good.length;
}

/** Expects that the stored times and the ids, which carry a time, follow the clock of the database. */
async function judgeTimes(stack: ProofStack, startedAt: number, good: number, findings: Findings): Promise<void> {
  const rows = await stack.query<{ id: string; received: number; ingested: number; event: number }>(
    `select id, (extract(epoch from received_at) * 1000)::float8 as received, (extract(epoch from ingested_at) * 1000)::float8 as ingested,
       (extract(epoch from event_time) * 1000)::float8 as event
     from public.canonical_events`,
  );
  const now = Date.now();
  findings.equal('events stored', rows.length, good);
  findings.none(
    'negative durations from arrival to commit',
    rows.filter((row) => row.ingested < row.received),
    rows.length,
  );
  findings.none(
    'arrivals that the database dates before the first or after the last delivery',
    rows.filter((row) => row.received < startedAt - 2_000 || row.received > now + 2_000),
    rows.length,
  );
  findings.none(
    'events that are later than their commit',
    rows.filter((row) => row.event > row.ingested + 2_000),
    rows.length,
  );
  const ids = await stack.query<{ id: string }>(
    'select id from public.canonical_events union all select id from public.event_journal union all select id from public.dlq_events',
  );
  findings.equal('different ids of events, deliveries and dead letters', new Set(ids.map((row) => row.id)).size, ids.length);
  const timeOf = (id: string) => Number.parseInt(id.replace('-', '').slice(0, 12), 16);
  findings.none(
    'ids whose time is not the time of arrival',
    rows.filter((row) => Math.abs(timeOf(row.id) - row.received) > 5_000),
    rows.length,
  );
  const inOrder = rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const farBack = inOrder.filter((row, n) => n > 0 && row.ingested < (inOrder[n - 1]?.ingested ?? 0) - 5_000);
  findings.none('ids that are more than five seconds out of order by commit', farBack, rows.length);
}

async function judgeActivity(stack: ProofStack, startedAt: number, findings: Findings): Promise<void> {
  const [activity] = await stack.query<{ buckets: number; wrong: number }>(
    `select count(*)::integer as buckets, count(*) filter (where bucket not between to_timestamp($1) - interval '2 minutes' and now() + interval '1 minute')::integer as wrong
     from public.connection_activity`,
    [startedAt / 1_000],
  );
  findings.equal('rows of activity in a minute outside of the run', activity?.wrong, 0);
  findings.figure('rows of activity', activity?.buckets ?? 0);
}
