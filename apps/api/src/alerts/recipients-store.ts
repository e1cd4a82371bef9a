import { createHash } from 'node:crypto';
import type { Db, Sql } from '../platform/db.ts';

// As the caller, under RLS --------------------------------------------------------------------------------------------

/** Has those owners of the addresses asked who have neither confirmed nor said stop. */
export async function askRecipients(sql: Sql, channelId: string, addresses: readonly string[]): Promise<void> {
  await sql('select private.ask_alert_recipients($1, $2)', [channelId, addresses]);
}

// As the worker, past RLS ---------------------------------------------------------------------------------------------

type Worker = Pick<Db, 'worker'>;

export interface ClaimedConfirmation {
  org_id: string;
  org_name: string;
  digest: string;
  attempts: number;
  channel_id: string;
  sealed: Buffer | null;
}

export function claimConfirmations(db: Worker, limit: number): Promise<ClaimedConfirmation[]> {
  return db.worker((sql) => sql<ClaimedConfirmation & Record<string, unknown>>('select * from private.claim_confirmations($1)', [limit]));
}

/** The address of the channel that has this digest; undefined when the channel has no such recipient any more. */
export async function findAddress(db: Worker, addresses: readonly string[], digest: string): Promise<string | undefined> {
  const [row] = await db.worker((sql) =>
    sql<{ address: string }>(`select a as address from unnest($1::text[]) a where private.mail_digest(a) = decode($2, 'hex')`, [
      addresses,
      digest,
    ]),
  );
  return row?.address;
}

type ConfirmationOutcome = { outcome: 'sending'; token: string } | { outcome: 'sent' | 'dropped' } | { outcome: 'waits'; seconds: number };

export async function settleConfirmation(db: Worker, claimed: ClaimedConfirmation, result: ConfirmationOutcome): Promise<void> {
  await db.worker((sql) =>
    sql('select private.settle_confirmation($1, $2, $3, $4, $5)', [
      claimed.org_id,
      claimed.digest,
      result.outcome,
      'token' in result ? sha256(result.token) : null,
      'seconds' in result ? result.seconds : 0,
    ]),
  );
}

/** Takes one message from the pace of the org, and a mail from that of its address. Returns the seconds to wait; 0: it may be sent now. */
export async function takeMessage(db: Worker, orgId: string, kind: 'confirmation' | 'test' | 'request', address = ''): Promise<number> {
  const [row] = await db.worker((sql) =>
    sql<{ seconds: number }>('select private.take_message($1, $2, $3) as seconds', [orgId, kind, address]),
  );
  return row?.seconds ?? 0;
}

export interface OpenMail {
  address: string;
  verdict: 'send' | 'waits' | 'sent' | 'unconfirmed' | 'stopped';
  wait_seconds: number;
  stop_token: string | null;
}

/** Which addresses get the mail of a notification, or of a test, now. Takes the mails that are to be sent from their paces. */
export function openMails(db: Worker, orgId: string, addresses: readonly string[], notificationId: string | null): Promise<OpenMail[]> {
  return db.worker((sql) =>
    sql<OpenMail & Record<string, unknown>>('select * from private.open_alert_mails($1, $2, $3)', [notificationId, orgId, addresses]),
  );
}

export async function noteMail(db: Worker, notificationId: string, address: string): Promise<void> {
  await db.worker((sql) => sql('select private.note_alert_mail($1, $2)', [notificationId, address]));
}

/** Returns false when the token is unknown, was used or has expired, or when the address said stop. */
export async function confirmRecipient(db: Worker, token: string): Promise<boolean> {
  const [row] = await db.worker((sql) => sql<{ ok: boolean }>('select private.confirm_alert_recipient($1) as ok', [sha256(token)]));
  return row?.ok ?? false;
}

/** Stops the alerts to the address of the token, or restarts them. Returns false when the token is unknown. */
export async function stopRecipient(db: Worker, token: string, stops: boolean): Promise<boolean> {
  const [row] = await db.worker((sql) => sql<{ ok: boolean }>('select private.stop_alert_recipient($1, $2) as ok', [token, stops]));
  return row?.ok ?? false;
}

export async function forgetPaces(db: Worker): Promise<void> {
  await db.worker((sql) => sql('select private.forget_mail_paces()'));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
