import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import type { Logger } from 'pino';
import { CircuitOpenError } from '../platform/breaker.ts';
import type { Db } from '../platform/db.ts';
import type { Task } from '../platform/jobs.ts';
import type { Metrics } from '../platform/metrics.ts';
import { loadOrgKeys, type OrgKeys } from '../tenancy/org-keys.ts';
import { openDestination } from './destination.ts';
import type { Notifier } from './notifier.ts';
import { type ClaimedNotification, claimNotifications, evaluateAlerts, type Settlement, settleNotification } from './store.ts';

export interface AlertTaskDeps {
  db: Db;
  masterKeys: MasterKeys;
  notifier: Notifier;
  metrics: Metrics;
}

const sliceMs = 20_000;
const claimsAtOnce = 20;
/** Longer than any attempt lasts: what an instance that died had taken is tried again after it. */
const leaseSeconds = 60;
const attemptsMax = 12;
/** As long as a circuit stays open. */
const postponeSeconds = 30;

export function alertTasks({ db, masterKeys, notifier, metrics }: AlertTaskDeps): Record<string, Task> {
  return {
    'alerts.evaluate': {
      everySeconds: 30,
      async run(_payload, { log }) {
        const pass = await evaluateAlerts(db);
        if (!pass) return;
        const { failures, ...counts } = pass;
        if (Object.values(counts).some((count) => count > 0)) log.info(counts, 'alerts');
        // The others were; a job that fails is what an operator is alerted of.
        if (failures.length > 0) throw new Error(`alerts could not be evaluated: ${JSON.stringify(failures.slice(0, 20))}`);
      },
    },
    'alerts.notify': {
      everySeconds: 5,
      async run(_payload, { signal, log }) {
        const keysByOrg = new Map<string, Promise<OrgKeys>>();
        const keysOf = (orgId: string) => {
          const keys = keysByOrg.get(orgId) ?? loadOrgKeys(db, masterKeys, orgId, log);
          keysByOrg.set(orgId, keys);
          return keys;
        };
        const deadline = performance.now() + sliceMs;
        while (!signal.aborted && performance.now() < deadline) {
          const claimed = await claimNotifications(db, claimsAtOnce, leaseSeconds);
          if (claimed.length === 0) return;
          await Promise.all(claimed.map((notification) => attempt(notification, keysOf, log)));
        }
      },
    },
  };

  async function attempt(claimed: ClaimedNotification, keysOf: (orgId: string) => Promise<OrgKeys>, log: Logger): Promise<void> {
    const settlement = await deliver(claimed, keysOf, log);
    metrics.alertNotifications.inc({ channel_type: claimed.channel_type, outcome: settlement.outcome });
    if (settlement.outcome !== 'sent') {
      log.warn(
        {
          notificationId: claimed.id,
          channelId: claimed.channel_id,
          attempts: claimed.attempts,
          outcome: settlement.outcome,
          reason: settlement.error,
        },
        'a notification did not arrive',
      );
    }
    await settle(claimed, settlement, log);
  }

  /** What cannot be written must not keep the others of the run from being told: it is due again when its lease ends. */
  async function settle(claimed: ClaimedNotification, settlement: Settlement, log: Logger): Promise<void> {
    try {
      await settleNotification(db, claimed, settlement);
    } catch (error) {
      log.error({ err: error, notificationId: claimed.id, channelId: claimed.channel_id }, 'a notification could not be settled');
    }
  }

  async function deliver(claimed: ClaimedNotification, keysOf: (orgId: string) => Promise<OrgKeys>, log: Logger): Promise<Settlement> {
    // Only attempts whose end could not be written bring it this far.
    if (claimed.attempts > attemptsMax)
      return { outcome: 'failed', error: 'what became of the attempts could not be written down', afterSeconds: 0 };
    try {
      const destination =
        claimed.sealed && openDestination(await keysOf(claimed.org_id), claimed.org_id, claimed.channel_id, claimed.sealed);
      if (!destination) return { outcome: 'failed', error: 'the destination cannot be opened: enter it again', afterSeconds: 0 };
      const delivered = await notifier.deliver(claimed.channel_id, destination, toMessage(claimed));
      if (delivered.ok) return { outcome: 'sent', error: undefined, afterSeconds: 0 };
      const error = delivered.status === null ? delivered.answer : `${delivered.status} ${delivered.answer}`.trim();
      if (delivered.isFinal || claimed.attempts >= attemptsMax) return { outcome: 'failed', error, afterSeconds: 0 };
      return {
        outcome: 'retry',
        error,
        afterSeconds: Math.max(backoffSeconds(claimed.attempts), Math.min(delivered.retryAfterSeconds ?? 0, 3_600)),
      };
    } catch (error) {
      if (error instanceof CircuitOpenError)
        return {
          outcome: 'postponed',
          error: 'the receiver failed several times in a row and is left alone for a moment',
          afterSeconds: postponeSeconds,
        };
      log.error({ err: error, channelId: claimed.channel_id }, 'a notification could not be prepared');
      return {
        outcome: claimed.attempts >= attemptsMax ? 'failed' : 'retry',
        error: 'something went wrong on our side',
        afterSeconds: backoffSeconds(claimed.attempts),
      };
    }
  }
}

/** 30 s, doubled up to an hour; between half of it and all of it, so that many do not come back at one moment. Twelve attempts take five hours. */
function backoffSeconds(attempts: number): number {
  return Math.ceil(Math.min(3_600, 15 * 2 ** attempts) * (0.5 + Math.random() / 2));
}

function toMessage(row: ClaimedNotification): Parameters<Notifier['deliver']>[2] {
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
    },
  };
}
