import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import type { Logger } from 'pino';
import { CircuitOpenError } from '../platform/breaker.ts';
import type { Db } from '../platform/db.ts';
import type { Task } from '../platform/jobs.ts';
import type { Metrics } from '../platform/metrics.ts';
import { loadOrgKeys, type OrgKeys } from '../tenancy/org-keys.ts';
import { askForConfirmations } from './confirmations.ts';
import { openDestination } from './destination.ts';
import { evaluateAlerts } from './evaluate.ts';
import { type Mailed, sendMails } from './mails.ts';
import type { AlertMessage } from './messages.ts';
import type { Delivered, Notifier } from './notifier.ts';
import { forgetPaces, takeMessage } from './recipients-store.ts';
import { type AttemptResult, type ClaimedNotification, claimNotifications, recordAttempt } from './store.ts';

export interface AlertTaskDeps {
  db: Db;
  masterKeys: MasterKeys;
  notifier: Notifier;
  metrics: Metrics;
  /** Where the links in mails lead. */
  publicUrl: string;
}

const sliceMs = 5_000;
const claimsAtOnce = 20;
/**
 * The lease of a claim; every attempt is shorter. The notifications that a crashed instance had claimed are tried again after this time.
 */
const leaseSeconds = 60;
const attemptsMax = 12;
/** The time for which a circuit stays open. */
const postponeSeconds = 30;

export function alertTasks(deps: AlertTaskDeps): Record<string, Task> {
  const { db } = deps;
  return {
    'alerts.evaluate': {
      everySeconds: 30,
      async run(_payload, { log, signal }) {
        const { failures, ...counts } = await evaluateAlerts(db, { signal });
        if (Object.values(counts).some((count) => count > 0)) log.info(counts, 'alerts');
        // The other orgs were evaluated. The job fails because the operator is alerted about failed jobs.
        if (failures.length > 0) throw new Error(`alerts could not be evaluated: ${JSON.stringify(failures.slice(0, 20))}`);
      },
    },
    'alerts.notify': {
      everySeconds: 5,
      async run(_payload, { signal, log }) {
        const keysOf = createKeyLoader(deps, log);
        const deadline = performance.now() + sliceMs;
        while (!signal.aborted && performance.now() < deadline) {
          const claimed = await claimNotifications(db, claimsAtOnce, leaseSeconds);
          if (claimed.length === 0) return;
          await Promise.all(claimed.map((notification) => attempt(deps, notification, keysOf, log)));
        }
      },
    },
    'alerts.confirm': {
      everySeconds: 10,
      async run(_payload, { signal, log }) {
        await askForConfirmations({ ...deps, keysOf: createKeyLoader(deps, log), signal, log });
        await forgetPaces(db);
      },
    },
  };
}

type LoadKeys = (orgId: string) => Promise<OrgKeys>;

/** Loads the keys of each org once in a run. */
function createKeyLoader({ db, masterKeys }: AlertTaskDeps, log: Logger): LoadKeys {
  const keysByOrg = new Map<string, Promise<OrgKeys>>();
  return (orgId) => {
    const keys = keysByOrg.get(orgId) ?? loadOrgKeys(db, masterKeys, orgId, log);
    keysByOrg.set(orgId, keys);
    return keys;
  };
}

async function attempt(deps: AlertTaskDeps, claimed: ClaimedNotification, keysOf: LoadKeys, log: Logger): Promise<void> {
  const result = await deliver(deps, claimed, keysOf, log);
  const { id: notificationId, channel_id: channelId, attempts } = claimed;
  deps.metrics.alertNotifications.inc({ channel_type: claimed.channel_type, outcome: result.outcome });
  if (result.outcome !== 'sent') {
    log.warn({ notificationId, channelId, attempts, outcome: result.outcome, reason: result.error }, 'a notification was not delivered');
  }
  try {
    await recordAttempt(deps.db, claimed, result);
  } catch (error) {
    // This failure must not stop the other notifications of the run. The notification is due again when its lease ends.
    log.error({ err: error, notificationId, channelId }, 'the result of a notification could not be stored');
  }
}

