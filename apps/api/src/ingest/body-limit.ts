import type { Connection } from '../deliveries/connection-cache.ts';
import type { Config } from '../platform/config.ts';

/** The limit of the bodies of one connection. */
export interface BodyLimit {
  bodyBytesMax: number;
  /** Whose limit it is and what to do about it, for the people of the org. */
  remedy: string;
}

export const ceilingRemedy = 'That is the most that this installation takes: its operator can raise BODY_INFLATED_BYTES_MAX.';

/**
 * The largest body that a connection may send: what its platform documents or its settings ask for, at least the installation's default, and at most what
 * the process can hold of one body.
 */
export function bodyLimitOf({ source, config }: Connection, limits: Config['limits']): BodyLimit {
  const documented = config === undefined ? undefined : source.bodyBytesMax?.(config);
  const ceiling = largestBodyBytes(limits);
  const bodyBytesMax = Math.min(ceiling, Math.max(limits.bodyBytesMax, documented ?? 0));
  if (bodyBytesMax === ceiling) return { bodyBytesMax, remedy: ceilingRemedy };
  if (bodyBytesMax === documented)
    return { bodyBytesMax, remedy: `That is the limit that ${source.label} documents, or that the settings of this connection name.` };
  return {
    bodyBytesMax,
    remedy:
      'That is the default of this installation: a connection of a generic webhook can have a larger limit in its settings, and the operator can raise BODY_BYTES_MAX.',
  };
}

/** The largest body of an installation: a connection cannot ask for more. */
export function largestBodyBytes({ bodyBytesMax, inflatedBytesMax }: Config['limits']): number {
  return Math.max(bodyBytesMax, inflatedBytesMax);
}
