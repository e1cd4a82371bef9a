import type { ErrorClass } from '@tributary/shared/errors.ts';
import { type ProcessedRecord, processDelivery } from '../process.ts';
import { decodeBody } from '../reading/body.ts';
import type { Body, Delivery, Sample, Secret, Source } from '../source.ts';

/** The facts about a source that its contract does not state. */
export interface Given {
  /** Whether the proof covers the body: false for a shared token, which proves the sender only. */
  signsBody: boolean;
  /** Personal values that stand in the samples. */
  people: readonly [string, ...string[]];
  /** Configs to prove the source with, as a person writes them, by name. Without them: the example config, or the empty one. */
  configs?: Readonly<Record<string, { config: unknown; signsBody: boolean }>>;
  /** Samples that are meant to become dead letters, by name. */
  deadLetters?: Readonly<Record<string, ErrorClass>>;
}

/** One promise of the contract. `check` throws where the source breaks it. */
export interface Promised {
  title: string;
  check: () => void;
}

/** One sample under one config. */
export interface Case {
  name: string;
  sample: Sample;
  config: unknown;
  signsBody: boolean;
  secrets: readonly Secret[];
  /** Secrets of the same form that do not belong to the connection. */
  otherSecrets: readonly Secret[];
  /** The sample with this id, signed with the given secrets or the connection's. */
  deliver(id: string, secrets?: readonly Secret[]): Delivery;
}

export const url = 'https://in.example.com/api/webhooks/source/0199d3a1-0000-7000-8000-000000000001';
export const nowMs = Date.UTC(2026, 8, 1, 12);

export function casesOf(source: Source, given: Given): Case[] {
  const configs = given.configs ?? { '': { config: source.exampleConfig ?? {}, signsBody: given.signsBody } };
  return Object.entries(configs).flatMap(([configName, { config: written, signsBody }]) => {
    const config = source.config.parse(written);
    const [secrets, otherSecrets] = [secretsOf(source, config, 1), secretsOf(source, config, 2)];
    return source.samples.map((sample): Case => {
      const deliver = (id: string, using = secrets) => deliveryOf(source, sample.body({ id, nowMs }), sample.contentType, using, config);
      return { name: [sample.name, configName].filter(Boolean).join(', '), sample, config, signsBody, secrets, otherSecrets, deliver };
    });
  });
}

function secretsOf(source: Source, config: unknown, fill: number): Secret[] {
  return source.secrets.map(({ name }) => {
    const value = source.newSecret?.(config, new Uint8Array(32).fill(fill)) ?? `secret-${fill}-of-the-tests-for-${name}`;
    return { name, value };
  });
}

function deliveryOf(source: Source, text: string, contentType: string, secrets: readonly Secret[], config: unknown): Delivery {
  const { headers, query, body = text } = source.sign(text, secrets, config, nowMs, url);
  return {
    method: 'POST',
    url: query ? `${url}?${new URLSearchParams(query)}` : url,
    headers: { 'content-type': contentType, ...headers },
    raw: Buffer.from(body),
  };
}

/** The outcomes of a delivery under a case's config, as the pipeline gives them. `body`: in place of the delivery's own. */
export function outcomesOf(
  source: Source,
  { config }: Pick<Case, 'config'>,
  delivery: Delivery,
  { body = decodeBody(delivery), receivedAtMs = nowMs }: { body?: Body; receivedAtMs?: number } = {},
): ProcessedRecord[] {
  let ids = 0;
  return processDelivery(source, delivery, body, {
    orgId: '0199d3a1-0000-7000-8000-000000000002',
    projectId: '0199d3a1-0000-7000-8000-000000000003',
    connectionId: '0199d3a1-0000-7000-8000-000000000001',
    journalId: '0199d3a1-0000-7000-8000-000000000004',
    config,
    hashKey: { version: 1, key: new Uint8Array(32).fill(9) },
    digestKey: new Uint8Array(32).fill(8),
    receivedAtMs,
    nowMs: receivedAtMs,
    isTest: false,
    newId: () => `0199d3a1-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
  });
}
