import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from './percentile.ts';
import type { Scene } from './scene.ts';

/** How long the deliveries of the load took in a phase, in milliseconds, and how many of them were refused. */
export interface Phase {
  median: number;
  p99: number;
  acked: number;
  refused: number;
}

export interface Round {
  before: Phase;
  during: Phase;
  after: Phase;
}

/** What an attack costs the neighbour shows in every round. Other load of the machine comes and goes, so that it spares one of several rounds. */
const roundsMax = 3;

/** How much longer the deliveries took during the attack, as a multiple of the time before or after. Times below `noiseMs` count as that. */
export const slowdown = ({ before, during, after }: Round, which: 'median' | 'p99', noiseMs: number): number =>
  during[which] / Math.max(before[which], after[which], noiseMs);

/** Measures the load before, during and after an attack, up to three times, until `isHeld`. Returns the last round. */
export async function measureRounds(
  scene: Scene,
  phaseMs: number,
  attack: (during: () => Promise<Phase>) => Promise<Phase>,
  isHeld: (round: Round) => boolean,
): Promise<Round> {
  for (let rounds = 1; ; rounds++) {
    const before = await measurePhase(scene, phaseMs);
    const during = await attack(() => measurePhase(scene, phaseMs));
    const round = { before, during, after: await measurePhase(scene, phaseMs) };
    scene.say(
      `round ${rounds}: p99 ${Math.round(before.p99)} ms, ${Math.round(during.p99)} ms meanwhile, ${Math.round(round.after.p99)} ms after`,
    );
    if (!isHeld(round) && rounds < roundsMax) continue;
    for (const which of ['median', 'p99'] as const) {
      scene.figure(`${which} before, ms`, before[which]);
      scene.figure(`${which} meanwhile, ms`, during[which]);
      scene.figure(`${which} after, ms`, round.after[which]);
    }
    return round;
  }
}

async function measurePhase({ load: { figures } }: Scene, ms: number): Promise<Phase> {
  const { acked, unavailable, latenciesMs } = figures;
  const first = latenciesMs.length;
  await sleep(ms);
  const latencies = latenciesMs.slice(first);
  return {
    median: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    acked: figures.acked - acked,
    refused: figures.unavailable - unavailable,
  };
}
