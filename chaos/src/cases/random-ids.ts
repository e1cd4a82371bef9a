import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from '../case.ts';
import { type Client, createClient } from '../client.ts';
import { type Scene, underLoad } from '../scene.ts';
import { type ProofConnection, signed } from '../seed.ts';
import { bodyOf } from '../sender.ts';
import { measureRounds, type Phase, type Round, slowdown } from '../slowdown.ts';

const neighbourPerSecond = 40;
const strangers = 32;
/** Times below this depend on other load of the machine. */
const noiseMs = 25;
/** The strangers' requests need processor time as every request does; nobody may wait for their look-ups. */
const slowdownMax = { median: 4, p99: 6 };
/** Tenants whose connections are not in memory when the strangers send. */
const newcomers = 5;

/** Strangers send deliveries to ids that do not exist, beside tenants with ordinary deliveries. */
export async function randomIds(context: CaseContext): Promise<CaseReport> {
  const phaseMs = context.long ? 30_000 : 3_000;
  return underLoad(context, { traffic: { perSecond: neighbourPerSecond } }, async (scene) => {
    const added = await Promise.all(Array.from({ length: newcomers }, () => scene.stack.addOrg()));
    await scene.ackMore(80);
    const statuses = new Map<number, number>();
    let firstMs: number[] = [];
    const attack = async (during: () => Promise<Phase>): Promise<Phase> => {
      const flood = startFlood(scene, statuses);
      await sleep(500);
      const phase = await during();
      // A connection that is read again after a change is not in memory either.
      await scene.stack.query(`update public.source_connections set name = name || '.' where id = any ($1::uuid[])`, [
        added.map(({ connections }) => connections.hotmart.id),
      ]);
      const client = createClient(newcomers);
      firstMs = await Promise.all(added.map(({ connections }) => firstDelivery(scene, client, connections.hotmart)));
      client.close();
      await flood.finish();
      return phase;
    };
    const isHeld = (round: Round) => (['median', 'p99'] as const).every((which) => slowdown(round, which, noiseMs) <= slowdownMax[which]);
    const round = await measureRounds(scene, phaseMs, attack, isHeld);
    for (const which of ['median', 'p99'] as const) {
      scene.atMost(
        `${which} beside the strangers, as a multiple of the one before or after`,
        slowdown(round, which, noiseMs),
        slowdownMax[which],
      );
    }
    scene.atLeast(
      'requests of strangers',
      [...statuses.values()].reduce((sum, n) => sum + n, 0),
      500,
    );
    scene.none(
      'answers to strangers other than 404 and 503',
      [...statuses.keys()].filter((status) => status !== 404 && status !== 503).map(String),
      statuses.size,
    );
    scene.atMost(
      'seconds until the first delivery to a connection that is not in memory is acknowledged, at worst',
      Math.max(...firstMs) / 1_000,
      5,
    );
    scene.atLeast(
      'share of the answers to strangers that are 404',
      (statuses.get(404) ?? 0) /
        Math.max(
          1,
          [...statuses.values()].reduce((sum, n) => sum + n, 0),
        ),
      0.9,
    );
  });
}

function startFlood(scene: Scene, statuses: Map<number, number>) {
  const client = createClient(strangers);
  let finishing = false;
  const loop = async () => {
    while (!finishing) {
      const answer = await client.post(
        `${scene.api.url}/api/webhooks/hotmart/${randomUUID()}`,
        { 'content-type': 'application/json' },
        '{}',
      );
      const status = answer.kind === 'answered' ? answer.status : 0;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const loops = Array.from({ length: strangers }, loop);
  return {
    async finish(): Promise<void> {
      finishing = true;
      await Promise.all(loops);
      client.close();
    },
  };
}

/** The time until a delivery to the connection is acknowledged, in milliseconds. */
async function firstDelivery(scene: Scene, client: Client, connection: ProofConnection): Promise<number> {
  const started = performance.now();
  const body = bodyOf(connection, randomUUID(), Date.now());
  while (performance.now() - started < 30_000) {
    const answer = await client.post(scene.api.url + connection.path, signed(connection, body).headers, body);
    if (answer.kind === 'answered' && answer.status === 200) return performance.now() - started;
    await sleep(50);
  }
  return Number.POSITIVE_INFINITY;
}
