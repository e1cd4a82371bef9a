import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { sources } from '@tributary/pipeline/sources.ts';
import type { Base } from './deliveries.ts';

const nowMs = Date.UTC(2026, 10, 30, 11, 59);
const sourcesFolder = join(import.meta.dirname, '..', '..', '..', 'packages', 'pipeline', 'src', 'sources');

/** Every sample and synthetic delivery of the repository, and the deliveries in `captured`, a folder with a folder for each platform. */
export function readBases(captured: string | undefined): Base[] {
  const samples = [...sources.values()].flatMap(({ type, samples }) =>
    samples.map((sample): Base => ({ type, contentType: sample.contentType, text: sample.body({ id: `0199d3a1-${sample.name}`, nowMs }) })),
  );
  const synthetic = globSync(join(sourcesFolder, '*', 'fixtures', '**', '*.{json,form}'));
  if (captured !== undefined && !existsSync(captured)) throw new Error(`there is no folder ${captured}`);
  const others = captured === undefined ? [] : globSync(join(captured, '**', '*.{json,form}'));
  return [...samples, ...[...synthetic, ...others].sort().map(baseOf)];
}

function baseOf(file: string): Base {
  const folders = dirname(file).split('/');
  const type = [...sources.keys()].find((one) => folders.includes(one) && one !== 'webhook');
  const contentType = basename(file).endsWith('.form') ? 'application/x-www-form-urlencoded' : 'application/json';
  return { type, contentType, text: readFileSync(file, 'utf8') };
}
