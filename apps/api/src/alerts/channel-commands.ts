import { randomBytes, randomUUID } from 'node:crypto';
import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { formatSecret } from '@tributary/pipeline/proofs/secrets.ts';
import type {
  AlertChannel,
  CreateAlertChannel,
  CreatedAlertChannel,
  TestedAlertChannel,
  UpdateAlertChannel,
} from '@tributary/shared/alerts.ts';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Claims, Db } from '../platform/db.ts';
import { type Outbound, OutboundRefused, type RefusedAddress } from '../platform/outbound.ts';
import { Refusal } from '../platform/refusal.ts';
import { invalidRequest } from '../platform/requests.ts';
import { requireActive, requireSecondFactor, resolveOrgToWrite } from '../tenancy/callers-org.ts';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { changeDestination, type Destination, maskDestination, openDestination, sealDestination, toDestination } from './destination.ts';
import { type MailDeps, sendMails } from './mails.ts';
import type { AlertMessage } from './messages.ts';
import { type Delivered, type Notifier, testMessage } from './notifier.ts';
import { askRecipients, takeMessage } from './recipients-store.ts';
import {
  type ChannelRow,
  createChannel,
  findChannel,
  findSealedDestination,
  recordChannelResult,
  setChannelTarget,
  updateChannel,
} from './store.ts';
import { toChannel } from './wire.ts';

// The commands that handle the destination of a channel, which contains its credentials.

export interface ChannelDeps {
  db: Db;
  masterKeys: MasterKeys;
  notifier: Notifier;
  outbound: Pick<Outbound, 'verify'>;
  /** Where the links in mails lead. */
  publicUrl: string;
  log: Logger;
  now(): number;
}

/** Creates a channel. The signing secret of a webhook is generated when the request has none. Recipients of mail are asked to confirm. */
export async function addChannel(
  deps: ChannelDeps,
  claims: Claims,
  body: z.output<typeof CreateAlertChannel>,
): Promise<CreatedAlertChannel> {
  const { db } = deps;
  const generated = body.type === 'webhook' && body.secret === undefined ? formatSecret(randomBytes(32), 'whsec') : undefined;
  const destination = toDestination(body, generated);
  await requireReachable(deps, destination);
  const { id: orgId } = await db.as(claims, (sql) => resolveOrgToWrite(sql, body.orgId));
  const id = randomUUID();
  // Outside the transaction below: the creation of an org's first keys would wait for a lock that this transaction holds.
  const sealed = sealDestination(await keysOf(deps, claims, orgId), orgId, id, destination);
  const { type, name, minLevel } = body;
  const row = await db.as(claims, async (sql) => {
    const created = await createChannel(sql, { id, orgId, type, name, target: maskDestination(destination), minLevel, sealed });
    if (!created) throw new Refusal('conflict', 'the org has 50 channels, the maximum: delete one first');
    if (destination.type === 'email') await askRecipients(sql, id, destination.recipients);
    return findChannel(sql, id);
  });
  if (!row) throw new Error('the new channel is not visible to its creator');
  return { ...answerOf(deps, row), ...(generated === undefined ? {} : { secret: generated }) };
}

/** Changes the given fields of a channel. A new destination is checked and sealed. */
export async function changeChannel(
  deps: ChannelDeps,
  claims: Claims,
  id: string,
  { name, minLevel, enabled, ...fields }: z.output<typeof UpdateAlertChannel>,
): Promise<AlertChannel> {
  const { db } = deps;
  const before = requireWritable(await db.as(claims, (sql) => findChannel(sql, id)));
  let resealed: { target: string; sealed: Buffer; recipients: readonly string[] } | undefined;
  if (Object.values(fields).some((value) => value !== undefined)) {
    const destination = changeDestination(await loadDestination(deps, claims, before), before.type, fields);
    await requireReachable(deps, destination);
    const sealed = sealDestination(await keysOf(deps, claims, before.org_id), before.org_id, id, destination);
    resealed = { target: maskDestination(destination), sealed, recipients: destination.type === 'email' ? destination.recipients : [] };
  }
  const row = await db.as(claims, async (sql) => {
    await updateChannel(sql, id, { name, minLevel, enabled });
    if (resealed) await setChannelTarget(sql, id, resealed.target, resealed.sealed);
    if (resealed && resealed.recipients.length > 0) await askRecipients(sql, id, resealed.recipients);
    return findChannel(sql, id);
  });
  if (!row) throw new Refusal('not_found', 'there is no such channel');
  return answerOf(deps, row);
}

