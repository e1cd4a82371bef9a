import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from '../case.ts';
import { createFindings } from '../findings.ts';
import { withProofStack } from '../stack.ts';
import { expectUndisturbed, expectWithinContainer, startSteadyTenant } from '../steady-tenant.ts';
import type { Tenant } from '../tenant-rows.ts';

const clicks = 150;
/** A lock that the statements of the clicks wait for makes each of them slow. */
const lockedMs = 300;

/** Fault 30: one person clicks 150 times at once, again and again, on what makes the database work, while another tenant sends and reads. */
export async function manyClicks({ long, say }: CaseContext): Promise<CaseReport> {
  const findings = createFindings();
  return withProofStack(async (stack) => {
    const person: Tenant = { org: stack.org, connections: stack.connections, token: await stack.signIn(stack.org, 'owner') };
    const other = await stack.addOrg();
    const neighbour: Tenant = { ...other, token: await stack.signIn(other.org, 'owner') };
    // Each request of the person waits in the database, as it would for many dead letters.
    await stack.query(`
      create function private.slow_down() returns boolean language plpgsql volatile as $$ begin perform pg_sleep(${lockedMs / 1_000}); return true; end $$`);
    await stack.query('grant execute on function private.slow_down() to authenticated');
    await stack.query(`
      create policy slow_down on public.alert_rules as restrictive for select to authenticated
      using (org_id <> '${person.org.id}' or (select private.slow_down()))`);
    const api = await stack.startApi();
    const steady = startSteadyTenant(api, neighbour);
    await sleep(1_000);
    steady.take();
    await sleep(long ? 10_000 : 2_000);
    const before = steady.take();

    const statuses: number[] = [];
    const until = performance.now() + (long ? 60_000 : 4_000);
    const headers = { authorization: `Bearer ${person.token}` };
    const click = async () => {
      const answer = await fetch(`${api.url}/api/alerts/rules?orgId=${person.org.id}`, { headers });
      await answer.text();
      statuses.push(answer.status);
      if (answer.status !== 200) await sleep(200);
    };
    const keepClicking = async () => {
      while (performance.now() < until) await click();
    };
    say(`${clicks} clicks of one person at a time`);
    await Promise.all(Array.from({ length: clicks }, keepClicking));
    expectUndisturbed(findings, { before, during: steady.take() });
    await steady.stop();

    const count = (status: number) => statuses.filter((one) => one === status).length;
    findings.atLeast('clicks that were answered', count(200), 20);
    findings.atLeast('clicks that were refused with 429', count(429), clicks - 110);
    findings.equal('clicks with any other answer', statuses.length - count(200) - count(429) - count(503), 0);
    findings.figure('clicks refused with 503', count(503));
    expectWithinContainer(findings, api);
    findings.none('API processes that ended unexpectedly', stack.crashes, 1);
    return findings.report();
  });
}
