import { randomUUID } from 'node:crypto';

/** The parts of an OpenAPI 3.1 document that are used here. */
export interface ApiDocument {
  paths: Record<string, Record<string, Operation> & { parameters?: Parameter[] }>;
  components?: { schemas?: Record<string, Schema> };
}

interface Operation {
  security?: Record<string, unknown>[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema?: Schema }> };
}

interface Parameter {
  in: 'path' | 'query' | 'header';
  name: string;
  required?: boolean;
  schema?: Schema;
}

interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  minLength?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

export interface BuiltRequest {
  /** Method and path as the document has them: `POST /api/dlq/{id}/retry`. */
  route: string;
  method: string;
  /** The path with its query. */
  path: string;
  body: string | undefined;
  /** Whether the route is for signed-in users, rather than public or for the operator. */
  forUsers: boolean;
}

/** Ids to fill requests with: `byName` by the name of the field or parameter, `anything` for `id` in a path. */
export interface Ids {
  byName: Readonly<Record<string, string>>;
  anything: readonly string[];
  cursors: readonly string[];
}

/** Parameters that select an org, a project or a connection. They are given even when they are optional. */
const scopes = /^(org|project|connection)Ids?$/;

const methods = ['get', 'post', 'put', 'patch', 'delete'];

/** Builds the requests for every operation of the document with these ids: one for each id when the path contains one. */
export function requestsOf(document: ApiDocument, ids: Ids): BuiltRequest[] {
  return Object.entries(document.paths).flatMap(([template, item]) =>
    methods.flatMap((method) => {
      const operation = item[method];
      return operation
        ? build(document, template, method, [...(item.parameters ?? []), ...(operation.parameters ?? [])], operation, ids)
        : [];
    }),
  );
}

function build(
  document: ApiDocument,
  template: string,
  method: string,
  parameters: readonly Parameter[],
  operation: Operation,
  ids: Ids,
): BuiltRequest[] {
  const query = (cursor?: string) => {
    const search = new URLSearchParams();
    for (const { in: place, name, required, schema } of parameters) {
      if (place !== 'query') continue;
      if (name === 'cursor' || name === 'after') {
        if (cursor !== undefined) search.set(name, cursor);
      } else if (name === 'limit') search.set(name, '1');
      else if (required || scopes.test(name)) search.set(name, String(sample(document, schema ?? {}, name, ids)));
    }
    return search.size > 0 ? `?${search}` : '';
  };
  const schema = operation.requestBody?.content['application/json']?.schema;
  const body = schema === undefined ? undefined : JSON.stringify(sample(document, schema, '', ids));
  const forUsers = operation.security?.some((scheme) => 'user' in scheme) ?? false;
  const route = `${method.toUpperCase()} ${template}`;
  const request = (path: string): BuiltRequest => ({ route, method: method.toUpperCase(), path, body, forUsers });
  const hasCursor = parameters.some(({ name }) => name === 'cursor' || name === 'after');
  const queries = hasCursor ? [query(), ...ids.cursors.map((cursor) => query(cursor))] : [query()];
  // The document does not say which kind of object `{id}` is, so one id of each kind is tried.
  const paths = template.includes('{id}') ? ids.anything.map((id) => template.replace('{id}', id)) : [template];
  return paths.flatMap((path) =>
    queries.map((search) => request(path.replace(/\{(\w+)\}/g, (_, name: string) => ids.byName[name] ?? '') + search)),
  );
}

/** A value that is valid for the schema: ids by their names, otherwise the first or smallest possible value. */
function sample(document: ApiDocument, schema: Schema, name: string, ids: Ids): unknown {
  if (schema.$ref) return sample(document, document.components?.schemas?.[schema.$ref.split('/').at(-1) ?? ''] ?? {}, name, ids);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const [branch] = schema.anyOf ?? schema.oneOf ?? [];
  if (branch) return sample(document, branch, name, ids);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => sample(document, part, name, ids)));
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'object' || schema.properties) {
    const properties = Object.entries(schema.properties ?? {});
    const needed = properties.filter(([key]) => schema.required?.includes(key) || scopes.test(key));
    // A request that changes something must contain at least one change.
    const wanted = needed.length > 0 ? needed : properties.slice(0, 1);
    return Object.fromEntries(wanted.map(([key, value]) => [key, sample(document, value, key, ids)]));
  }
  if (type === 'array') return [sample(document, schema.items ?? {}, name.replace(/s$/, ''), ids)];
  if (type === 'boolean') return schema.default ?? false;
  if (type === 'integer' || type === 'number') return schema.default ?? Math.max(1, schema.minimum ?? 1);
  if (name === 'email') return `${randomUUID()}@example.com`;
  if (schema.format === 'uuid' || /Ids?$/.test(name)) return ids.byName[name.replace(/s$/, '')] ?? ids.byName.connectionId;
  if (schema.format === 'date-time') return new Date(Date.now() - (name === 'to' ? 0 : 86_400_000)).toISOString();
  if (schema.format === 'uri') return 'https://example.com/hook';
  return ids.byName[name] ?? 'x'.repeat(Math.max(3, schema.minLength ?? 0));
}

export interface Answered extends BuiltRequest {
  status: number;
  text: string;
}

/** Sends the requests one after another. */
export async function ask(url: string, token: string, requests: readonly BuiltRequest[]): Promise<Answered[]> {
  const answers: Answered[] = [];
  // Deletions are sent last: a missing row would hide what another request could do with it.
  for (const one of [...requests.filter((some) => some.method !== 'DELETE'), ...requests.filter((some) => some.method === 'DELETE')]) {
    const response = await fetch(url + one.path, {
      method: one.method,
      headers: { authorization: `Bearer ${token}`, ...(one.body ? { 'content-type': 'application/json' } : {}) },
      ...(one.body ? { body: one.body } : {}),
    });
    answers.push({ ...one, status: response.status, text: await response.text() });
  }
  return answers;
}

/** The cursors of next pages in all answers. */
export function cursorsIn(answers: readonly Answered[]): string[] {
  const found = answers.flatMap((one) => [...one.text.matchAll(/"(?:nextCursor|cursor)":"([^"]+)"/g)].map((match) => match[1] ?? ''));
  return [...new Set(found)];
}
