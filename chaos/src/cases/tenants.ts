import { randomUUID } from 'node:crypto';
import type { CaseContext, CaseReport } from '../case.ts';
import { createFindings, type Findings } from '../findings.ts';
import { createRandom, shuffle } from '../random.ts';
import { type Answered, type ApiDocument, ask, type BuiltRequest, cursorsIn, requestsOf } from '../requests.ts';
import { signed } from '../seed.ts';
import { bodyOf } from '../sender.ts';
import { type Api, type ProofStack, withProofStack } from '../stack.ts';
import { digestsOf, idsOf, type Tenant, unsentIdsOf, untimed, waitUntilUnchanged } from '../tenant-rows.ts';

/** Fault 21: the owner of another org calls every route of the OpenAPI document with this org's ids and cursors, in place of and beside its own. */
export async function tenantCrossover({ seed, long, say }: CaseContext): Promise<CaseReport> {
  const random = createRandom(seed);
  const findings = createFindings();
  return withProofStack(async (stack) => {
    const victim: Tenant = { org: stack.org, connections: stack.connections, token: await stack.signIn(stack.org, 'owner') };
    const other = await stack.addOrg();
    const thief: Tenant = { ...other, token: await stack.signIn(other.org, 'owner') };
    let api = await stack.startApi();
    const document = (await (await fetch(`${api.url}/openapi.json`)).json()) as ApiDocument;

    await expectTwoRows(api, stack, [victim, thief], findings);
    // The victim calls every route that creates or changes something, so that every table has a row of the victim.
    const prepared = await ask(api.url, victim.token, requestsOf(document, await idsOf(stack, victim, [])).filter(isCreation));
    // Those requests also emptied the victim's dead letters, so they are made again.
    await fill(api, [victim, thief], randomUUID());
    const lists = requestsOf(document, await idsOf(stack, victim, [])).filter((one) => one.method === 'GET' && one.forUsers);
    const [newest] = await stack.query<{ id: string }>('select id from public.event_journal where org_id = $1 limit 1', [victim.org.id]);
    const cursors = cursorsIn(await ask(api.url, victim.token, lists));
    const ids = await idsOf(stack, victim, newest ? [...cursors, newest.id] : cursors);
    await waitUntilUnchanged(stack, victim);
    await api.terminate();
    // The digests are only read after the API has ended, because its timed rollups change the activity.
    const before = await digestsOf(stack, victim);

    // The API runs no jobs now, so a change of the victim's rows can only come from a request.
    api = await stack.startApi({ environment: { JOBS_CONCURRENCY: '0' } });
    const asThief = [
      ...requestsOf(document, ids),
      // The thief's own org, with ids of the victim.
      ...requestsOf(document, { ...ids, byName: { ...ids.byName, orgId: thief.org.id } }),
    ].filter((one) => !one.path.startsWith('/api/webhooks/'));
    const answers = await ask(api.url, thief.token, shuffle(asThief, random));
    expectSame('after all requests', before, await digestsOf(stack, victim), findings);
    const unsent = await unsentIdsOf(stack, victim, ids);
    findings.none(
      'answers that contain an id of the victim that no request contained',
      answers.filter((one) => unsent.some((id) => one.text.includes(id))).map(brief),
      answers.length,
    );
    findings.atLeast('ids of the victim that were looked for in the answers', unsent.length, 20);
    const aimed = answers.filter((one) => one.forUsers && ids.anything.some((id) => one.path.split('?')[0]?.includes(id)));
    findings.none(
      'requests with an id of the victim in the path that were not answered 404 or 400',
      aimed.filter((one) => one.status !== 404 && one.status !== 400).map(brief),
      aimed.length,
    );
    findings.none(
      'operator routes that let a user in',
      answers.filter((one) => /\/admin\/|detailed/.test(one.path) && one.status !== 401 && one.status !== 429).map(brief),
      answers.length,
    );
    findings.none(
      'answers of 500',
      [...answers, ...prepared].filter((one) => one.status >= 500 && one.status !== 503).map(brief),
      answers.length,
    );
    await expectOwnOnly(
      api.url,
      [victim, thief],
      requestsOf(document, { byName: {}, anything: [], cursors: [] }),
      long ? 200 : 20,
      random,
      findings,
    );
    // The jobs that the thief started in its own org, with ids of the victim, run now.
    await api.terminate();
    api = await stack.startApi();
    expectSame('after the jobs of the other tenant', untimed(before), untimed(await waitUntilUnchanged(stack, victim)), findings);
    // The victim's owner sends the same requests. Their success proves that the requests themselves were valid.
    const asVictim = await ask(
      api.url,
      victim.token,
      requestsOf(document, ids).filter((one) => one.forUsers),
    );
    const routes = new Set(answers.filter((one) => one.forUsers).map((one) => one.route));
    const reached = new Set([...prepared, ...asVictim].filter((one) => one.status < 300 || one.status === 409).map((one) => one.route));
    const unreached = [...routes].filter((route) => !reached.has(route));
    say(`routes that not even the owner reached with made-up requests: ${unreached.join(', ') || 'none'}`);
    findings.atLeast('share of the routes that the owner reached with these requests', reached.size / routes.size, 0.75);
    findings.atLeast('cursors of the victim that the other tenant used', cursors.length, 1);
    findings.figure('routes', routes.size);
    findings.figure('requests of the other tenant', answers.length);
    for (const status of new Set(answers.map((one) => one.status))) {
      findings.figure(`answered ${status}`, answers.filter((one) => one.status === status).length);
    }
    return findings.report();
  });
}

