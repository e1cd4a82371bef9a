import type { Credentials } from '../../source.ts';
import { settingsOf, type WebhookConfig } from './config.ts';

/** The query parameter or header that carries the credential and is redacted before anything is stored. The body carries none. */
export function credentialsFor(config: WebhookConfig): Credentials {
  const verification = settingsOf(config)?.verification;
  if (verification?.scheme === 'api-key') {
    return verification.in === 'query'
      ? { body: [], query: [verification.name], headers: [] }
      : { body: [], query: [], headers: [verification.name.toLowerCase()] };
  }
  return { body: [], query: [], headers: verification?.scheme === 'basic' ? ['authorization'] : [] };
}
