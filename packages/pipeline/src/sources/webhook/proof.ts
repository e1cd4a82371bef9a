import type { Delivery, Secret, Verdict } from '../../source.ts';
import { settingsOf, type WebhookConfig } from './config.ts';
import { verifyApiKey, verifyBasic } from './credentials.ts';
import { verifyHmac } from './hmac.ts';
import { keysOf, type SecretEncoding, secretTexts } from './secrets.ts';
import { verifyStandard } from './standard-webhooks.ts';
import { refused } from './verdicts.ts';

/** Which form a secret of this connection has: text, base64, or base64 after `whsec_`. */
export function secretEncodingOf({ verification }: WebhookConfig): SecretEncoding {
  if (verification.scheme === 'hmac') return verification.secretEncoding;
  return verification.scheme === 'standard-webhooks' ? 'whsec' : 'utf-8';
}

/** Verifies by the scheme of the config. No config, an invalid one, an unknown scheme or no usable secret: refused. */
export function verify(delivery: Delivery, secrets: readonly Secret[], config: WebhookConfig, nowMs: number): Verdict {
  const settings = settingsOf(config);
  if (settings === undefined) return refused('This connection has no valid verification settings, so nothing can be accepted.');
  const texts = secretTexts(secrets);
  if (texts.length === 0) return refused('This connection has no secret.');
  const { verification } = settings;
  const encoding = secretEncodingOf(settings);
  const keys = keysOf(secrets, encoding);
  if (keys.length === 0) return refused(encoding === 'whsec' ? 'The secret is not whsec_ and base64.' : 'The secret is not base64.');
  switch (verification.scheme) {
    case 'hmac':
      return verifyHmac(delivery, keys, verification, nowMs);
    case 'standard-webhooks':
      return verifyStandard(delivery, keys, verification.toleranceSeconds, nowMs);
    case 'api-key':
      return verifyApiKey(delivery, texts, verification);
    case 'basic':
      return verifyBasic(delivery, texts, verification);
    default:
      return refused('The verification scheme is unknown.');
  }
}
