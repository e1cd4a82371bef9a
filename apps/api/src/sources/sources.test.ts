import { sources } from '@tributary/pipeline/sources.ts';
import { SourceEntry } from '@tributary/shared/api.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg } from '../test/make.ts';

let world: TestApi;
let app: TestApi['app'];
let org: TestOrg;
let catalogue: SourceEntry[];

beforeAll(async () => {
  world = await startTestApi();
  app = world.app;
  org = await world.makeOrg();
  const answer = await call(app, undefined, 'GET', '/api/sources');
  expect(answer.status).toBe(200);
  catalogue = z.array(SourceEntry).parse(answer.body);
});
afterAll(() => world.close());

/** A schema without its texts, and the descriptions that a form shows. */
const withoutTexts = (schema: unknown) =>
  JSON.parse(JSON.stringify(schema, (key, value) => (typeof value === 'string' && /^(title|description)$/.test(key) ? undefined : value)));
function textsOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { description, properties = {}, oneOf = [], anyOf = [] } = schema as Record<string, object[]> & { description?: string };
  return [...(description ? [description] : []), ...[...Object.values(properties), ...oneOf, ...anyOf].flatMap(textsOf)];
}

it('lists every source, without signing in', () => {
  expect(catalogue.map((entry) => entry.type).sort()).toEqual([...sources.keys()].sort());
});

it('has for each source the setup steps, and a schema for the form', () => {
  for (const entry of catalogue) {
    expect(entry.setup.length, entry.type).toBeGreaterThan(1);
    expect(entry.setup.join(' '), entry.type).toContain('{{url}}');
    expect(entry.secrets.length, entry.type).toBeGreaterThan(0);
    expect(entry.samples.length, entry.type).toBeGreaterThan(0);
    expect(entry.configSchema, entry.type).toMatchObject({ type: 'object', additionalProperties: false });
  }
  expect(catalogue.find((entry) => entry.type === 'meta')?.handshake).toBe(true);
  expect(catalogue.find((entry) => entry.type === 'hotmart')?.handshake).toBe(false);
});

it('has every text in Portuguese, too, with the same schema', async () => {
  const answer = await call(app, undefined, 'GET', '/api/sources?language=pt-BR');
  const portuguese = z.array(SourceEntry).parse(answer.body);
  expect(portuguese).toHaveLength(catalogue.length);
  for (const [n, entry] of catalogue.entries()) {
    const translated = portuguese[n] as SourceEntry;
    const source = sources.get(entry.type);
    expect(translated).toMatchObject({ type: entry.type, exampleConfig: entry.exampleConfig, handshake: entry.handshake });
    expect(withoutTexts(translated.configSchema)).toEqual(withoutTexts(entry.configSchema));
    const [texts, english] = [textsOf(translated.configSchema), textsOf(entry.configSchema)];
    expect(texts.length, entry.type).toBeGreaterThanOrEqual(english.length);
    for (const [at, text] of texts.entries()) if (text !== 'major: 19.90. minor: 1990.') expect(text, entry.type).not.toBe(english[at]);
    expect(translated.setup).toHaveLength(entry.setup.length);
    for (const [step, text] of translated.setup.entries()) {
      expect(text).not.toBe(entry.setup[step]);
      expect(text.includes('{{url}}')).toBe(entry.setup[step]?.includes('{{url}}'));
    }
    expect(translated.secrets.map((secret) => secret.name)).toEqual(entry.secrets.map((secret) => secret.name));
    for (const [at, secret] of translated.secrets.entries()) expect(secret.help).not.toBe(entry.secrets[at]?.help);
    // Every sample and secret has a translation, and no translation is left over.
    expect(Object.keys(source?.portuguese.samples ?? {})).toEqual(entry.samples.map((sample) => sample.name));
    expect(Object.keys(source?.portuguese.secrets ?? {})).toEqual(entry.secrets.map((secret) => secret.name));
  }
  expect(portuguese.flatMap((entry) => textsOf(entry.configSchema)).length).toBeGreaterThan(0);
  expect((await call(app, undefined, 'GET', '/api/sources?language=klingon')).status).toBe(400);
});

it('has for each source an example config with which a connection can be created', async () => {
  for (const { type, exampleConfig } of catalogue) {
    const body = { projectId: org.projectId, type, name: type, config: exampleConfig };
    expect((await call(app, org.owner, 'POST', '/api/connections', body)).status, type).toBe(201);
  }
});
