import type { Secret } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { batchTemplate, purchaseTemplate } from './payloads.ts';

/** Describes what a load generator sends. Plain data, because it is passed between processes. */
export interface Traffic {
  url: string;
  kind: 'purchase' | 'batch';
  /** Type, settings and secrets of the connection; the bare route does not use them. */
  type: string;
  config: unknown;
  secrets: readonly Secret[];
  /** Prefix of every id, so that no two measurements share an id. */
  idPrefix: string;
  recordsPerBatch: number;
}

/** Builds the n-th request, signed and with its own ids. */
export function createRequests(traffic: Traffic): (n: number) => { headers: Record<string, string>; body: string } {
  const source = sources.get(traffic.type);
  if (!source) throw new Error(`there is no source ${traffic.type}`);
  const build = traffic.kind === 'purchase' ? purchaseTemplate(Date.now()) : batchTemplate(Date.now(), traffic.recordsPerBatch);
  const config = source.config.parse(traffic.config);
  const json = { 'content-type': 'application/json' };
  // A hottok does not depend on the body, so all purchases use the same headers.
  const constant =
    traffic.kind === 'purchase' ? { ...json, ...source.sign(build('x'), traffic.secrets, config, Date.now()).headers } : undefined;
  return (n) => {
    const body = build(`${traffic.idPrefix}${String(n).padStart(9, '0')}`);
    return { headers: constant ?? { ...json, ...source.sign(body, traffic.secrets, config, Date.now()).headers }, body };
  };
}
