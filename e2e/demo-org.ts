import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from '@playwright/test';
import type { Demo } from '@tributary/supabase/local/seed.ts';
import type { Rows } from '@tributary/web/test/mock/looks.ts';
import { api, data, signIn, stack, type User } from './fixtures.ts';

/** Fills the demo org of the stack, so that every page has something to show and every panel a row to open. */
export async function fillDemoOrg(deliveries: number): Promise<{ user: User; org: { id: string; slug: string }; rows: Rows }> {
  const directory = dirname(process.env.E2E_STACK ?? '');
  const demo = JSON.parse(readFileSync(join(directory, 'demo.json'), 'utf8')) as Demo;
  const user = await signIn(stack().demo.email, stack().demo.password);
  const orgId = demo.orgId;
  const [org] = await data<{ id: string; slug: string }[]>(user, 'GET', `/rest/v1/orgs?id=eq.${orgId}&select=id,slug`);
  if (!org) throw new Error('the demo user is no member of the demo org');

  await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, '..', 'scripts', 'demo.ts'), '--count', String(deliveries), '--rate', '40'],
    { env: { ...process.env, LOCAL_DIR: directory } },
  );
  await api(user, 'POST', '/api/invites', { orgId, email: 'bia@example.com', role: 'analyst' }).catch(alreadyThere);
  const hour = 3_600_000;
  const plan = await api<{ id: string }>(user, 'POST', '/api/replays', {
    orgId,
    name: 'Orders of the last hour, with the corrected mapping',
    mode: 'reprocess',
    throttlePerSecond: 5,
    filter: { from: new Date(Date.now() - hour).toISOString(), to: new Date().toISOString(), outcomes: ['accepted'] },
  });

  const newest = async (table: string, filter: string, order: string) => {
    const path = `/rest/v1/${table}?org_id=eq.${orgId}&${filter}select=id&order=${order}.desc&limit=1`;
    return (await data<{ id: string }[]>(user, 'GET', path))[0]?.id;
  };
  // The traffic has more duplicates and dead letters than the rules allow. The next pass over the rules, every half minute, opens an incident.
  await expect.poll(() => newest('alert_incidents', '', 'opened_at'), { timeout: 90_000 }).toBeDefined();
  const found = {
    connection: demo.connections.hotmart?.id,
    event: await newest('canonical_events', 'type=eq.order.paid&', 'ingested_at'),
    deadLetter: await newest('dlq_events', 'is_quarantine=is.false&status=eq.pending&', 'created_at'),
    quarantined: await newest('dlq_events', 'is_quarantine=is.true&', 'created_at'),
    plan: plan.id,
    incident: await newest('alert_incidents', '', 'opened_at'),
  };
  for (const [name, id] of Object.entries(found)) if (!id) throw new Error(`the demo org has no ${name}`);
  return { user, org, rows: found as Rows };
}

/** Filling an org a second time is not an error. */
function alreadyThere(error: unknown): void {
  if (!String(error).includes(': 409 ')) throw error;
}
