import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from '../case.ts';
import { createFindings } from '../findings.ts';
import { withProofStack } from '../stack.ts';
import { expectUndisturbed, expectWithinContainer, startSteadyTenant } from '../steady-tenant.ts';
import type { Tenant } from '../tenant-rows.ts';

/** Requests of the flood at the same moment. */
const parallel = 12;

/** Fault 34: thousands of empty orgs exist, and a new user makes as much of everything as the server allows, while another tenant sends and reads. */
export async function signUpFlood({ long, say }: CaseContext): Promise<CaseReport> {
  const findings = createFindings();
  const [emptyOrgs, quota] = long ? [20_000, 60] : [1_000, 6];
  return withProofStack(async (stack) => {
    await stack.query(`insert into public.orgs (name, slug) select 'Empty', 'empty-' || n from generate_series(1, ${emptyOrgs}) n`);
    const flood: Tenant = { org: stack.org, connections: stack.connections, token: await stack.signIn(stack.org, 'owner') };
    const other = await stack.addOrg();
    const neighbour: Tenant = { ...other, token: await stack.signIn(other.org, 'owner') };
    const orgId = flood.org.id;
    const [have] = await stack.query<{ n: number }>(`select count(*)::integer as n from public.source_connections where org_id = $1`, [
      orgId,
    ]);
    const quotas = { connections: quota + (have?.n ?? 0), open_invites: quota, open_legal_holds: quota };
    for (const [name, value] of Object.entries(quotas))
      await stack.query('insert into private.quotas (name, org_id, value) values ($1, $2, $3)', [name, orgId, value]);

    const api = await stack.startApi();
    const steady = startSteadyTenant(api, neighbour);
    await sleep(1_000);
    steady.take();
    await sleep(long ? 10_000 : 2_000);
    const before = steady.take();

    const codes = new Map<string, number>();
    const headers = { authorization: `Bearer ${flood.token}`, 'content-type': 'application/json' };
    const post = async (path: string, body: object) => {
      const answer = await fetch(api.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
      const { code } = (await answer.json()) as { code?: string };
      const said = answer.status === 201 ? 'made' : (code ?? String(answer.status));
      codes.set(said, (codes.get(said) ?? 0) + 1);
      return said;
    };
    const makers = [
      () => post('/api/connections', { projectId: flood.org.projectId, type: 'hotmart', name: 'Shop' }),
      () => post('/api/invites', { orgId, email: `${randomUUID()}@example.com`, role: 'analyst' }),
      () => post('/api/legal-holds', { orgId, reason: 'Case 7' }),
    ];
    say(`${emptyOrgs} empty orgs exist, and a new user makes as much as the server allows`);
    const until = performance.now() + (long ? 60_000 : 5_000);
    const keepMaking = async (make: () => Promise<string>) => {
      for (let refusals = 0; performance.now() < until && refusals < quota; ) {
        const said = await make();
        if (said === 'quota_exceeded') refusals++;
        else if (said !== 'made') await sleep(100);
      }
    };
    await Promise.all(makers.flatMap((make) => Array.from({ length: parallel / makers.length }, () => keepMaking(make))));
    expectUndisturbed(findings, { before, during: steady.take() });
    await steady.stop();

    const [made] = await stack.query<Record<keyof typeof quotas, number>>(
      `select (select count(*)::integer from public.source_connections where org_id = $1) as connections,
         (select count(*)::integer from public.org_invites where org_id = $1) as open_invites,
         (select count(*)::integer from public.legal_holds where org_id = $1) as open_legal_holds`,
      [orgId],
    );
    for (const name of Object.keys(quotas) as (keyof typeof quotas)[])
      findings.equal(`rows that the quota ${name} allows`, made?.[name], quotas[name]);
    findings.atLeast('requests that were refused by a quota', codes.get('quota_exceeded') ?? 0, 3);
    findings.none(
      'answers that are neither made nor refused with a reason',
      [...codes.keys()].filter((code) => !['made', 'quota_exceeded', 'rate_limited', 'overloaded', 'too_busy'].includes(code)),
      codes.size,
    );
    expectWithinContainer(findings, api);
    findings.none('API processes that ended unexpectedly', stack.crashes, 1);
    return findings.report();
  });
}