async function deliver(deps: AlertTaskDeps, claimed: ClaimedNotification, keysOf: LoadKeys, log: Logger): Promise<AttemptResult> {
  const { attempts, channel_id: channelId, org_id: orgId, sealed } = claimed;
  const isLast = attempts >= attemptsMax;
  // The count goes beyond the maximum only when the results of earlier attempts could not be stored.
  if (attempts > attemptsMax) return failed('the results of the attempts could not be stored');
  try {
    const destination = sealed && openDestination(await keysOf(orgId), orgId, channelId, sealed);
    if (!destination) return failed('the destination cannot be decrypted: enter it again');
    const message = toMessage(claimed);
    if (destination.type === 'email') return mailedResult(await mailAll(deps, claimed, destination.recipients, message), attempts, isLast);
    const waitSeconds = await takeMessage(deps.db, orgId, 'request');
    if (waitSeconds > 0) return postponed(waitSeconds);
    return deliveredResult(await deps.notifier.deliver(channelId, destination, message), attempts, isLast);
  } catch (error) {
    if (error instanceof CircuitOpenError) {
      const reason = 'the receiver failed several times in a row, so nothing is sent to it for 30 seconds';
      return { outcome: 'postponed', error: reason, afterSeconds: postponeSeconds };
    }
    log.error({ err: error, channelId }, 'a notification could not be prepared');
    const reason = 'the notification could not be prepared because of an internal error';
    return { outcome: isLast ? 'failed' : 'retry', error: reason, afterSeconds: backoffSeconds(attempts) };
  }
}

function mailAll(
  deps: AlertTaskDeps,
  { channel_id }: ClaimedNotification,
  recipients: readonly string[],
  message: AlertMessage,
): Promise<Mailed> {
  return sendMails(deps, recipients, message, (recipient, stopUrl) =>
    deps.notifier.deliver(channel_id, { type: 'email', recipient, stopUrl }, message),
  );
}

/** A mail that can still arrive keeps the notification open; a mailbox that refuses it does not, when the others of the channel got theirs. */
function mailedResult({ arrived, failures, waitSeconds, nobody }: Mailed, attempts: number, isLast: boolean): AttemptResult {
  const open = failures.find((one) => !one.isFinal);
  if (open && !isLast) return deliveredResult(open, attempts, isLast);
  if (waitSeconds !== undefined) return postponed(waitSeconds);
  if (arrived > 0) return { outcome: 'sent', error: undefined, afterSeconds: 0 };
  const [failure] = failures;
  return failure ? deliveredResult(failure, attempts, isLast) : failed(nobody ?? 'the channel has no recipient');
}

function deliveredResult(delivered: Delivered, attempts: number, isLast: boolean): AttemptResult {
  if (delivered.ok) return { outcome: 'sent', error: undefined, afterSeconds: 0 };
  const error = delivered.status === null ? delivered.answer : `${delivered.status} ${delivered.answer}`.trim();
  if (delivered.isFinal || isLast) return failed(error);
  return { outcome: 'retry', error, afterSeconds: Math.max(backoffSeconds(attempts), Math.min(delivered.retryAfterSeconds ?? 0, 3_600)) };
}

/** The org or the mailbox has used up its pace. */
function postponed(waitSeconds: number): AttemptResult {
  return { outcome: 'postponed', error: 'too many messages in a short time: it waits for its turn', afterSeconds: Math.ceil(waitSeconds) };
}

function failed(error: string): AttemptResult {
  return { outcome: 'failed', error, afterSeconds: 0 };
}

/**
 * The wait before the next attempt: 30 s, doubled at each attempt up to an hour, of which a random part between half and all is used, so
 * that many notifications do not become due at the same moment. Twelve attempts take about five hours.
 */
function backoffSeconds(attempts: number): number {
  return Math.ceil(Math.min(3_600, 15 * 2 ** attempts) * (0.5 + Math.random() / 2));
}

function toMessage(row: ClaimedNotification): AlertMessage {
  return {
    id: row.id,
    kind: row.kind,
    level: row.level,
    message: row.message,
    createdAt: row.created_at,
    orgId: row.org_id,
    orgName: row.org_name,
    actor: row.actor_email ?? undefined,
    incident: {
      id: row.incident_id,
      rule: row.rule,
      value: row.value,
      threshold: row.threshold,
      openedAt: row.opened_at,
      connectionId: row.connection_id,
      connectionName: row.connection_name,
      sourceType: row.source_type,
      connections: row.connections,
    },
  };
}