const isCreation = (one: BuiltRequest) => (one.method === 'POST' || one.method === 'GET') && one.forUsers && !one.path.includes('/accept');
const brief = (one: Answered) => `${one.route} ${one.path} ${one.body ?? ''}: ${one.status} ${one.text.slice(0, 200)}`;

/** Expects that one key, sent to two tenants, becomes one row for each. */
async function expectTwoRows(api: Api, stack: ProofStack, tenants: readonly Tenant[], findings: Findings): Promise<void> {
  const key = randomUUID();
  await fill(api, tenants, key);
  const rows = await stack.query<{ org_id: string }>('select org_id from public.canonical_events where idempotency_key = $1', [key]);
  findings.equal('rows of one key that two tenants were sent', rows.length, 2);
  findings.equal('orgs that they belong to', new Set(rows.map((row) => row.org_id)).size, 2);
}

/** Sends an event of that key, a repeat, two conflicting bodies that become dead letters, and a delivery that ends in the quarantine. */
async function fill(api: Api, tenants: readonly Tenant[], key: string): Promise<void> {
  for (const { connections } of tenants) {
    const good = signed(connections.webhook, bodyOf(connections.webhook, key, Date.now()));
    const conflicting = signed(connections.webhook, `{"id":"${key}","type":"order.paid"}`);
    const another = signed(connections.webhook, `{"id":"${key}","type":"order.refunded"}`);
    for (const { headers, body } of [good, good, conflicting, another]) await send(api, connections.webhook.path, headers, body);
    await send(api, connections.hotmart.path, { 'content-type': 'application/json', 'x-hotmart-hottok': 'wrong' }, '{}');
  }
}

const send = (api: Api, path: string, headers: Record<string, string>, body: string) =>
  fetch(api.url + path, { method: 'POST', headers, body });

function expectSame(when: string, before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>, findings: Findings): void {
  findings.none(
    `tables in which the victim's rows changed, ${when}`,
    [...before].filter(([table, digest]) => after.get(table) !== digest).map(([table]) => table),
    before.size,
  );
}

/** Both tenants call every list at the same time over the same few database sessions: no answer may contain rows of the other tenant. */
async function expectOwnOnly(
  url: string,
  tenants: readonly Tenant[],
  all: readonly BuiltRequest[],
  rounds: number,
  random: () => number,
  findings: Findings,
): Promise<void> {
  const lists = all.filter((one) => one.method === 'GET' && one.forUsers && !one.path.includes('{'));
  const foreign: string[] = [];
  let asked = 0;
  for (let round = 0; round < rounds; round++) {
    const questions = shuffle(
      tenants.flatMap((tenant) => lists.map((one) => ({ tenant, one }))),
      random,
    );
    await Promise.all(
      questions.map(async ({ tenant, one }) => {
        const [answer] = await ask(url, tenant.token, [one]);
        asked++;
        const others = tenants
          .filter((some) => some !== tenant)
          .flatMap(({ org, connections }) => [org.id, org.projectId, ...Object.values(connections).map(({ id }) => id)]);
        if (answer && others.some((id) => answer.text.includes(id))) foreign.push(brief(answer));
      }),
    );
  }
  findings.none("answers with another tenant's rows, over shared database sessions", foreign, asked);
}
