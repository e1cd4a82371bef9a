import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { erasureAad, seal } from '@tributary/pipeline/crypto/seal.ts';
import type { CaseContext, CaseReport } from '../case.ts';
import { createClient } from '../client.ts';
import { createFindings } from '../findings.ts';
import type { ProofConnections, ProofOrg } from '../seed.ts';
import { signed } from '../seed.ts';
import { type ProofStack, withProofStack } from '../stack.ts';

interface Tenant {
  org: ProofOrg;
  connections: ProofConnections;
}

/** A kind of background work: how an org gets pieces of it, and whether a piece is finished. */
interface Kind {
  name: string;
  /** How much of it one org has waiting while another org adds one piece. */
  crowd: number;
  add(stack: ProofStack, tenant: Tenant, pieces: number): Promise<string[]>;
  finished: string;
}

const startJob = (stack: ProofStack, task: string) =>
  stack.query(`select graphile_worker.add_job($1, payload => '{}', job_key => $1, job_key_mode => 'preserve_run_at', max_attempts => 1)`, [
    task,
  ]);

const ids = (rows: { id: string }[]) => rows.map((row) => row.id);

const kinds: Kind[] = [
  {
    name: 'replay plan',
    crowd: 40,
    async add(stack, { org }, pieces) {
      const rows = await stack.query<{ id: string }>(
        `insert into public.replay_plans (org_id, mode, filter, throttle_per_second, status, matched_count, needs_second_approval, created_by, approved_by,
           approved_at, started_at)
         select $1, 'replay', json_build_object('from', now() - interval '1 day', 'to', now() + interval '1 day'), case when $2 > 1 then 1 else 100 end,
           'running', 1, false, gen_random_uuid(), gen_random_uuid(), now(), now() from generate_series(1, $2) returning id`,
        [org.id, pieces],
      );
      await startJob(stack, 'replay.run');
      return ids(rows);
    },
    finished: `select from public.replay_plans where id = $1 and status = 'completed'`,
  },
  {
    name: 'erasure',
    crowd: 300,
    async add(stack, { org }, pieces) {
      const made = Array.from({ length: pieces }, () => {
        const id = randomUUID();
        const person = JSON.stringify({ email: `nobody-${id}@example.com`, phones: [] });
        return { id, sealed: Buffer.from(seal(org.dataKey, person, erasureAad(org.id, id))).toString('hex') };
      });
      // Requested ten minutes ago: an erasure waits until every delivery that had arrived at its request is committed.
      await stack.query(
        `with made as (
           insert into public.erasures (id, org_id, kinds, created_by, created_at)
           select (e ->> 'id')::uuid, $1, '{email}', gen_random_uuid(), now() - interval '10 minutes' from json_array_elements($2) e
         ) insert into private.erasure_persons (erasure_id, key_version, sealed)
           select (e ->> 'id')::uuid, 1, decode(e ->> 'sealed', 'hex') from json_array_elements($2) e`,
        [org.id, JSON.stringify(made)],
      );
      await startJob(stack, 'erasures.run');
      return ids(made);
    },
    finished: `select from public.erasures where id = $1 and status = 'completed'`,
  },
  {
    name: 'operation on dead letters',
    crowd: 200,
    async add(stack, { org, connections }, pieces) {
      await addDeadLetters(stack, { org, connections }, 5, null);
      const rows = await stack.query<{ id: string }>(
        `insert into public.dlq_operations (org_id, kind, filter, total, created_by)
         select $1, 'discard', json_build_object('statuses', json_build_array('pending'), 'sourceEventTypes', json_build_array('t' || gen_random_uuid())), 1,
           gen_random_uuid() from generate_series(1, $2) returning id`,
        [org.id, pieces],
      );
      await startJob(stack, 'dlq.operations');
      return ids(rows);
    },
    finished: `select from public.dlq_operations where id = $1 and status = 'done'`,
  },
  {
    name: 'retry of a dead letter',
    // A thousand of these retries take less than a second.
    crowd: 20_000,
    async add(stack, tenant, pieces) {
      return addDeadLetters(stack, tenant, pieces, '1 second');
    },
    finished: `select from public.dlq_events where id = $1 and status = 'exhausted'`,
  },
];

/** Dead letters whose deliveries are no longer kept. A retry finds that out and ends them. */
async function addDeadLetters(
  stack: ProofStack,
  { org, connections }: Tenant,
  entries: number,
  dueSince: string | null,
): Promise<string[]> {
  return ids(
    await stack.query<{ id: string }>(
      `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message, next_retry_at)
       select gen_random_uuid(), $1, $2, $3, gen_random_uuid(), 'CONNECTION_ERROR', 'x', now() - $5::interval from generate_series(1, $4) returning id`,
      [org.id, org.projectId, connections.webhook.id, entries, dueSince],
    ),
  );
}

/**
 * One tenant fills every queue of background work, with slow replay plans, hundreds of erasures and operations and thousands of due retries, and has
 * more connections with alerts than others. The only piece of work of another tenant in each queue must be finished about as fast as alone.
 */
