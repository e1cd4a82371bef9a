import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from '../case.ts';
import { createFindings } from '../findings.ts';
import { type Api, type ProofStack, withProofStack } from '../stack.ts';
import { expectUndisturbed, expectWithinContainer, observe, startSteadyTenant } from '../steady-tenant.ts';
import type { Tenant } from '../tenant-rows.ts';

const stallSeconds = 2;
/** The processes are started with an hour pressed into some seconds. */
const environment = {
  DOWNLOAD_STALL_SECONDS: String(stallSeconds),
  ANSWER_STALL_SECONDS: String(stallSeconds),
};
/** Until the last download has ended: it fills the buffers of the kernel, and then stalls. */
const endsWithinMs = 30_000;
/** Large answers that one client asks for before it reads any. */
const pipelined = 12;

/**
 * Fault 29: clients of one tenant ask for downloads and for lists of large rows, and read nothing of them, or a few bytes a second, while
 * another tenant sends and reads.
 */
export async function stalledReaders({ long, say }: CaseContext): Promise<CaseReport> {
  const findings = createFindings();
  const clients = long ? 400 : 80;
  return withProofStack(async (stack) => {
    const attacker: Tenant = { org: stack.org, connections: stack.connections, token: await stack.signIn(stack.org, 'owner') };
    const other = await stack.addOrg();
    const neighbour: Tenant = { ...other, token: await stack.signIn(other.org, 'owner') };
    await makeLargeRows(stack, attacker, long ? 6_000 : 1_000);
    const api = await stack.startApi({ environment });
    const steady = startSteadyTenant(api, neighbour);
    await sleep(1_000);

    let [downloads, began]: [Unread[], number] = [[], 0];
    const observed = await observe(async () => {
      steady.take();
      await sleep(long ? 10_000 : 2_000);
      const before = steady.take();
      const tickets = await askForDownloads(stack, api, attacker);
      say(`${tickets.length} downloads that nobody reads, ${clients} clients that read no list`);
      downloads = tickets.map((path) => openUnread(api, [request(path)]));
      const lists = Array.from({ length: clients }, () =>
        openUnread(api, Array(pipelined).fill(request('/api/connections', attacker.token))),
      );
      const trickling = Array.from({ length: 10 }, () => trickle(openUnread(api, [request('/api/connections', attacker.token)])));
      // A download is filled into the buffers of the kernel before it stalls.
      await sleep(1_000);
      const deadline = performance.now() + endsWithinMs;
      while (stalled(downloads).length > 0 && performance.now() < deadline) await sleep(100);
      findings.figure('downloads ended after, ms', endsWithinMs - (deadline - performance.now()));
      const during = steady.take();
      began = downloads.filter(({ hasBegun }) => hasBegun()).length;
      for (const { socket } of [...lists, ...trickling]) socket.destroy();
      return { before, during };
    });
    if (stack.crashes.length > 0) throw new Error(`the API ended unexpectedly:\n${stack.crashes.join('\n')}`);
    findings.atLeast('downloads that began', began, 4);
    findings.none(
      'downloads that nobody read and that were not ended',
      stalled(downloads).map(() => 'open'),
      downloads.length,
    );
    expectUndisturbed(findings, observed);
    expectWithinContainer(findings, api);

    // The places of the downloads that were ended are free again.
    const [again] = await askForDownloads(stack, api, attacker);
    const download = await fetch(api.url + again);
    findings.equal('status of a download after them', download.status, 200);
    findings.equal('events in it', (await download.text()).trim().split('\n').length, long ? 6_000 : 1_000);
    for (const { socket } of downloads) socket.destroy();
    await steady.stop();
    findings.none('API processes that ended unexpectedly', stack.crashes, 1);
    return findings.report();
  });
}

/** Connections of 30 kB and events of 20 kB. */
async function makeLargeRows(stack: ProofStack, { org, connections }: Tenant, count: number): Promise<void> {
  await stack.query(
    `insert into public.source_connections (org_id, project_id, type, name, config_json)
     select org_id, project_id, 'webhook', 'Large ' || n, jsonb_build_object('text', repeat('x', 30000))
     from public.source_connections cross join generate_series(1, $2::integer) n where id = $1`,
    [connections.webhook.id, count],
  );
  await stack.query(
    `insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, event_time,
       received_at, ingested_at, idempotency_key, subject, attribution, properties, is_test, journal_id, schema_version)
     select gen_random_uuid(), $1, $2, $3, 'order.paid', 'webhook', 'order.paid', now() - n * interval '1 second', now(), now(),
       gen_random_uuid()::text, '{}', '{}', jsonb_build_object('text', repeat('y', 20000)), false, gen_random_uuid(), 1
     from generate_series(1, $4::integer) n`,
    [org.id, org.projectId, connections.webhook.id, count],
  );
}

/** The paths of twelve downloads, asked for by six people of the org. */
async function askForDownloads(stack: ProofStack, api: Api, { org }: Tenant): Promise<string[]> {
  const paths: string[] = [];
  for (let person = 0; person < 6; person++) {
    const token = await stack.signIn(org, 'analyst');
    for (let n = 0; n < 2; n++) {
      const answer = await fetch(`${api.url}/api/events/export`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ orgId: org.id, format: 'ndjson' }),
      });
      const { url } = (await answer.json()) as { url?: string };
      if (url !== undefined) paths.push(url);
    }
  }
  return paths;
}

const request = (path: string, token?: string) =>
  `GET ${path} HTTP/1.1\r\nhost: any\r\n${token === undefined ? '' : `authorization: Bearer ${token}\r\n`}\r\n`;

const stalled = (downloads: readonly Unread[]) => downloads.filter(({ hasBegun, isOpen }) => hasBegun() && isOpen());

interface Unread {
  socket: Socket;
  isOpen(): boolean;
  /** Whether the first bytes of an answer with status 200 arrived. */
  hasBegun(): boolean;
}

/** Sends the requests over one socket and reads only the first bytes of their answers. */
function openUnread(api: Api, requests: readonly string[]): Unread {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  let [isOpen, begins] = [true, ''];
  socket.on('error', () => {});
  socket.once('data', (bytes) => {
    begins = bytes.toString('latin1', 0, 20);
    socket.pause();
    // A paused socket does not notice its end, so it writes from time to time: that fails once the server has cut it off.
    const probe = setInterval(() => socket.write('\r\n'), 250);
    socket.once('close', () => clearInterval(probe));
  });
  socket.once('close', () => {
    isOpen = false;
  });
  socket.write(requests.join(''));
  return { socket, isOpen: () => isOpen, hasBegun: () => begins.startsWith('HTTP/1.1 200') };
}

/** Reads a hundred bytes ten times a second. */
function trickle(unread: Unread): Unread {
  const reading = setInterval(() => unread.socket.read(100), 100);
  unread.socket.once('close', () => clearInterval(reading));
  return unread;
}
