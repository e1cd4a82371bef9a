import { existsSync, readFileSync } from 'node:fs';
import type { Secret } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { z } from 'zod';

/** How requests to another server are sent. */
export interface PeerRequests {
  path: string;
  /** A path that answers less than 500 as soon as the server is ready. */
  ready: string;
  headers: Record<string, string>;
  takesBatches: boolean;
  signed: { type: string; config: unknown; secrets: Secret[] } | undefined;
  /** Counts the events in the server's database. */
  countSql: string | undefined;
}

const schema = z.strictObject({
  path: z.string().startsWith('/').default('/'),
  ready: z.string().startsWith('/').default('/'),
  headers: z.record(z.string(), z.string()).default({}),
  batches: z.boolean().default(false),
  verification: z.record(z.string(), z.unknown()).optional(),
  secret: z.string().optional(),
  count: z.string().optional(),
});

/** Reads `--requests`: JSON, or the name of a file with it. The signature is described as for the generic webhook source. */
export function readPeerRequests(text: string): PeerRequests {
  const json = existsSync(text) ? readFileSync(text, 'utf8') : text;
  const { path, ready, headers, batches, verification, secret, count } = schema.parse(JSON.parse(json));
  const webhook = sources.get('webhook');
  if (verification && (secret === undefined || !webhook)) throw new Error('a signature needs a secret');
  const config = verification && webhook?.config.parse({ verification });
  const name = webhook?.secrets[0]?.name ?? '';
  const signed = config === undefined || secret === undefined ? undefined : { type: 'webhook', config, secrets: [{ name, value: secret }] };
  return { path, ready, headers, takesBatches: batches, signed, countSql: count };
}
