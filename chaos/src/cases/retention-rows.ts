import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '@tributary/supabase/local/database.ts';
import type { Scene } from '../scene.ts';
import type { ProofOrg } from '../seed.ts';
import type { ProofStack } from '../stack.ts';

/** Months that contain rows under a legal hold beside rows of others. */
const heldMonths = 2;

/** Tenants whose own rules meet the rules of the platform: retention must follow each of them, and no other tenant may notice. */
export interface Keepers {
  /** Has a legal hold on the whole org, and an old-dated event that arrived today. */
  held: ProofOrg;
  /** Keeps its dead letters for a week. */
  brief: ProofOrg;
  heldRows: number;
}

/** Adds the tenants. `rows` is the number of rows that each of their rules is about. */
export async function addKeepers(stack: ProofStack, rows: number): Promise<Keepers> {
  const [held, brief] = [await stack.addOrg(), await stack.addOrg()];
  await stack.query(`insert into public.legal_holds (org_id, reason) values ($1, 'Case 26')`, [held.org.id]);
  await stack.query(`insert into public.retention_settings (org_id, kind, keep_days, applies_from) values ($1, 'dead_letters', 7, now())`, [
    brief.org.id,
  ]);
  await stack.query(`
    select private.create_partition('public.canonical_events', (date_trunc('month', now()) - make_interval(months => 60 + n))::date)
    from generate_series(1, ${heldMonths}) n`);
  for (const [org, connection] of [
    [held.org, held.connections.webhook.id],
    [stack.org, stack.connections.webhook.id],
  ] as const)
    await insertEvents(
      stack,
      org,
      connection,
      `date_trunc('month', now()) - make_interval(months => 60 + (n % ${heldMonths}) + 1) + interval '3 days'`,
      rows,
    );
  // In the default partition: rows of another tenant that have expired, and one row that arrived today.
  await insertEvents(stack, stack.org, stack.connections.webhook.id, `timestamptz '2001-01-01' + n * interval '1 second'`, rows);
  await insertEvents(stack, held.org, held.connections.webhook.id, `timestamptz '2001-01-01'`, 1, 'now()');
  await stack.query(
    `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message, status, created_at)
     select gen_random_uuid(), $1, $2, $3, gen_random_uuid(), 'VALIDATION_FAIL', 'out of range', 'exhausted', now() - interval '30 days'
     from generate_series(1, $4::integer)`,
    [brief.org.id, brief.org.projectId, brief.connections.webhook.id, rows],
  );
  return { held: held.org, brief: brief.org, heldRows: rows + 1 };
}

/** The events are received at their own time, unless `received` names another. */
async function insertEvents(
  stack: ProofStack,
  org: ProofOrg,
  connectionId: string,
  at: string,
  rows: number,
  received = at,
): Promise<void> {
  await stack.query(
    `insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, event_time, received_at,
       ingested_at, idempotency_key, journal_id, schema_version)
     select gen_random_uuid(), $1, $2, $3, 'order.paid', 'webhook', 'old', ${at}, ${received}, ${received}, 'old ' || n, gen_random_uuid(), 1
     from generate_series(1, $4::integer) n`,
    [org.id, org.projectId, connectionId, rows],
  );
}

/** Repeats the work of the jobs that follow the rules of tenants, as long as the scene is busy and then until nothing is left. */
export async function followRules(stack: ProofStack, busy: () => boolean): Promise<void> {
  await withClient(stack.database.superuserUrl, async (client) => {
    await client.query('set role maintenance');
    const one = async <Row>(sql: string): Promise<Row | undefined> => {
      try {
        return (await client.query(sql)).rows[0] as Row | undefined;
      } catch (error) {
        if ((error as { code?: string }).code !== '55P03') throw error;
        return undefined;
      }
    };
    let isDone = false;
    for (const deadline = performance.now() + 60_000; busy() || (!isDone && performance.now() < deadline); ) {
      const moved = await one<{ step: string | null }>('select private.move_held_rows() as step');
      const swept = await one<{ is_behind: boolean }>('select is_behind from private.sweep_partitions()');
      const deleted = await one<{ is_over: boolean }>('select is_over from private.delete_expired_rows()');
      isDone = moved?.step === null && swept?.is_behind === false && deleted?.is_over === true;
      await sleep(20);
    }
  });
}

/** Every rule was followed: held rows are there once each, and nobody's hold, old-dated event or shorter time kept rows of others. */
export async function judgeRules(scene: Scene, { held, brief, heldRows }: Keepers): Promise<void> {
  const { stack } = scene;
  const counts = async (sql: string, values: unknown[]) => (await stack.query<{ n: number }>(sql, values))[0]?.n;
  scene.equal(
    'events under a legal hold, each once',
    await counts(
      'select count(*)::integer as n from (select id from public.canonical_events where org_id = $1 group by id having count(*) = 1) e',
      [held.id],
    ),
    heldRows,
  );
  scene.equal(
    'expired events of others beside held rows and beside an old-dated event that arrived today',
    await counts(
      `select count(*)::integer as n from public.canonical_events where org_id = $1 and received_at < now() - interval '401 days'`,
      [stack.org.id],
    ),
    0,
  );
  scene.equal(
    'dead letters beyond the time that their org has chosen',
    await counts('select count(*)::integer as n from public.dlq_events where org_id = $1', [brief.id]),
    0,
  );
  // What is stored is compared with what was sent, and these events were not sent.
  await stack.query('delete from public.canonical_events where org_id = $1', [held.id]);
}
