import { randomUUID } from 'node:crypto';
import { digestsOf, idsOf, steady, type Tenant, unsaidOf, whenStill } from '../belongings.ts';
import type { CaseContext, CaseReport } from '../case.ts';
import { createFindings, type Findings } from '../findings.ts';
import { createRandom, shuffle } from '../random.ts';
import { type Answered, type ApiDocument, ask, type BuiltRequest, cursorsIn, requestsOf } from '../requests.ts';
import { signed } from '../seed.ts';
import { bodyOf } from '../sender.ts';
import { type Api, type ProofStack, withProofStack } from '../stack.ts';

/** Fault 21: every route of the OpenAPI document, asked by the owner of another org with this org's ids and cursors, in place of and beside its own. */
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
    // The victim uses every route that makes or changes something, so that there is something of everything.
    const prepared = await ask(api.url, victim.token, requestsOf(document, await idsOf(stack, victim, [])).filter(isCreation));
    // Which empties its dead letters, too.
    await fill(api, [victim, thief], randomUUID());
    const lists = requestsOf(document, await idsOf(stack, victim, [])).filter((one) => one.method === 'GET' && one.forUsers);
    const [newest] = await stack.query<{ id: string }>('select id from public.event_journal where org_id = $1 limit 1', [victim.org.id]);
    const cursors = cursorsIn(await ask(api.url, victim.token, lists));
    const ids = await idsOf(stack, victim, newest ? [...cursors, newest.id] : cursors);
    await whenStill(stack, victim);
    await api.terminate();
    // Not before: the rollups of activity follow a timer.
    const before = await digestsOf(stack, victim);

    // Without jobs: what changes in the victim's rows now was changed by somebody who asked.
    api = await stack.startApi({ environment: { JOBS_CONCURRENCY: '0' } });
    const asThief = [
      ...requestsOf(document, ids),
      // Its own org, and somebody else's things in it.
      ...requestsOf(document, { ...ids, byName: { ...ids.byName, orgId: thief.org.id } }),
    ].filter((one) => !one.path.startsWith('/api/webhooks/'));
    const answers = await ask(api.url, thief.token, shuffle(asThief, random));
    expectSame('when all was asked', before, await digestsOf(stack, victim), findings);
    const unsaid = await unsaidOf(stack, victim, ids);
    findings.none(
      'answers that carry something of the victim that no question named',
      answers.filter((one) => unsaid.some((id) => one.text.includes(id))).map(brief),
      answers.length,
    );
    findings.atLeast('ids of the victim that were looked for in the answers', unsaid.length, 20);
    const aimed = answers.filter((one) => one.forUsers && ids.anything.some((id) => one.path.split('?')[0]?.includes(id)));
    findings.none(
      'things of the victim, asked for by their id, answered otherwise than 404 or as a request that is not valid',
      aimed.filter((one) => one.status !== 404 && one.status !== 400).map(brief),
      aimed.length,
    );
    findings.none(
      'operator routes that let a user in',
      answers.filter((one) => /\/admin\/|detailed/.test(one.path) && one.status !== 401).map(brief),
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
    // What the thief has set going in its own org, with the victim's ids in it, runs now.
    await api.terminate();
    api = await stack.startApi();
    expectSame('when the jobs of the other tenant had run', steady(before), steady(await whenStill(stack, victim)), findings);
    // The same questions, asked by the one who may: they were good questions.
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

/** One key, sent to two tenants: a row for each of them. */
async function expectTwoRows(api: Api, stack: ProofStack, tenants: readonly Tenant[], findings: Findings): Promise<void> {
  const key = randomUUID();
  await fill(api, tenants, key);
  const rows = await stack.query<{ org_id: string }>('select org_id from public.canonical_events where idempotency_key = $1', [key]);
  findings.equal('rows of one key that two tenants were sent', rows.length, 2);
  findings.equal('orgs that they belong to', new Set(rows.map((row) => row.org_id)).size, 2);
}

/** An event of that key, a repeat of it, and what ends among the dead letters and in the quarantine. */
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
    `tables in which the victim's rows are not as they were, ${when}`,
    [...before].filter(([table, digest]) => after.get(table) !== digest).map(([table]) => table),
    before.size,
  );
}

/** Both tenants ask for everything at once, over the same few database sessions: none answers with what the session showed somebody else. */
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
