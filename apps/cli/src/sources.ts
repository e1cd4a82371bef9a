import { SourceEntry } from '@tributary/shared/api.ts';
import { z } from 'zod';
import { UsageError } from './errors.ts';
import type { Context } from './program.ts';

/** The catalogue of the server, whose sources may differ from those that this program was released with. */
export function listSources({ client }: Context): Promise<SourceEntry[]> {
  return client.api('/api/sources', z.array(SourceEntry), { as: 'anonymous' });
}

/** Throws UsageError when one of the types is no source of the catalogue: a filter by it would match nothing without saying why. */
export function checkSources(catalogue: readonly SourceEntry[], types: readonly string[]): void {
  const known = catalogue.map(({ type }) => type);
  const unknown = types.find((type) => !known.includes(type));
  if (unknown !== undefined) throw new UsageError(`There is no source ${unknown}. The sources are ${known.join(', ')}.`);
}
