import { randomUUID } from 'node:crypto';
import type { Sample, Secret, Source } from '@tributary/pipeline/source.ts';

/** A sample as the platform would send it. Throws when the secrets cannot sign. */
export function signSample(
  source: Source,
  sample: Sample,
  secrets: readonly Secret[],
  config: unknown,
  url: string,
  nowMs: number,
): Request {
  const unsigned = sample.body({ id: randomUUID(), nowMs });
  const signed = source.sign(unsigned, secrets, config, nowMs, url);
  const target = new URL(url);
  for (const [name, value] of Object.entries(signed.query ?? {})) target.searchParams.set(name, value);
  return new Request(target, {
    method: 'POST',
    headers: { 'content-type': sample.contentType, ...signed.headers },
    body: signed.body ?? unsigned,
  });
}

const masked = '••••••••';

/** A text without the secrets, in any of the forms a request carries them in. */
export function maskSecrets(text: string, secrets: readonly Secret[]): string {
  const forms = secrets.flatMap(({ value }) => [
    value,
    encodeURIComponent(value),
    new URLSearchParams({ v: value }).toString().slice(2),
    JSON.stringify(value).slice(1, -1),
  ]);
  // The longest first, so that no form leaves the rest of another behind.
  return [...new Set(forms)].sort((a, b) => b.length - a.length).reduce((rest, form) => rest.replaceAll(form, masked), text);
}

/** Headers as they are shown: `authorization` whole (Basic hides the secret in base64), the others without the secrets. */
export function maskHeaders(headers: Headers, secrets: readonly Secret[]): Record<string, string> {
  return Object.fromEntries([...headers].map(([name, value]) => [name, name === 'authorization' ? masked : maskSecrets(value, secrets)]));
}
