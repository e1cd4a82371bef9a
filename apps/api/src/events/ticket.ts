import { createHmac, hkdfSync } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { safeEqual } from '@tributary/pipeline/crypto/constant-time.ts';
import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { EventExportFormat, EventFilter } from '@tributary/shared/events.ts';
import { z } from 'zod';
import { Refusal } from '../platform/refusal.ts';

/** What a person may download. The URL contains it, signed, because a browser sends no access token when it navigates to a URL. */
const Ticket = z.strictObject({
  userId: z.guid(),
  orgId: z.guid(),
  filter: EventFilter,
  format: EventExportFormat,
  expiresAtMs: z.int(),
});
export type Ticket = z.infer<typeof Ticket>;

/** A longer ticket would not fit into a URL: Node's server accepts 16 KiB of headers. */
const charsMax = 12_000;

const sign = (masterKey: Uint8Array, payload: string): string => {
  const key = hkdfSync('sha256', masterKey, '', 'tributary event export ticket', 32);
  return createHmac('sha256', Buffer.from(key)).update(payload).digest('base64url');
};

/** Throws Refusal `invalid_request` when the filter is too long for a URL. */
export function makeTicket({ current, keys }: MasterKeys, ticket: Ticket): string {
  const payload = deflateRawSync(JSON.stringify(ticket)).toString('base64url');
  if (payload.length > charsMax)
    throw new Refusal('invalid_request', 'filter: is too long for an export; select fewer types or connections');
  return `${payload}.${sign(keys.get(current) as Uint8Array, payload)}`;
}

/** Throws Refusal `not_found` for a ticket that is forged, was changed, or has expired, without telling which. */
export function openTicket({ keys }: MasterKeys, text: string, nowMs: number): Ticket {
  const [payload = '', signature = ''] = text.split('.');
  const isOurs = payload.length <= charsMax && [...keys.values()].some((key) => safeEqual(signature, sign(key, payload)));
  const ticket = isOurs ? Ticket.parse(JSON.parse(inflateRawSync(Buffer.from(payload, 'base64url')).toString())) : undefined;
  if (!ticket || ticket.expiresAtMs < nowMs) throw new Refusal('not_found', 'this download has expired: ask for it again');
  return ticket;
}
