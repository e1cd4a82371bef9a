import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { ApiDocument } from './routes.ts';

type Schema = Record<string, unknown> & { $ref?: string; properties?: Record<string, Schema>; items?: Schema };

/** The lists without pages, each with the reason why it cannot grow with the data of a tenant. */
const boundedLists: Record<string, string> = {
  'GET /api/sources': 'the sources are part of the program',
  'GET /api/alerts/rules': 'an org has one rule of each kind',
  'GET /api/alerts/channels': 'an org has at most 50 channels',
  'GET /api/alerts/incidents/{id}': 'only the newest notifications are listed',
  'GET /api/dlq/summary': 'only the largest groups are listed',
  'GET /api/dlq/{id}': 'an entry keeps its last ten attempts',
  'GET /api/dlq/analyze': 'only the largest clusters are listed',
  'GET /api/dlq/sample': 'a sample has a number of entries, and no next page',
  'GET /api/events/{id}/delivery': 'only the first records and attempts of a delivery are listed',
  'GET /api/replays/{id}': 'only the newest steps of a plan are listed',
  'GET /api/connections/{id}': 'the source decides how many secrets a connection has',
  'GET /api/connections/{id}/fields': 'at most 500 fields of one delivery are listed',
  'GET /api/orgs/{id}/security': 'there are five acts that can need a second person',
  'GET /api/erasures/{id}': 'there are four kinds of identifiers',
  'GET /api/alerts/channels/{id}': 'a channel has at most ten recipients',
  'GET /api/dlq/operations/{id}': 'the filter of an operation is bounded',
  'GET /api/orgs/{id}/retention': 'there are four kinds of data',
  'GET /api/orgs/{id}/quotas': 'the quotas are part of the program',
  'GET /api/admin/quotas': 'the quotas are part of the program',
  'GET /api/admin/orgs/{id}': 'the quotas are part of the program, and at most 20 owners are listed',
  'GET /api/admin/operators': 'the active accounts and the newest revoked ones are listed',
  'GET /api/admin/flow': 'the operator decides how many instances run',
};

let world: TestApi;
let document: ApiDocument;

beforeAll(async () => {
  world = await startTestApi();
  document = (await call(world.app, undefined, 'GET', '/openapi.json')).body;
});
afterAll(() => world.close());

function resolve(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const path = schema.$ref.slice(2).split('/');
  return resolve(path.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document) as Schema);
}

/** The places of every array in a schema, with its `maxItems`. */
function arraysOf(given: Schema, place: string, seen: readonly Schema[] = []): { place: string; maxItems: unknown }[] {
  const schema = resolve(given);
  if (seen.includes(schema)) return [];
  const inside = (part: Schema, name: string) => arraysOf(part, name, [...seen, schema]);
  const choices = ['anyOf', 'oneOf', 'allOf'].flatMap((key) => (schema[key] as Schema[] | undefined) ?? []);
  return [
    ...(schema.type === 'array' ? [{ place, maxItems: schema.maxItems }] : []),
    ...(schema.items ? inside(schema.items, `${place}[]`) : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) => inside(part, `${place}.${name}`)),
    ...choices.flatMap((part) => inside(part, place)),
  ];
}

function answers() {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    (['get', 'post', 'patch', 'delete', 'put'] as const).flatMap((method) =>
      Object.entries(item?.[method]?.responses ?? {}).flatMap(([status, response]) => {
        const { content } = resolve(response as Schema) as { content?: Record<string, { schema?: Schema }> };
        const schema = content?.['application/json']?.schema;
        if (!status.startsWith('2') || !schema) return [];
        const parameters = (item?.[method]?.parameters ?? []).map((one) => (resolve(one as Schema) as unknown as { name: string }).name);
        return [{ name: `${method.toUpperCase()} ${path}`, method, schema, parameters }];
      }),
    ),
  );
}

describe('every route that answers a list', () => {
  it('states the largest number of items of each array', () => {
    const unbounded = answers().flatMap(({ name, schema }) =>
      arraysOf(schema, 'answer').flatMap(({ place, maxItems }) => (typeof maxItems === 'number' ? [] : [`${name}: ${place}`])),
    );
    expect(unbounded).toEqual([]);
  });

  it('takes `limit` and `cursor`, and names the next page, unless its list cannot grow', () => {
    const unpaged = answers().flatMap(({ name, method, schema, parameters }) => {
      if (method !== 'get' || name in boundedLists || arraysOf(schema, 'answer').length === 0) return [];
      const isPaged = parameters.includes('limit') && parameters.includes('cursor');
      const top = resolve(schema);
      const namesNext = top.type === 'array' || 'next' in (top.properties ?? {});
      return isPaged && namesNext ? [] : [name];
    });
    expect(unpaged).toEqual([]);
  });

  it('lists no route as bounded that does not exist or has pages', () => {
    const lists = answers().filter(({ schema, parameters }) => arraysOf(schema, '').length > 0 && !parameters.includes('cursor'));
    expect(Object.keys(boundedLists).filter((name) => !lists.some((one) => one.name === name))).toEqual([]);
  });

  it('bounds every array and text that a request may hold', () => {
    const unbounded = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      (['get', 'post', 'patch', 'delete', 'put'] as const).flatMap((method) => {
        const body = item?.[method]?.requestBody as { content?: Record<string, { schema?: Schema }> } | undefined;
        const schema = path.startsWith('/api/webhooks/') ? undefined : body?.content?.['application/json']?.schema;
        return (schema ? arraysOf(schema, 'body') : []).flatMap(({ place, maxItems }) =>
          typeof maxItems === 'number' ? [] : [`${method.toUpperCase()} ${path}: ${place}`],
        );
      }),
    );
    expect(unbounded).toEqual([]);
  });
});