/** Has the recipients of an e-mail channel asked again who have not confirmed their address. The mail waits for its pace. */
export async function askAgain(deps: ChannelDeps, claims: Claims, id: string): Promise<AlertChannel> {
  const row = await deps.db.as(claims, async (sql) => {
    const channel = requireWritable(await findChannel(sql, id));
    await requireSecondFactor(sql, channel.org_id);
    await requireActive(sql, channel.org_id);
    if (channel.type !== 'email') throw new Refusal('conflict', 'only the recipients of an e-mail channel confirm their addresses');
    const waiting = channel.recipients.filter(({ status }) => status === 'waiting').map(({ address }) => address);
    await askRecipients(sql, id, waiting);
    return channel;
  });
  return answerOf(deps, row);
}

/**
 * Sends one test message to the receiver of a channel, to every recipient of an e-mail channel who has confirmed the address. `requireDue`
 * throws when the channel was tested a moment ago.
 */
export async function sendTest(deps: ChannelDeps, claims: Claims, id: string, requireDue: () => void): Promise<TestedAlertChannel> {
  const { db, now } = deps;
  const channel = await db.as(claims, async (sql) => {
    const found = requireWritable(await findChannel(sql, id));
    await requireSecondFactor(sql, found.org_id);
    await requireActive(sql, found.org_id);
    return found;
  });
  const destination = await loadDestination(deps, claims, channel);
  if (!destination) throw new Refusal('conflict', 'the destination cannot be decrypted: enter it again');
  requireDue();
  const waitSeconds = await takeMessage(db.onBehalfOf(claims), channel.org_id, 'test');
  if (waitSeconds > 0) throw tooManyTests(waitSeconds);
  const startedAt = performance.now();
  const { ok, status, answer } = await deliverTest(
    { ...deps, db: db.onBehalfOf(claims) },
    destination,
    testMessage({ id: channel.org_id, name: channel.org_name }, now()),
  );
  const durationMs = Math.round((performance.now() - startedAt) * 10) / 10;
  await recordChannelResult(db.onBehalfOf(claims), id, ok ? undefined : status === null ? answer : `${status} ${answer}`.trim());
  return { ok, status, answer, durationMs };
}

async function deliverTest(deps: MailDeps, destination: Destination, message: AlertMessage): Promise<Delivered> {
  const { notifier } = deps;
  if (destination.type !== 'email') return notifier.deliverTest(destination, message);
  const mailed = await sendMails(deps, destination.recipients, message, (recipient, stopUrl) =>
    notifier.deliverTest({ type: 'email', recipient, stopUrl }, message),
  );
  if (mailed.nobody !== undefined) throw new Refusal('conflict', mailed.nobody);
  const answer = mailed.failures[0] ?? mailed.last;
  if (!answer) throw tooManyTests(mailed.waitSeconds ?? 0);
  return answer;
}

function tooManyTests(waitSeconds: number): Refusal {
  const seconds = Math.ceil(waitSeconds);
  return new Refusal('rate_limited', `too many tests in a short time: try again in ${seconds} seconds`, { retryAfterSeconds: seconds });
}

export function answerOf({ notifier }: Pick<ChannelDeps, 'notifier'>, row: ChannelRow): AlertChannel {
  return toChannel(row, notifier.circuitOf(row.id));
}

function keysOf({ db, masterKeys, log }: ChannelDeps, claims: Claims, orgId: string) {
  return loadOrgKeys(db.onBehalfOf(claims), masterKeys, orgId, log);
}

async function loadDestination(deps: ChannelDeps, claims: Claims, { id, org_id }: ChannelRow): Promise<Destination | undefined> {
  const sealed = await findSealedDestination(deps.db.onBehalfOf(claims), id);
  return sealed && openDestination(await keysOf(deps, claims, org_id), org_id, id, sealed);
}

/** What a person who saves an address is told about it. Each sentence is a constant, which the dashboard translates. */
const wrongAddresses: Record<RefusedAddress, string> = {
  not_url: 'is not a URL',
  scheme: 'must begin with https:// or http://',
  credentials: 'must not contain a user name or a password',
  port: 'has a port that web servers do not have',
  private: 'is an address inside a private network, where nothing can be sent: use an address on the public internet',
  unknown_host: 'names a host that does not exist: check its spelling',
};

/**
 * Refuses a destination where nothing can be sent, while the person can still correct the address. The host name is resolved and checked again
 * at every send.
 */
async function requireReachable({ notifier, outbound }: ChannelDeps, destination: Destination): Promise<void> {
  if (destination.type === 'email' && !notifier.sendsMail)
    throw new Refusal('conflict', 'this server sends no e-mail: its operator has not set SMTP_URL');
  if (destination.type !== 'slack' && destination.type !== 'webhook') return;
  try {
    await outbound.verify(destination.url);
  } catch (error) {
    if (error instanceof OutboundRefused) throw invalidRequest([{ path: ['url'], message: wrongAddresses[error.reason] }]);
    throw error;
  }
}

function requireWritable(row: ChannelRow | undefined): ChannelRow {
  if (!row) throw new Refusal('not_found', 'there is no such channel');
  if (!row.may_write) throw new Refusal('forbidden');
  return row;
}
