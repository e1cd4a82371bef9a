import { createHash } from 'node:crypto';
import { types } from 'node:util';
import type { Arrival } from '../../../apps/api/src/deliveries/prepare.ts';
import type { WriteItem } from '../../../apps/api/src/deliveries/rows.ts';
import type { Checkout } from './checkout.ts';

export interface Described {
  /** Everything that would be stored and answered, as one text: the same text means the same rows. */
  text: string;
  /** What became of the delivery, to be counted. */
  kinds: string[];
}

/** Runs a delivery through the pipeline of a checkout as the API does, up to the rows. */
export function describe({ verify, seal, journal, prepare }: Checkout, arrival: Arrival): Described {
  const { connection, delivery, secrets, receivedAtMs } = arrival;
  const rowsOf = (item: WriteItem) => {
    const packed = seal.open(connection.keys.dataKey.key, item.sealed, seal.journalAad(connection.orgId, item.delivery.id));
    const { head, raw } = journal.unpackDelivery(Buffer.from(packed));
    return { delivery: item.delivery, head, raw: createHash('sha256').update(raw).digest('hex'), records: item.records };
  };
  const sent = { url: delivery.url, headers: delivery.headers, raw: createHash('sha256').update(delivery.raw).digest('hex') };
  try {
    const { verdict, body, bodyError } = verify.verifyDelivery(
      connection.source,
      delivery,
      { secrets, config: connection.config },
      receivedAtMs,
    );
    if (verdict.ok && body) {
      const item = prepare.prepareWrite(arrival, body);
      return { text: stable({ sent, rows: rowsOf(item) }, namesOf(item)), kinds: item.records.map(kindOf) };
    }
    const error = verdict.ok ? 'INVALID_PAYLOAD' : verdict.error;
    const message = verdict.ok ? (bodyError?.message ?? 'no body') : verdict.message;
    const rejected = prepare.prepareRejected(arrival, error, message);
    const item = rejected.seal();
    const { bytes, hasCredential } = rejected;
    return { text: stable({ sent, verdict, bytes, hasCredential, rows: rowsOf(item) }, namesOf(item)), kinds: [`rejected: ${error}`] };
  } catch (error) {
    return { text: stable({ sent, threw: String(error) }, new Map()), kinds: ['threw'] };
  }
}

const kindOf = (record: WriteItem['records'][number]) =>
  'dead' in record ? `dead letter: ${record.dead.error_class}` : `event of ${record.event.source_type}`;

/** Every delivery gets new ids, so they are compared by their places. */
function namesOf(item: WriteItem): Map<string, string> {
  const names = new Map([[item.delivery.id, 'id of the delivery']]);
  for (const [index, record] of item.records.entries()) {
    if ('dead' in record) names.set(record.dead.id, `id of letter ${index}`);
    else names.set(record.event.id, `id of event ${index}`).set(record.key.dlq_id, `id of letter ${index}`);
  }
  return names;
}

/** JSON with sorted keys, since the order of the keys of a row means nothing to the database. */
function stable(value: unknown, names: ReadonlyMap<string, string>): string {
  if (typeof value === 'string') return JSON.stringify(names.get(value) ?? value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  if (types.isUint8Array(value)) return JSON.stringify(Buffer.from(value).toString('hex'));
  if (Array.isArray(value)) return `[${value.map((one) => stable(one, names)).join(',')}]`;
  const fields = Object.keys(value)
    .sort()
    .flatMap((key) => {
      const field = (value as Record<string, unknown>)[key];
      return field === undefined ? [] : [`${JSON.stringify(key)}:${stable(field, names)}`];
    });
  return `{${fields.join(',')}}`;
}
