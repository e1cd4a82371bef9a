import { alertChannelAad, open, SealError, seal } from '@tributary/pipeline/crypto/seal.ts';
import type { AlertChannelType, CreateAlertChannel, UpdateAlertChannel } from '@tributary/shared/alerts.ts';
import type { z } from 'zod';
import { invalidRequest } from '../platform/requests.ts';
import type { OrgKeys } from '../tenancy/org-keys.ts';

/** The destination of a channel with its credentials. It is stored sealed only. */
export type Destination =
  | { type: 'slack'; url: string }
  | { type: 'pagerduty'; routingKey: string }
  | { type: 'webhook'; url: string; secret: string }
  | { type: 'email'; recipients: string[] };

export function sealDestination(keys: OrgKeys, orgId: string, channelId: string, destination: Destination): Buffer {
  return Buffer.from(seal(keys.dataKey.key, JSON.stringify(destination), alertChannelAad(orgId, channelId)));
}

/** Returns undefined when no data key of the org opens the sealed destination. */
export function openDestination(keys: OrgKeys, orgId: string, channelId: string, sealed: Uint8Array): Destination | undefined {
  for (const key of keys.data.values()) {
    try {
      return JSON.parse(Buffer.from(open(key, sealed, alertChannelAad(orgId, channelId))).toString('utf8')) as Destination;
    } catch (error) {
      // Sealed under another version of the key: try the next.
      if (!(error instanceof SealError)) throw error;
    }
  }
  return undefined;
}

/**
 * The destination in a form that people recognise. The path of a URL is as secret as a password, because Slack authenticates by it: only
 * its last four characters are shown.
 */
export function maskDestination(destination: Destination): string {
  switch (destination.type) {
    case 'slack':
    case 'webhook': {
      const url = new URL(destination.url);
      return url.pathname.length <= 1 ? url.origin : `${url.origin}/…${url.pathname.length > 12 ? url.pathname.slice(-4) : ''}`;
    }
    case 'pagerduty':
      return `…${destination.routingKey.slice(-4)}`;
    case 'email':
      return destination.recipients.join(', ');
  }
}

export function toDestination(body: z.output<typeof CreateAlertChannel>, generatedSecret: string | undefined): Destination {
  switch (body.type) {
    case 'slack':
      return { type: 'slack', url: body.url };
    case 'pagerduty':
      return { type: 'pagerduty', routingKey: body.routingKey };
    case 'webhook':
      return { type: 'webhook', url: body.url, secret: body.secret ?? generatedSecret ?? '' };
    case 'email':
      return { type: 'email', recipients: body.recipients };
  }
}

const fieldsOf: Record<AlertChannelType, readonly string[]> = {
  slack: ['url'],
  pagerduty: ['routingKey'],
  webhook: ['url', 'secret'],
  email: ['recipients'],
};

type DestinationFields = Pick<z.output<typeof UpdateAlertChannel>, 'url' | 'routingKey' | 'secret' | 'recipients'>;

/** Keeps the fields that the change leaves out. `before` is undefined when it cannot be decrypted: every field must then be given again. */
export function changeDestination(before: Destination | undefined, type: AlertChannelType, changes: DestinationFields): Destination {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  const foreign = given.filter(([field]) => !fieldsOf[type].includes(field));
  if (foreign.length > 0)
    throw invalidRequest(foreign.map(([field]) => ({ path: [field], message: `is not a field of a ${type} channel` })));
  const after = { type, ...before, ...Object.fromEntries(given) };
  const missing = fieldsOf[type].filter((field) => !(field in after));
  if (missing.length > 0)
    throw invalidRequest(missing.map((field) => ({ path: [field], message: 'must be given again: the stored value cannot be decrypted' })));
  return after as Destination;
}
