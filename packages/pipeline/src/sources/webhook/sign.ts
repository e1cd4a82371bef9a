import { createHash } from 'node:crypto';
import type { Secret, Signed } from '../../source.ts';
import { settingsOf, type WebhookConfig } from './config.ts';
import { signature } from './hmac.ts';
import { keysOf, secretTexts } from './secrets.ts';
import { standardSignature } from './standard-webhooks.ts';
import { secretEncodingOf } from './verify.ts';

/**
 * Signs by the scheme of the config, with the first usable secret. `url` is needed where the template signs it.
 * Throws when config, secret or url is missing.
 */
export function sign(body: string, secrets: readonly Secret[], config: WebhookConfig, nowMs: number, url?: string): Signed {
  const settings = settingsOf(config);
  if (settings === undefined) throw new Error('Valid verification settings are needed to sign');
  const [text] = secretTexts(secrets);
  const [key] = keysOf(secrets, secretEncodingOf(settings));
  if (text === undefined || key === undefined) throw new Error('A usable secret is needed to sign');
  const { verification } = settings;
  // One body, one id: a second attempt carries the first one's.
  const id = `msg_${createHash('sha256').update(body).digest('hex').slice(0, 24)}`;
  const seconds = String(Math.floor(nowMs / 1000));

  switch (verification.scheme) {
    case 'hmac': {
      if (verification.template.includes('{url}') && url === undefined) throw new Error('The URL is signed too, so it is needed to sign');
      const timestamp = verification.timestampUnit === 'seconds' ? seconds : String(Math.floor(nowMs));
      const value = signature(verification, key, { body, timestamp, id, url: url ?? '', method: 'POST' });
      const headers: Record<string, string> = {};
      const { combined } = verification;
      headers[verification.header] = combined
        ? `${combined.timestampKey}=${timestamp}${combined.separator}${combined.signatureKey}=${value}`
        : `${verification.prefix ?? ''}${value}`;
      if (verification.timestampHeader) headers[verification.timestampHeader] = timestamp;
      if (verification.idHeader) headers[verification.idHeader] = id;
      return { headers };
    }
    case 'standard-webhooks':
      return {
        headers: { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': standardSignature(key, id, seconds, body) },
      };
    case 'api-key': {
      const value = `${verification.prefix ?? ''}${text}`;
      return verification.in === 'header'
        ? { headers: { [verification.name.toLowerCase()]: value } }
        : { headers: {}, query: { [verification.name]: value } };
    }
    case 'basic':
      return { headers: { authorization: `Basic ${Buffer.from(`${verification.username}:${text}`, 'utf8').toString('base64')}` } };
  }
}
