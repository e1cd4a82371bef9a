import { sources } from '@tributary/pipeline/sources.ts';
import { SourceEntry } from '@tributary/shared/api.ts';
import type { Hono } from 'hono';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { call, makeControlApp } from '../test/control-app.ts';
import { makeWorld, type TestOrg, type World } from '../test/make.ts';

let world: World;
let app: Hono;
let org: TestOrg;
let catalogue: SourceEntry[];

beforeAll(async () => {
  world = await makeWorld();
  app = makeControlApp(world);
  org = await world.makeOrg();
  const answer = await call(app, undefined, 'GET', '/api/sources');
  expect(answer.status).toBe(200);
  catalogue = z.array(SourceEntry).parse(answer.body);
});
afterAll(() => world.close());

it('lists every source, without signing in', () => {
  expect(catalogue.map((entry) => entry.type).sort()).toEqual([...sources.keys()].sort());
});

it('tells a person how to set each source up, and a form which fields it has', () => {
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

it('gives for each source an example config that creates a connection as it is', async () => {
  for (const { type, exampleConfig } of catalogue) {
    const body = { projectId: org.projectId, type, name: type, config: exampleConfig };
    expect((await call(app, org.owner, 'POST', '/api/connections', body)).status, type).toBe(201);
  }
});
