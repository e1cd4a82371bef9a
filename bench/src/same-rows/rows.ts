import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { argument, report } from '../process.ts';
import { importCheckout } from './checkout.ts';
import { type Base, createDeliveries } from './deliveries.ts';
import { describe } from './describe.ts';
import { setupsOf } from './setups.ts';

export interface RowsRequest {
  checkout: string;
  basesFile: string;
  seed: number;
  /** Numbers of the deliveries: all from `from` up to, and without, `to`. With `details` only these, as texts. */
  from: number;
  to: number;
  details?: readonly number[];
}

export interface RowsResult {
  /** The digests of all deliveries in turn, each 8 bytes, in base64. */
  digests: string;
  kinds: Record<string, number>;
  unchanged: number;
  details: string[];
  cpuSeconds: number;
}

// Makes the rows of many deliveries with the code of one checkout.
const { checkout: folder, basesFile, seed, from, to, details } = argument<RowsRequest>();
const checkout = await importCheckout(folder);
const bases = JSON.parse(readFileSync(basesFile, 'utf8')) as Base[];
const { unchanged, make } = createDeliveries(bases, setupsOf(checkout.sources), seed);
const kinds: Record<string, number> = {};
const digests = Buffer.alloc(Math.max(0, to - from) * 8);

for (let n = from; n < to && !details; n++) {
  const described = describe(checkout, make(n));
  createHash('sha256')
    .update(described.text)
    .digest()
    .copy(digests, (n - from) * 8, 0, 8);
  for (const kind of described.kinds) kinds[kind] = (kinds[kind] ?? 0) + 1;
}

const { user, system } = process.cpuUsage();
const result: RowsResult = {
  digests: digests.toString('base64'),
  kinds,
  unchanged,
  details: (details ?? []).map((n) => describe(checkout, make(n)).text),
  cpuSeconds: (user + system) / 1e6,
};
report(result);
