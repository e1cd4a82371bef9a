import { crash } from './crash.ts';
import { outage } from './outage.ts';
import { shutdown } from './shutdown.ts';
import { duplicateBatches, oneKey } from './storm.ts';

export interface CaseContext {
  /** Decides every random choice of the case; printed, so that a failing run can be played again. */
  seed: number;
  say(line: string): void;
}

export interface CaseReport {
  figures: Record<string, number | string>;
  /** One sentence each; none when every promise held. */
  violations: string[];
}

export interface Case {
  name: string;
  promise: string;
  run(context: CaseContext): Promise<CaseReport>;
}

/** Every case that `npm run chaos` runs, in order. */
export const cases: readonly Case[] = [
  { name: 'crash', promise: 'What is acknowledged survives kill -9 of the API and a crash of Postgres, exactly once.', run: crash },
  { name: 'shutdown', promise: 'SIGTERM answers everything in flight and ends within ten seconds.', run: shutdown },
  { name: 'outage', promise: 'Without Postgres every delivery is refused with 503, and it heals by itself.', run: outage },
  { name: 'one-key', promise: '10,000 concurrent deliveries of one key over four processes are one event.', run: oneKey },
  { name: 'duplicate-batches', promise: 'Shuffled batches of mostly duplicates deadlock nowhere.', run: duplicateBatches },
];
