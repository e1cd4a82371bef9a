import { setTimeout as sleep } from 'node:timers/promises';
import type { Api, ProofStack } from './stack.ts';

const patienceMs = 90_000;
const erasableAgo = "interval '20 minutes'";

/** Runs everything that the org has stored again, in each way there is, and returns the sentences about what did not end. */
export async function rerunEverything(stack: ProofStack, api: Api): Promise<string[]> {
  const { org } = stack;
  const token = await stack.signIn(org, 'owner');
  const call = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
    const response = await fetch(api.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify({ orgId: org.id, ...body }) } : {}),
    });
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  };
  const ended = async (what: string, isEnded: () => Promise<boolean>): Promise<string[]> => {
    for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await sleep(250)) if (await isEnded()) return [];
    return [`${what} did not end within ${patienceMs} ms`];
  };
  const unfinished: string[] = [];

  for (const kind of ['redrive', 'reverify']) {
    const { operation } = (await call('POST', `/api/dlq/${kind}`, {})) as { operation: { id: string } };
    const isEnded = async () => (await call('GET', `/api/dlq/operations/${operation.id}`)).status === 'done';
    unfinished.push(...(await ended(kind, isEnded)));
  }

  const filter = { from: new Date(Date.now() - 3_600_000).toISOString(), to: new Date(Date.now() + 1_000).toISOString() };
  const { id: planId } = (await call('POST', '/api/replays', { throttlePerSecond: 1_000, filter })) as { id: string };
  await fetch(`${api.url}/api/replays/${planId}/approve`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{}',
  });
  await call('POST', `/api/replays/${planId}/run`);
  unfinished.push(...(await ended('the replay', async () => (await call('GET', `/api/replays/${planId}`)).status === 'completed')));

  // An erasure searches deliveries that are some minutes old, so that none is committed behind it.
  for (const table of ['public.event_journal', 'private.journal_payloads']) {
    await stack.query(`update ${table} set received_at = received_at - ${erasableAgo} where org_id = $1`, [org.id]);
  }
  const [{ stored } = { stored: 0 }] = await stack.query<{ stored: number }>(
    'select count(*)::integer as stored from public.event_journal where org_id = $1',
    [org.id],
  );
  const { id: erasureId } = (await call('POST', '/api/erasures', { email: 'p7@example.com' })) as { id: string };
  const isSearched = async () => {
    const [row] = await stack.query<{ scanned: number }>('select scanned::integer as scanned from public.erasures where id = $1', [
      erasureId,
    ]);
    return (row?.scanned ?? 0) >= stored;
  };
  unfinished.push(...(await ended('the erasure', isSearched)));
  return unfinished;
}
