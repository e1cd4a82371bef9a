import { sources } from '@tributary/pipeline/sources.ts';
import { Refusal } from '../platform/refusal.ts';

/** What is wrong with a type that is no source of this server. */
export const unknownSource = (type: string): string =>
  `${type} is not a source of this server; its sources are ${[...sources.keys()].sort().join(', ')}`;

/** Throws Refusal `invalid_request` when a filter names a source that this server does not have: the filter would match nothing without saying why. */
export function requireKnownSources(types: readonly string[] | undefined, path: string): void {
  const unknown = types?.find((type) => !sources.has(type));
  if (unknown === undefined) return;
  const message = unknownSource(unknown);
  throw new Refusal('invalid_request', `${path}: ${message}`, { errors: [{ path, message, code: 'custom' }] });
}
