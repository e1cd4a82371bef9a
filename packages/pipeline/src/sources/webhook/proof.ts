import { acceptedBasic, signBasic, verifyBasic } from '../../proofs/basic.ts';
import { acceptedSignatures, type HmacScheme, signHmac, verifyHmac } from '../../proofs/hmac.ts';
import { encodingProblem, formatSecret, keysNamed, keysOf, type SecretEncoding, secretsNamed, trimSecret } from '../../proofs/secrets.ts';
import { acceptedTokens, signToken, type TokenScheme, verifyToken } from '../../proofs/shared-token.ts';
import { signStandardWebhook, verifyStandardWebhook } from '../../proofs/standard-webhooks.ts';
import { refused } from '../../proofs/verdicts.ts';
import { sha256 } from '../../reading/fingerprint.ts';
import type { Delivery, Secret, SecretProblem, Signed, Verdict } from '../../source.ts';
import { settingsOf, type WebhookConfig } from './config.ts';
import type { Verification } from './verification.ts';

/** Verifies by the scheme of the config. Refuses every delivery without a valid config, with an unknown scheme or without a usable secret. */
export function verify(delivery: Delivery, secrets: readonly Secret[], config: WebhookConfig, nowMs: number): Verdict {
  const verification = settingsOf(config)?.verification;
  if (verification === undefined) return refused('This connection has no valid verification settings, so nothing can be accepted.');
  const texts = secretsNamed(secrets, 'secret');
  if (texts.length === 0) return refused('This connection has no secret: set it.');
  const encoding = secretEncodingOf(verification);
  const keys = keysNamed(secrets, 'secret', encoding);
  if (keys.length === 0) return refused(`The stored secret ${encodingProblem(texts[0] ?? '', encoding)?.message ?? 'cannot be used'}.`);
  switch (verification.scheme) {
    case 'hmac':
      return verifyHmac(delivery, keys, hmacScheme(verification), { nowMs, toleranceSeconds: verification.toleranceSeconds });
    case 'standard-webhooks':
      return verifyStandardWebhook(delivery, keys, { nowMs, toleranceSeconds: verification.toleranceSeconds });
    case 'api-key':
      return verifyToken(delivery, texts, tokenScheme(verification));
    case 'basic':
      return verifyBasic(delivery, texts, verification.username);
    default:
      return refused('The verification scheme is unknown.');
  }
}

/**
 * Signs by the scheme of the config, with the first usable secret. `url` is needed where the template signs it.
 * Throws when config, secret or url is missing.
 */
export function sign(body: string, secrets: readonly Secret[], config: WebhookConfig, nowMs: number, url?: string): Signed {
  const verification = settingsOf(config)?.verification;
  if (verification === undefined) throw new Error('Valid verification settings are needed to sign');
  const [text] = secretsNamed(secrets, 'secret');
  const [key] = keysOf(text === undefined ? [] : [text], secretEncodingOf(verification));
  if (text === undefined || key === undefined) throw new Error('A usable secret is needed to sign');
  // The id is made of the body, so that a second attempt carries the id of the first.
  const id = `msg_${sha256(body).toString('hex').slice(0, 24)}`;
  switch (verification.scheme) {
    case 'hmac':
      return signHmac(body, key, hmacScheme(verification), { nowMs, id, url });
    case 'standard-webhooks':
      return { headers: signStandardWebhook(key, id, body, nowMs) };
    case 'api-key':
      return signToken(text, tokenScheme(verification));
    case 'basic':
      return signBasic(text, verification.username);
  }
}

/**
 * The values that prove this secret in a delivery. A signature is one of them: a connection that was configured for an API key by mistake has
 * stored a digest of its sender's signature.
 */
export function credentialForms(secret: string, config: WebhookConfig, delivery: Delivery): string[] {
  const verification = settingsOf(config)?.verification;
  switch (verification?.scheme) {
    case 'api-key':
      return acceptedTokens(secret, tokenScheme(verification));
    case 'basic':
      return acceptedBasic(secret, verification.username);
    case 'hmac':
      return acceptedSignatures(delivery, keysOf([secret], verification.secretEncoding), hmacScheme(verification));
    default:
      return [];
  }
}

/** A new secret in the form that the scheme asks for. */
export function newSecret(config: WebhookConfig, random: Uint8Array): string {
  const verification = settingsOf(config)?.verification;
  return formatSecret(random, verification === undefined ? 'utf-8' : secretEncodingOf(verification));
}

/**
 * The secret without the blanks that were pasted with it. A password of HTTP Basic and a key in the query may have blanks at their ends, so only
 * line breaks are left out there.
 */
export function readSecret({ value }: Secret, config: WebhookConfig): { value: string } | { problem: SecretProblem } {
  const verification = settingsOf(config)?.verification;
  const mayHaveBlanks = verification?.scheme === 'basic' || (verification?.scheme === 'api-key' && verification.in === 'query');
  const text = mayHaveBlanks ? value.replace(/^[\r\n]+|[\r\n]+$/g, '') : trimSecret(value);
  if (verification === undefined) return { value: text };
  const isInHeader = verification.scheme === 'api-key' && verification.in === 'header';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a header cannot carry them.
  if (isInHeader && /[\x00-\x1f\x7f]/.test(text)) {
    return { problem: { code: 'secret_not_sendable', message: 'has a control character or a line break, which no header can carry' } };
  }
  const problem = encodingProblem(text, secretEncodingOf(verification));
  return problem ? { problem } : { value: text };
}

function secretEncodingOf(verification: Verification): SecretEncoding {
  return verification.scheme === 'hmac' || verification.scheme === 'standard-webhooks' ? verification.secretEncoding : 'utf-8';
}

function hmacScheme({ header, query, otherHeaders = [], combined, ...scheme }: Extract<Verification, { scheme: 'hmac' }>): HmacScheme {
  const inHeader = (name: string) => ({ in: 'header', name }) as const;
  return {
    ...scheme,
    signature: query === undefined ? inHeader(header ?? '') : { in: 'query', name: query },
    otherPlaces: otherHeaders.map(inHeader),
    combined: combined && { ...combined, repeatedTime: 'refused' },
  };
}

function tokenScheme({ in: where, name, prefix }: Extract<Verification, { scheme: 'api-key' }>): TokenScheme {
  return { in: where, name: where === 'header' ? name.toLowerCase() : name, prefix };
}
