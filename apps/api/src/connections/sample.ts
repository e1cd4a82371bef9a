import { randomUUID } from 'node:crypto';
import type { Sample, Secret, Source } from '@tributary/pipeline/source.ts';

/** The request by which the platform would send the sample. Throws when the secrets cannot sign it. */
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

/** Masks the secrets in a text, in every encoding in which a request may contain them. */
export function maskSecrets(text: string, secrets: readonly Secret[]): string {
  const forms = secrets.flatMap(({ value }) => [
    value,
    encodeURIComponent(value),
    new URLSearchParams({ v: value }).toString().slice(2),
    JSON.stringify(value).slice(1, -1),
  ]);
  // The longest form is replaced first: a shorter form inside it would leave the rest of it visible.
  return [...new Set(forms)].sort((a, b) => b.length - a.length).reduce((rest, form) => rest.replaceAll(form, masked), text);
}

/** Masks the secrets in headers. `authorization` is masked as a whole, because Basic encodes the secret in base64. */
export function maskHeaders(headers: Headers, secrets: readonly Secret[]): Record<string, string> {
  return Object.fromEntries([...headers].map(([name, value]) => [name, name === 'authorization' ? masked : maskSecrets(value, secrets)]));
}