export async function turns({ long, say }: CaseContext): Promise<CaseReport> {
  const findings = createFindings();
  return withProofStack(async (stack) => {
    const crowd: Tenant = { org: stack.org, connections: stack.connections };
    const other = await stack.addOrg();
    const api = await stack.startApi();
    await deliver(api.url, crowd, 60);
    await deliver(api.url, other, 3);

    const alone = new Map<Kind, number>();
    for (const kind of kinds) alone.set(kind, await timeOf(stack, kind, other));

    for (const kind of kinds) await kind.add(stack, crowd, kind.crowd * (long ? 3 : 1));
    await sleep(2_000);
    const waiting = await Promise.all(kinds.map((kind) => left(stack, kind, crowd)));
    const rounds = long ? 5 : 1;
    const crowded = new Map<Kind, number>();
    for (let round = 0; round < rounds; round++) {
      const times = await Promise.all(kinds.map((kind) => timeOf(stack, kind, other)));
      for (const [index, kind] of kinds.entries()) crowded.set(kind, Math.max(crowded.get(kind) ?? 0, times[index] ?? 0));
    }
    for (const [index, kind] of kinds.entries()) {
      const ms = alone.get(kind) ?? 0;
      findings.figure(`${kind.name} alone, ms`, ms);
      findings.figure(`${kind.name} while another tenant has ${waiting[index]} waiting, ms`, crowded.get(kind) ?? 0);
      // Two turns of a second, one slice of a job that occupies a place of the queue, and the work itself.
      findings.atMost(`${kind.name}: milliseconds alone`, ms, 30_000);
      findings.atMost(`${kind.name}: milliseconds beside the crowd`, crowded.get(kind) ?? Number.POSITIVE_INFINITY, 8_000 + 3 * ms);
      findings.atLeast(`${kind.name}: pieces of the other tenant that waited`, waiting[index] ?? 0, 5);
    }
    await alertsBeside(stack, other, long ? 20_000 : 1_000, findings);
    say('one tenant filled every queue');
    return findings.report();
  });
}

async function deliver(url: string, { connections: { webhook } }: Tenant, deliveries: number): Promise<void> {
  const client = createClient(8);
  await Promise.all(
    Array.from({ length: deliveries }, async () => {
      const { headers, body } = signed(webhook, JSON.stringify({ id: randomUUID(), type: 'order.paid' }));
      await client.post(url + webhook.path, headers, body);
    }),
  );
  client.close();
}

/** Milliseconds from the moment a piece of work is added until it is finished; infinite when it is not after half a minute. */
async function timeOf(stack: ProofStack, kind: Kind, tenant: Tenant): Promise<number> {
  const began = performance.now();
  const [id] = await kind.add(stack, tenant, 1);
  while (performance.now() - began < 30_000) {
    if ((await stack.query(kind.finished, [id])).length > 0) return performance.now() - began;
    await sleep(50);
  }
  return Number.POSITIVE_INFINITY;
}

const open: Record<string, string> = {
  'replay plan': `select count(*)::integer as n from public.replay_plans where org_id = $1 and status = 'running'`,
  erasure: `select count(*)::integer as n from public.erasures where org_id = $1 and status = 'running'`,
  'operation on dead letters': `select count(*)::integer as n from public.dlq_operations where org_id = $1 and status in ('queued', 'running')`,
  'retry of a dead letter': `select count(*)::integer as n from public.dlq_events where org_id = $1 and status in ('pending', 'retrying') and next_retry_at is not null`,
};

async function left(stack: ProofStack, { name }: Kind, { org }: Tenant): Promise<number> {
  const [row] = await stack.query<{ n: number }>(open[name] ?? '', [org.id]);
  return row?.n ?? 0;
}

/** Adds empty orgs, whose connections never sent anything, and measures when the alert of another org opens an incident. */
async function alertsBeside(stack: ProofStack, { org, connections }: Tenant, orgs: number, findings: ReturnType<typeof createFindings>) {
  await stack.query(
    `with o as (insert into public.orgs (name, slug) select 'Empty', 'empty-' || n from generate_series(1, $1) n returning id),
          p as (insert into public.projects (org_id, name, slug) select id, 'P', 'p' from o returning id, org_id)
     insert into public.source_connections (org_id, project_id, name, type) select org_id, id, 'Empty', 'webhook' from p`,
    [orgs],
  );
  await stack.query(
    `insert into public.activity_minutes (org_id, source_connection_id, bucket, received, dead_lettered)
     values ($1, $2, date_trunc('minute', now() - interval '1 minute'), 200, 150) on conflict do nothing`,
    [org.id, connections.meta.id],
  );
  const began = performance.now();
  await startJob(stack, 'alerts.evaluate');
  let ms = Number.POSITIVE_INFINITY;
  while (performance.now() - began < 60_000 && ms === Number.POSITIVE_INFINITY) {
    const rows = await stack.query(
      `select from public.alert_incidents where org_id = $1 and kind in ('IngestDLQSpike', 'IngestDLQRateHigh')`,
      [org.id],
    );
    if (rows.length > 0) ms = performance.now() - began;
    else await sleep(50);
  }
  findings.figure(`incident opened beside ${orgs} empty orgs and the full queues, ms`, ms);
  findings.atMost('milliseconds until the incident of an org opens beside empty orgs', ms, 15_000);
}
