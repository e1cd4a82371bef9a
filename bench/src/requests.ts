import type { Secret } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { batchTemplate, purchaseTemplate, smallTemplate } from './payloads.ts';

/** Describes what a load generator sends. Plain data, because it is passed between processes. */
export interface Traffic {
  url: string;
  kind: 'purchase' | 'batch' | 'small';
  /** Type, settings and secrets of the connection, by which requests are signed. Without a type, requests are not signed. */
  type?: string;
  config?: unknown;
  secrets?: readonly Secret[];
  /** Headers of every request, beside those of the signature. */
  headers?: Readonly<Record<string, string>>;
  /** Stands in every id, so that no two measurements share an id. */
  idPrefix: string;
  recordsPerBatch: number;
}

const templates = { purchase: purchaseTemplate, batch: batchTemplate, small: smallTemplate };

/** Builds the n-th request, signed and with its own ids. */
export function createRequests(traffic: Traffic): (n: number) => { headers: Record<string, string>; body: string } {
  const build = templates[traffic.kind](Date.now(), traffic.recordsPerBatch);
  const headers = { 'content-type': 'application/json', ...traffic.headers };
  const bodyOf = (n: number) => build((record) => idOf(traffic.idPrefix, n, record));
  if (traffic.type === undefined) return (n) => ({ headers, body: bodyOf(n) });
  const source = sources.get(traffic.type);
  if (!source) throw new Error(`there is no source ${traffic.type}`);
  const config = source.config.parse(traffic.config);
  const sign = (body: string) => ({ ...headers, ...source.sign(body, traffic.secrets ?? [], config, Date.now()).headers });
  // A hottok does not depend on the body, so all purchases use the same headers.
  const constant = traffic.type === 'hotmart' ? sign(bodyOf(0)) : undefined;
  return (n) => {
    const body = bodyOf(n);
    return { headers: constant ?? sign(body), body };
  };
}

/**
 * The id of a record. Ids begin with eight digits that look random, as the ids of platforms do: ascending ones would touch the same pages of the index
 * of keys again and again.
 */
function idOf(prefix: string, n: number, record: number): string {
  let mixed = Math.imul(n * 10_007 + record + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  mixed = (mixed ^ (mixed >>> 13)) >>> 0;
  return `${mixed.toString(16).padStart(8, '0')}-${prefix}-${n}-${record}`;
}

/** The number of the request that made this id, if it is one of this prefix. */
export function requestOf(prefix: string, id: string): number | undefined {
  const [, found, n] = id.split('-');
  return found === prefix ? Number(n) : undefined;
}
