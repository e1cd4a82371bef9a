import { Buffer } from 'node:buffer';
import { open, seal } from '../crypto/seal.ts';
import { packDelivery, unpackDelivery } from '../journal.ts';
import { type ProcessContext, processDelivery } from '../process.ts';
import type { Delivery, Source } from '../source.ts';
import { sources } from '../sources.ts';
import { verifyDelivery } from '../verify.ts';

// Prints what becomes of a signed delivery of every sample, and what is read back from its sealed form. The output is the same in every runtime:
// .github/workflows/scheduled.yml compares that of Node with that of Deno.

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const url = 'https://in.example.com/api/webhooks';
const key = (fill: number) => new Uint8Array(32).fill(fill);

function rowsOf(source: Source, { name, contentType, body }: Source['samples'][number]): unknown {
  const config = source.config.parse(source.exampleConfig ?? {});
  const secrets = source.secrets.map((secret) => ({
    name: secret.name,
    value: source.newSecret?.(config, key(1)) ?? `secret-of-the-sample-${secret.name}`,
  }));
  const text = body({ id: `sample-${name}`, nowMs });
  const signed = source.sign(text, secrets, config, nowMs, url);
  const query = signed.query ? `?${new URLSearchParams(signed.query)}` : '';
  const delivery: Delivery = {
    method: 'POST',
    url: `${url}${query}`,
    headers: { 'content-type': contentType, ...signed.headers },
    raw: Buffer.from(signed.body ?? text),
  };
  let ids = 0;
  const context: ProcessContext = {
    orgId: 'org',
    projectId: 'project',
    connectionId: 'connection',
    journalId: 'journal',
    config,
    hashKey: { version: 1, key: key(2) },
    digestKey: key(3),
    receivedAtMs: nowMs,
    nowMs,
    isTest: false,
    newId: () => `id ${ids++}`,
  };
  const { verdict, body: parsed } = verifyDelivery(source, delivery, { secrets, config }, nowMs);
  if (!parsed) throw new Error(`the sample ${name} of ${source.type} is refused: ${JSON.stringify(verdict)}`);
  const sealed = seal(key(4), packDelivery({ method: delivery.method, url: delivery.url, headers: {} }, delivery.raw), 'sample');
  const opened = unpackDelivery(Buffer.from(open(key(4), sealed, 'sample')));
  return {
    source: source.type,
    name,
    records: processDelivery(source, delivery, parsed, context),
    head: opened.head,
    body: String(opened.raw),
  };
}

const rows = [...sources.values()].flatMap((source) => source.samples.map((sample) => rowsOf(source, sample)));
console.log(JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? String(value) : value), 1));
