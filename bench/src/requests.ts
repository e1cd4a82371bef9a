import type { Secret } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { batchTemplate, purchaseTemplate } from './payloads.ts';

/** What a load generator sends; plain data, for it goes from process to process. */
export interface Traffic {
  url: string;
  kind: 'purchase' | 'batch';
  /** Of the connection; the bare route ignores what they make. */
  type: string;
  config: unknown;
  secrets: readonly Secret[];
  /** Begins every id, so that no two measurements share one. */
  idPrefix: string;
  recordsPerBatch: number;
}

/** Builds the n-th request: signed, with ids of its own. */
export function createRequests(traffic: Traffic): (n: number) => { headers: Record<string, string>; body: string } {
  const source = sources.get(traffic.type);
  if (!source) throw new Error(`there is no source ${traffic.type}`);
  const build = traffic.kind === 'purchase' ? purchaseTemplate(Date.now()) : batchTemplate(Date.now(), traffic.recordsPerBatch);
  const config = source.config.parse(traffic.config);
  const json = { 'content-type': 'application/json' };
  // A hottok does not depend on the body: the same headers serve every purchase.
  const constant =
    traffic.kind === 'purchase' ? { ...json, ...source.sign(build('x'), traffic.secrets, config, Date.now()).headers } : undefined;
  return (n) => {
    const body = build(`${traffic.idPrefix}${String(n).padStart(9, '0')}`);
    return { headers: constant ?? { ...json, ...source.sign(body, traffic.secrets, config, Date.now()).headers }, body };
  };
}
