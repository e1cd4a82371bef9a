import type { Db } from '../platform/db.ts';
import type { AlertMessage } from './messages.ts';
import type { Delivered, Notifier } from './notifier.ts';
import { noteMail, type OpenMail, openMails } from './recipients-store.ts';

export interface MailDeps {
  db: Pick<Db, 'worker'>;
  notifier: Notifier;
  publicUrl: string;
}

/** What became of the mails of one notification, or of a test. */
export interface Mailed {
  /** Recipients who got the mail, now or at an earlier attempt. */
  arrived: number;
  failures: Delivered[];
  /** The wait until the pace of the org or of an address allows the mails that are left; undefined when no mail waits. */
  waitSeconds: number | undefined;
  /** Why nobody can get the mail; undefined when there is somebody. */
  nobody: string | undefined;
  last: Delivered | undefined;
}

function stopUrlOf(publicUrl: string, token: string): string {
  return `${publicUrl}/mail/stop/${token}`;
}

/** Sends a mail to each recipient who confirmed the address, has not said stop and has not got it yet, as far as the paces allow. */
export async function sendMails(
  deps: MailDeps,
  recipients: readonly string[],
  message: AlertMessage,
  send: (recipient: string, stopUrl: string) => Promise<Delivered>,
): Promise<Mailed> {
  const { db, publicUrl } = deps;
  const notificationId = message.kind === 'test' ? null : message.id;
  const mails = await openMails(db, message.orgId, recipients, notificationId);
  const mailed: Mailed = { arrived: 0, failures: [], waitSeconds: undefined, nobody: nobodyOf(mails), last: undefined };
  for (const { address, verdict, wait_seconds, stop_token } of mails) {
    if (verdict === 'sent') mailed.arrived++;
    if (verdict === 'waits') mailed.waitSeconds = Math.max(mailed.waitSeconds ?? 0, Math.ceil(wait_seconds));
    if (verdict !== 'send' || stop_token === null) continue;
    mailed.last = await send(address, stopUrlOf(publicUrl, stop_token));
    if (!mailed.last.ok) mailed.failures.push(mailed.last);
    else {
      mailed.arrived++;
      if (notificationId !== null) await noteMail(db, notificationId, address);
    }
  }
  return mailed;
}

function nobodyOf(mails: readonly OpenMail[]): string | undefined {
  if (mails.some(({ verdict }) => verdict === 'send' || verdict === 'waits' || verdict === 'sent')) return undefined;
  return mails.some(({ verdict }) => verdict === 'unconfirmed')
    ? 'no recipient has confirmed the address yet: each got a mail with a link'
    : 'every recipient has stopped the alerts of this org';
}
