import { createHmac, hkdfSync } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { safeEqual } from '@tributary/pipeline/crypto/constant-time.ts';
import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { z } from 'zod';
import { Refusal } from './refusal.ts';

/** A longer ticket would not fit into a URL: Node's server accepts 16 KiB of headers. */
const charsMax = 12_000;

/** The fields that every ticket has: whose download it is, with the person's role at that time, and until when it may begin. */
export const ticketFields = {
  userId: z.guid(),
  orgId: z.guid(),
  role: z.enum(['owner', 'admin', 'analyst']),
  expiresAtMs: z.int(),
};

/**
 * Tickets for one kind of download. The URL of a download contains its ticket, signed, because a browser sends no access token when it
 * navigates to a URL. A ticket of another `purpose` is not accepted.
 */
export function createTickets<Ticket extends { expiresAtMs: number }>(
  { current, keys }: MasterKeys,
  purpose: string,
  schema: z.ZodType<Ticket>,
) {
  const sign = (masterKey: Uint8Array, payload: string): string => {
    const key = hkdfSync('sha256', masterKey, '', `tributary ${purpose} ticket`, 32);
    return createHmac('sha256', Buffer.from(key)).update(payload).digest('base64url');
  };

  return {
    /** Throws Refusal `invalid_request` when the ticket is too long for a URL. */
    make(ticket: Ticket): string {
      const payload = deflateRawSync(JSON.stringify(ticket)).toString('base64url');
      if (payload.length > charsMax)
        throw new Refusal('invalid_request', 'filter: is too long for an export; select fewer types or connections');
      return `${payload}.${sign(keys.get(current) as Uint8Array, payload)}`;
    },
    /** Throws Refusal `not_found` for a ticket that is forged, was changed, or has expired, without telling which. */
    open(text: string, nowMs: number): Ticket {
      const [payload = '', signature = ''] = text.split('.');
      const isOurs = payload.length <= charsMax && [...keys.values()].some((key) => safeEqual(signature, sign(key, payload)));
      const ticket = isOurs ? schema.parse(JSON.parse(inflateRawSync(Buffer.from(payload, 'base64url')).toString())) : undefined;
      if (!ticket || ticket.expiresAtMs < nowMs) throw new Refusal('not_found', 'this download has expired: ask for it again');
      return ticket;
    },
  };
}
