import { hash } from 'node:crypto';
import { orgDigest } from '@tributary/pipeline/crypto/org-digest.ts';
import { journalAad, seal } from '@tributary/pipeline/crypto/seal.ts';
import { packDelivery, splitHeaders } from '@tributary/pipeline/journal.ts';
import { processDelivery } from '@tributary/pipeline/process.ts';
import { verifyDelivery } from '@tributary/pipeline/verify.ts';
import { CanonicalEvent } from '@tributary/shared/canonical.ts';
import { uuidv7 } from 'uuidv7';
import { prepareWrite } from '../../apps/api/src/deliveries/prepare.ts';
import { rowsOf } from '../../apps/api/src/deliveries/rows.ts';
import { writeBatch } from '../../apps/api/src/deliveries/store.ts';
import { anyIds, arrivalOf, connectionOf, writeItemOf } from './prepared.ts';
import { argument, report } from './process.ts';
import type { Traffic } from './requests.ts';

export interface StepCost {
  step: string;
  /** Processor time of one core for one delivery, in microseconds. */
  usPerDelivery: number;
}

/** Microseconds per call: the best of five runs, so that other load on the machine influences the figure as little as possible. */
function time(run: () => unknown, targetMs: number): number {
  let calls = 0;
  const warmUntil = performance.now() + targetMs;
  while (performance.now() < warmUntil) {
    run();
    calls++;
  }
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const started = performance.now();
    for (let n = 0; n < calls; n++) run();
    best = Math.min(best, ((performance.now() - started) * 1000) / calls);
  }
  return Math.round(best * 10) / 10;
}

const { traffic, targetMs } = argument<{ traffic: Traffic; targetMs: number }>();
const connection = connectionOf(traffic, anyIds());
const arrival = arrivalOf(traffic, connection, 1);
const { delivery, receivedAtMs } = arrival;
const verify = () => verifyDelivery(connection.source, delivery, { secrets: connection.secrets, config: connection.config }, receivedAtMs);
const { body } = verify();
if (!body) throw new Error('the delivery is not genuine');
const item = writeItemOf(arrival);
const events = item.records.flatMap((record) => ('event' in record ? [record.event] : []));
const rows = rowsOf([item]);
const canonical = events.map(({ record_index: _, ...event }) => ({ ...event, ingested_at: event.received_at }));
for (const event of canonical) CanonicalEvent.parse(event);
const context = {
  orgId: connection.orgId,
  projectId: connection.projectId,
  connectionId: connection.id,
  journalId: uuidv7(),
  config: connection.config,
  hashKey: connection.keys.hashKey,
  digestKey: connection.keys.digestKey,
  receivedAtMs,
  nowMs: receivedAtMs,
  isTest: false,
  newId: uuidv7,
};
const credentials = connection.source.credentialsFor?.(connection.config) ?? connection.source.credentials;
const secretValues = connection.secrets.map((secret) => secret.value);
const pack = () =>
  packDelivery(
    { method: delivery.method, url: delivery.url, headers: splitHeaders(delivery.headers, credentials, secretValues).kept },
    delivery.raw,
  );
const packed = pack();

const steps: [string, () => unknown][] = [
  ['verify the credential and decode the body', verify],
  ['process: split, read, hash and remove personal data', () => processDelivery(connection.source, delivery, body, context)],
  ['digest of the raw body', () => orgDigest(connection.keys.digestKey, 'delivery', hash('sha256', delivery.raw))],
  ['pack the delivery with its headers', pack],
  ['seal (AES-256-GCM)', () => seal(connection.keys.dataKey.key, packed, journalAad(connection.orgId, context.journalId))],
  ['prepareWrite: all steps above except verify', () => prepareWrite(arrival, body)],
  // The statement goes nowhere: what is measured is how its parameters are made.
  ['encode the arrays of the statement', () => void writeBatch(async () => [], rows)],
  ['not on the path: zod on the canonical events', () => canonical.map((event) => CanonicalEvent.safeParse(event))],
];
report(steps.map(([step, run]): StepCost => ({ step, usPerDelivery: time(run, targetMs) })));
