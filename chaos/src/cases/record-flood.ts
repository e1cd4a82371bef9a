import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from '../case.ts';
import { createClient } from '../client.ts';
import { type Scene, underLoad } from '../scene.ts';
import { type ProofConnection, signed } from '../seed.ts';
import { measureRounds, type Phase, slowdown } from '../slowdown.ts';

const neighbourPerSecond = 20;
const recordsOfLarge = 9_999;
const recordsOfSmall = 100;
/** Senders of the tenant that floods: of large deliveries, and of many with a hundred records each. */
const sendersOf = (long: boolean) => (long ? { large: 3, small: 4 } : { large: 2, small: 2 });
/** One large delivery is enough to kill the process between two of its parts. */
const oneSender = { large: 1, small: 0 };
/** Percentiles below this depend on other load of the machine. */
const noiseMs = 100;
/** The flood uses all processors, so the neighbour's deliveries wait for them; they must not wait for the flood's records. */
const slowdownMax = 10;
const refusedShareMax = 0.05;
/** The documented memory of a process. */
const residentBytesMax = 512 * 1_048_576;

/** One tenant sends as many records as it can, in deliveries of up to 9,999 records, beside a neighbour with ordinary deliveries. */
export async function recordFlood(context: CaseContext): Promise<CaseReport> {
  const phaseMs = context.long ? 30_000 : 2_000;
  return underLoad(context, { traffic: { perSecond: neighbourPerSecond } }, async (scene) => {
    const { connections } = await scene.stack.addOrg();
    await scene.ackMore(40);
    const sent: SentDelivery[] = [];
    let residentBytes = 0;
    const attack = async (during: () => Promise<Phase>): Promise<Phase> => {
      const flood = startFlood(scene, connections.webhook, sendersOf(context.long), sent);
      await flood.accepted(1);
      const phase = await during();
      residentBytes = Math.max(residentBytes, await scene.metric('process_resident_memory_bytes'));
      await flood.finish();
      return phase;
    };
    const round = await measureRounds(scene, phaseMs, attack, (one) => slowdown(one, 'p99', noiseMs) <= slowdownMax);
    const { acked, refused } = round.during;
    scene.atMost(
      "the neighbour's p99 beside the flood, as a multiple of the one before or after",
      slowdown(round, 'p99', noiseMs),
      slowdownMax,
    );
    scene.atMost('share of the deliveries of the neighbour that were refused', refused / Math.max(1, acked + refused), refusedShareMax);
    scene.atMost('resident memory in MiB', residentBytes / 1_048_576, residentBytesMax / 1_048_576);

    const flood = startFlood(scene, connections.webhook, oneSender, sent);
    await killBetweenParts(scene, connections.webhook);
    await scene.expectAck('the API was killed between two parts of a delivery', 20_000);
    await flood.finish();
    await judgeFlood(scene, connections.webhook, sent);
    const storedRecords = sent.reduce((sum, one) => sum + (one.acked ? one.records : 0), 0);
    scene.figure('records of the flood that were acknowledged', storedRecords);
  });
}

interface SentDelivery {
  prefix: string;
  records: number;
  acked: boolean;
}

/** Sends without a pause, and repeats each delivery until it is acknowledged. */
function startFlood(scene: Scene, connection: ProofConnection, { large, small }: { large: number; small: number }, sent: SentDelivery[]) {
  const client = createClient(large + small);
  let finishing = false;
  let accepted = 0;

  async function deliver(records: number): Promise<void> {
    const one: SentDelivery = { prefix: randomLetters(), records, acked: false };
    sent.push(one);
    const now = Date.now();
    const list = Array.from({ length: records }, (_, n) => `{"id":"${one.prefix}-${n}","type":"order.paid","created_at":${now}}`);
    const body = `[${list.join(',')}]`;
    for (const until = performance.now() + 90_000; !one.acked && performance.now() < until; ) {
      const answer = await client.post(scene.api.url + connection.path, signed(connection, body).headers, body);
      one.acked = answer.kind === 'answered' && answer.status === 200;
      if (one.acked) accepted++;
      else await sleep(100 + scene.random() * 200);
    }
  }
  const loop = async (records: number) => {
    while (!finishing) await deliver(records);
  };
  const loops = [
    ...Array.from({ length: large }, () => loop(recordsOfLarge)),
    ...Array.from({ length: small }, () => loop(recordsOfSmall)),
  ];
  return {
    /** Waits until the flood has had so many deliveries acknowledged, which proves that it runs. */
    async accepted(count: number): Promise<void> {
      for (const until = performance.now() + 60_000; accepted < count && performance.now() < until; ) await sleep(50);
      scene.atLeast('deliveries of the flood that were acknowledged at its beginning', accepted, count);
    },
    async finish(): Promise<void> {
      finishing = true;
      await Promise.all(loops);
      client.close();
    },
  };
}

/** 36 letters: among a million ids with random digits some have the form of a document, and are stored as a digest. */
const randomLetters = () => randomUUID().replace(/[\d-]/g, (character) => 'ghijklmnopq'.charAt('0123456789-'.indexOf(character)));

const countIncomplete = async (scene: Scene, { id }: ProofConnection) => {
  const [row] = await scene.stack.query<{ n: number }>(
    `select count(*)::int as n from public.event_journal where source_connection_id = $1 and outcome = 'incomplete'`,
    [id],
  );
  return row?.n ?? 0;
};

/** Kills the process while the journal has a delivery of which not all parts are written. */
async function killBetweenParts(scene: Scene, connection: ProofConnection): Promise<void> {
  for (const until = performance.now() + 30_000; (await countIncomplete(scene, connection)) === 0 && performance.now() < until; )
    await sleep(5);
  await scene.api.kill();
  scene.atLeast('deliveries that are visible as incomplete after the kill', await countIncomplete(scene, connection), 1);
  await scene.restartApi();
}

/** Every record of an acknowledged delivery is stored, none twice, and none that was not sent. */
async function judgeFlood(scene: Scene, { id }: ProofConnection, sent: readonly SentDelivery[]): Promise<void> {
  const stored = await scene.stack.query<{ prefix: string; records: number; distinct: number }>(
    `select left(source_event_id, 36) as prefix, count(*)::int as records, count(distinct source_event_id)::int as distinct
     from public.canonical_events where source_connection_id = $1 group by 1`,
    [id],
  );
  const byPrefix = new Map(stored.map((row) => [row.prefix, row]));
  const acked = sent.filter((one) => one.acked);
  const wrong = acked.filter((one) => byPrefix.get(one.prefix)?.records !== one.records);
  scene.none(
    'acknowledged deliveries of the flood that are not stored completely, each record once',
    wrong.map((one) => one.prefix),
    acked.length,
  );
  const known = new Set(sent.map((one) => one.prefix));
  scene.none(
    'stored records of the flood that were not sent, or stored twice',
    stored.filter((row) => !known.has(row.prefix) || row.records !== row.distinct).map((row) => row.prefix),
    stored.length,
  );
  scene.none(
    'deliveries of the flood that were never acknowledged',
    sent.filter((one) => !one.acked).map((one) => one.prefix),
    sent.length,
  );
}
