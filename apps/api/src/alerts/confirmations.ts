import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { OrgKeys } from '../tenancy/org-keys.ts';
import { openDestination } from './destination.ts';
import type { MailDeps } from './mails.ts';
import { type ClaimedConfirmation, claimConfirmations, findAddress, settleConfirmation, takeMessage } from './recipients-store.ts';
import { recordChannelResult } from './store.ts';

interface ConfirmationDeps extends MailDeps {
  keysOf(orgId: string): Promise<OrgKeys>;
  log: Logger;
  signal: AbortSignal;
}

const sliceMs = 10_000;
const claimsAtOnce = 10;

/** Sends the mails that ask for a confirmation and are due. Orgs take turns, and each mail waits for the pace of its org and mailbox. */
export async function askForConfirmations(deps: ConfirmationDeps): Promise<void> {
  if (!deps.notifier.sendsMail) return;
  const endsAt = performance.now() + sliceMs;
  while (!deps.signal.aborted && performance.now() < endsAt) {
    const claimed = await claimConfirmations(deps.db, claimsAtOnce);
    if (claimed.length === 0) return;
    await Promise.all(claimed.map((one) => ask(deps, one)));
  }
}

async function ask({ db, notifier, publicUrl, keysOf, log }: ConfirmationDeps, claimed: ClaimedConfirmation): Promise<void> {
  const { org_id: orgId, channel_id: channelId, sealed, digest } = claimed;
  try {
    const destination = sealed && openDestination(await keysOf(orgId), orgId, channelId, sealed);
    const address = destination?.type === 'email' ? await findAddress(db, destination.recipients, digest) : undefined;
    if (address === undefined) return await settleConfirmation(db, claimed, { outcome: 'dropped' });
    const seconds = await takeMessage(db, orgId, 'confirmation', address);
    if (seconds > 0) return await settleConfirmation(db, claimed, { outcome: 'waits', seconds });
    const token = randomBytes(32).toString('hex');
    // The token is stored before the mail is sent: a link that arrives always works.
    await settleConfirmation(db, claimed, { outcome: 'sending', token });
    const { ok, isFinal, answer } = await notifier.askToConfirm(address, claimed.org_name, `${publicUrl}/mail/confirm/${token}`);
    if (ok) return await settleConfirmation(db, claimed, { outcome: 'sent' });
    log.warn({ channelId, attempts: claimed.attempts, reason: answer }, 'a mail that asks for a confirmation was not delivered');
    await recordChannelResult(db, channelId, answer);
    if (isFinal) await settleConfirmation(db, claimed, { outcome: 'dropped' });
  } catch (error) {
    // The mail is due again when its claim runs out. The other mails of the run are sent.
    log.error({ err: error, channelId }, 'a mail that asks for a confirmation could not be prepared');
  }
}
