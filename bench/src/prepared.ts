import { randomBytes, randomUUID } from 'node:crypto';
import type { Delivery } from '@tributary/pipeline/source.ts';
import { RecordError } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { verifyDelivery } from '@tributary/pipeline/verify.ts';
import type { Connection } from '../../apps/api/src/deliveries/connection-cache.ts';
import { type Arrival, prepareWrite } from '../../apps/api/src/deliveries/prepare.ts';
import type { WriteItem } from '../../apps/api/src/deliveries/rows.ts';
import { openConnection } from './open-connection.ts';
import { createRequests, type Traffic } from './requests.ts';

/** Makes a connection as the API holds it in memory. */
export function connectionOf(traffic: Traffic, ids: { id: string; orgId: string; projectId: string }): Connection {
  const source = sources.get(traffic.type ?? '');
  if (!source) throw new Error(`there is no source ${traffic.type}`);
  const newKey = () => new Uint8Array(randomBytes(32));
  return openConnection(
    ids,
    { source, config: source.config.parse(traffic.config), secrets: traffic.secrets ?? [] },
    { data: newKey(), hash: newKey(), digest: newKey() },
  );
}

export const anyIds = () => ({ id: randomUUID(), orgId: randomUUID(), projectId: randomUUID() });

/** Makes the n-th request of the traffic in the form that the route of the API passes on. */
export function arrivalOf(traffic: Traffic, connection: Connection, n: number): Arrival {
  const { headers, body } = createRequests(traffic)(n);
  const delivery: Delivery = {
    method: 'POST',
    url: `http://127.0.0.1/api/webhooks/${connection.source.type}/${connection.id}`,
    headers: { host: '127.0.0.1', connection: 'keep-alive', ...headers },
    raw: Buffer.from(body),
  };
  return { connection, delivery, secrets: connection.secrets, receivedAtMs: Date.now(), isTest: false };
}

/** Makes what the API would hand to its writer for a delivery. Throws when the delivery is not genuine or a record cannot be read. */
export function writeItemOf(arrival: Arrival): WriteItem {
  const { verdict, body } = verifyDelivery(
    arrival.connection.source,
    arrival.delivery,
    { secrets: arrival.secrets, config: arrival.connection.config },
    arrival.receivedAtMs,
  );
  if (!verdict.ok || body === undefined || body instanceof RecordError) throw new Error('the prepared delivery is not genuine');
  const item = prepareWrite(arrival, body);
  const dead = item.records.find((record) => 'dead' in record);
  if (dead && 'dead' in dead) throw new Error(`a prepared record could not be read: ${dead.dead.last_error_message}`);
  return item;
}
