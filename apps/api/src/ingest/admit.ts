import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, Connections } from '../deliveries/connection-cache.ts';
import type { Quarantine } from '../deliveries/quarantine.ts';
import { clientAddress, type Networks } from '../platform/client-address.ts';
import { isUnavailable } from '../platform/db.ts';
import type { Metrics } from '../platform/metrics.ts';
import { uuid } from '../platform/pages.ts';
import { Refusal } from '../platform/refusal.ts';
import type { Arriving } from './arriving.ts';

export interface AdmitDeps {
  connections: Connections;
  quarantine: Quarantine;
  metrics: Metrics;
  trustedProxies: Networks;
  now(): number;
}

/**
 * The minimum time of the answer to an unknown connection and to a malformed id, so that its time does not show which of the two it was.
 */
const unknownAnswerMs = 25;
const dayMs = 86_400_000;
const quotaRetrySecondsMax = 3_600;

/** The connection that the request names, when it may send now; at once when it is in memory. Throws a Refusal otherwise. */
export function admitConnection(deps: AdmitDeps, arriving: Arriving): Connection | Promise<Connection> {
  const known = deps.connections.known(arriving.connectionId.toLowerCase());
  return known?.source.type === arriving.type.toLowerCase() ? requireOpen(deps, arriving, known) : lookUp(deps, arriving);
}

async function lookUp(deps: AdmitDeps, arriving: Arriving): Promise<Connection> {
  const arrivedAt = performance.now();
  const id = arriving.connectionId.toLowerCase();
  const connection = uuid.test(id) ? await findConnection(deps.connections, id, arriving) : undefined;
  if (connection?.source.type === arriving.type.toLowerCase()) return requireOpen(deps, arriving, connection);
  if (connection) {
    countLost(deps, connection);
    deps.quarantine.countReason(connection, 'wrong_source');
  }
  await sleep(Math.max(0, unknownAnswerMs - (performance.now() - arrivedAt)));
  throw new Refusal('not_found');
}

/** Whether the connection is unknown is only said when the database has said so: a sender that gets 404 does not send again. */
async function findConnection(connections: Connections, id: string, { event }: Arriving): Promise<Connection | undefined> {
  try {
    return await connections.get(id);
  } catch (error) {
    if (error instanceof Refusal || isUnavailable(error)) throw error;
    event.err = error;
    throw new Refusal('database_unavailable');
  }
}

/** Refuses the request when the connection or its org takes none, or none from this address. */
function requireOpen(deps: AdmitDeps, arriving: Arriving, connection: Connection): Connection {
  arriving.connection = connection;
  arriving.event.connectionId = connection.id;
  arriving.event.source = connection.source.type;
  if (connection.isActive && connection.isOrgSuspended) {
    deps.metrics.shed.inc({ reason: 'org_suspended' });
    throw new Refusal('org_suspended');
  }
  const refusal = !connection.isActive
    ? 'connection_inactive'
    : connection.isSuspended
      ? 'connection_suspended'
      : isAllowed(connection, arriving, deps.trustedProxies)
        ? undefined
        : 'address_not_allowed';
  if (!refusal) return connection;
  countLost(deps, connection);
  // The refusals of deliveries are counted where they are answered.
  if (arriving.method !== 'POST') deps.quarantine.countReason(connection, refusal);
  throw new Refusal(refusal);
}

/** A test that people of the org send comes from the server itself. */
function isAllowed({ allowedNetworks }: Connection, { isTest, remoteAddress, headers }: Arriving, trustedProxies: Networks): boolean {
  if (!allowedNetworks || isTest) return true;
  const address = clientAddress(remoteAddress, headers['x-forwarded-for'], trustedProxies);
  return address !== undefined && allowedNetworks.has(address);
}

/** The quotas of a day end at midnight in UTC; an operator may raise them earlier. */
export function requireQuota({ metrics, now }: AdmitDeps, { exceededQuota }: Connection): void {
  if (exceededQuota === undefined) return;
  metrics.shed.inc({ reason: 'quota' });
  const untilMidnight = Math.ceil((dayMs - (now() % dayMs)) / 1000);
  throw new Refusal('quota_exceeded', `the org has used up its quota ${exceededQuota}`, {
    retryAfterSeconds: Math.min(untilMidnight, quotaRetrySecondsMax),
  });
}

/** Counts a delivery that was refused for good and is not stored. */
export function countLost({ metrics, quarantine }: AdmitDeps, connection: Connection): void {
  metrics.records.inc({ source: connection.source.type, outcome: 'rejected' });
  quarantine.count(connection);
}
