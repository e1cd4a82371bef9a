import { expect } from 'vitest';
import { maskedHeaders, splitHeaders } from '../journal.ts';
import { redactCredentials } from '../privacy/credentials.ts';
import { decodeBody } from '../reading/body.ts';
import type { Delivery, Secret, Source } from '../source.ts';
import type { Case, Promised } from './proof-cases.ts';
import { nowMs } from './proof-cases.ts';

/** The promises about proofs: which deliveries are genuine, and that no credential is stored. */
export function promisesOfProof(source: Source, cases: readonly Case[]): Promised[] {
  const verify = (one: Case, delivery: Delivery, secrets: readonly Secret[] = one.secrets) =>
    source.verify(delivery, secrets, one.config, nowMs);
  return [
    {
      title: 'accepts every sample that it signs itself',
      check() {
        for (const one of cases) expect(verify(one, one.deliver('a')), one.name).toEqual({ ok: true });
      },
    },
    {
      title: 'accepts the old and the new secret while a rotation lasts',
      check() {
        for (const one of cases) {
          const both = [...one.otherSecrets, ...one.secrets];
          expect(verify(one, one.deliver('a'), both), one.name).toEqual({ ok: true });
          expect(verify(one, one.deliver('a', one.otherSecrets), both), one.name).toEqual({ ok: true });
        }
      },
    },
    {
      title: 'refuses a delivery that was signed with another secret',
      check() {
        for (const one of cases) expect(verify(one, one.deliver('a', one.otherSecrets)).ok, one.name).toBe(false);
      },
    },
    {
      title: 'refuses every delivery while the connection has no secret, or only a blank secret or one of another name',
      check() {
        for (const one of cases) {
          const blank = one.secrets.map(({ name }) => ({ name, value: '' }));
          const misnamed = one.secrets.map(({ value }) => ({ name: 'another_secret', value }));
          const unsigned = { ...one.deliver('a'), headers: { 'content-type': one.sample.contentType } };
          for (const secrets of [[], blank, misnamed])
            for (const delivery of [one.deliver('a'), unsigned, ...signedWithEmptyKey(source, one)])
              expect(verify(one, delivery, secrets).ok, one.name).toBe(false);
        }
      },
    },
    {
      title: 'refuses a delivery without its proof, and one whose proof is empty',
      check() {
        for (const one of cases) {
          const signed = one.deliver('a');
          const body = Buffer.from(one.sample.body({ id: 'a', nowMs }));
          const bare = { ...signed, url: signed.url.split('?')[0] ?? '', headers: { 'content-type': one.sample.contentType }, raw: body };
          const emptied = {
            ...signed,
            url: signed.url.replaceAll(/=[^&]*/g, '='),
            headers: { ...Object.fromEntries(Object.keys(signed.headers).map((name) => [name, ''])) },
            raw: body,
          };
          for (const delivery of [bare, emptied]) expect(verify(one, delivery).ok, one.name).toBe(false);
        }
      },
    },
    {
      title: 'refuses a body of which one bit was flipped, where the proof covers the body',
      check() {
        for (const one of cases.filter(({ signsBody }) => signsBody)) {
          const signed = one.deliver('a');
          for (const at of placesIn(signed.raw)) {
            const raw = Buffer.from(signed.raw);
            raw[at] = (raw[at] ?? 0) ^ 1;
            expect(verify(one, { ...signed, raw }).ok, `${one.name}, byte ${at}`).toBe(false);
          }
        }
      },
    },
    {
      title: 'repeats neither a secret nor a credential in the reason for a refusal',
      check() {
        for (const one of cases) {
          const forged = one.deliver('a', one.otherSecrets);
          const verdict = verify(one, forged);
          const credentials = [...one.secrets, ...one.otherSecrets].map((secret) => secret.value);
          for (const text of [...credentials, ...proofTexts(forged)]) expect(JSON.stringify(verdict), one.name).not.toContain(text);
        }
      },
    },
    {
      title: 'names every place where a delivery contains the secret, so that the secret is masked before anything is stored',
      check() {
        for (const one of cases) {
          const delivery = one.deliver('a');
          const credentials = source.credentialsFor?.(one.config) ?? source.credentials;
          const { url, raw } = redactCredentials(delivery, decodeBody(delivery), credentials);
          const { kept, presented } = splitHeaders(delivery.headers, credentials, []);
          const stored = JSON.stringify({ url: decodeURIComponent(url), kept, masked: maskedHeaders(presented), raw: raw.toString() });
          for (const { value } of one.secrets) {
            expect(stored, one.name).not.toContain(value);
            expect(stored, one.name).not.toContain(Buffer.from(`:${value}`).toString('base64').slice(2, -4));
          }
        }
      },
    },
    {
      title: 'never throws on a forged delivery, and never accepts one',
      check() {
        for (const one of cases) {
          const signed = one.deliver('a');
          const names = Object.keys(signed.headers).filter((name) => name !== 'content-type');
          for (const value of strangeHeaders)
            for (const raw of strangeBodies) {
              const headers = { 'content-type': one.sample.contentType, ...Object.fromEntries(names.map((name) => [name, value])) };
              expect(verify(one, { ...signed, url: 'not a url', headers, raw }).ok, one.name).toBe(false);
            }
        }
      },
    },
    {
      title: 'answers a handshake only with the connection’s own secret',
      check() {
        for (const { secrets, otherSecrets } of cases.slice(0, 1)) {
          expect(source.handshake?.(new URLSearchParams(), secrets)).toBeUndefined();
          const guesses = [...otherSecrets, { name: '', value: '' }].map(({ value }) => handshakeWith(value));
          for (const query of guesses) expect(source.handshake?.(query, secrets)?.status ?? 403).toBe(403);
          for (const query of guesses) expect(source.handshake?.(query, [])?.status ?? 403).toBe(403);
        }
      },
    },
  ];
}

const strangeHeaders = ['', '=', ',', 'v1,', 't=1,v1=', 'sha256=', 'Basic Og==', 'Bearer ', '\u0000', 'é'.repeat(200), '9'.repeat(10_000)];
const strangeBodies = ['', '{', '[]', 'null', '"', '=', '%', '&&&', '\u0000', '{"a":'.repeat(2_000)].map((text) => Buffer.from(text));

/** Meta's form of a handshake, the only one so far that carries a secret. */
function handshakeWith(token: string): URLSearchParams {
  return new URLSearchParams({ 'hub.mode': 'subscribe', 'hub.challenge': '1', 'hub.verify_token': token });
}

/** A delivery that was signed with an empty key, for sources whose sign() allows one. */
function signedWithEmptyKey(source: Source, one: Case): Delivery[] {
  try {
    return [
      one.deliver(
        'a',
        source.secrets.map(({ name }) => ({ name, value: '' })),
      ),
    ];
  } catch {
    return [];
  }
}

/** The values that prove a delivery genuine, as the delivery carries them. */
function proofTexts(delivery: Delivery): string[] {
  const headers = Object.entries(delivery.headers).flatMap(([name, value]) => (name === 'content-type' || !value ? [] : [value]));
  return [...headers, ...new URL(delivery.url).searchParams.values()].filter((text) => text.length >= 8);
}

function placesIn(raw: Uint8Array): number[] {
  const last = raw.length - 1;
  return [...new Set([0, 1, last >> 2, last >> 1, (3 * last) >> 2, last - 1, last])].filter((at) => at >= 0);
}
