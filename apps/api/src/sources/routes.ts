import type { Source, Translation } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { type SourceEntry, SourceQuery } from '@tributary/shared/api.ts';
import { Hono } from 'hono';
import { z } from 'zod';
import { validQuery } from '../platform/requests.ts';
import { describe } from './openapi.ts';

/** Mounted at /api/sources. The catalogue is the same for everybody and contains no secret, so that it needs no sign-in. */
export function sourceRoutes() {
  const app = new Hono();
  const sorted = [...sources.values()].sort((a, b) => a.label.localeCompare(b.label, 'en'));
  // Bytes, which all answers share: a client that does not read its answer then holds no copy of it.
  const encode = (catalogue: SourceEntry[]) => new TextEncoder().encode(JSON.stringify(catalogue));
  const catalogues = {
    en: encode(sorted.map((source) => toEntry(source))),
    'pt-BR': encode(sorted.map((source) => toEntry(source, source.portuguese))),
  };

  app.get('/', describe.listSources, validQuery(SourceQuery), (c) => {
    c.header('cache-control', 'public, max-age=300');
    return c.body(catalogues[c.req.valid('query').language], 200, { 'content-type': 'application/json' });
  });

  return app;
}

function toEntry(source: Source, translation?: Translation): SourceEntry {
  return {
    type: source.type,
    label: translation?.label ?? source.label,
    setup: [...(translation ?? source).setup],
    secrets: source.secrets.map(({ name, label, help, issuedBy, required }) => ({
      ...{ name, label, help, ...translation?.secrets[name] },
      issuedBy,
      required,
    })),
    configSchema: translated(z.toJSONSchema(source.config, { io: 'input' }) as JsonSchema, translation?.settings),
    exampleConfig: source.exampleConfig ?? {},
    samples: source.samples.map(({ name, label }) => ({ name, label: translation?.samples[name] ?? label })),
    handshake: source.handshake !== undefined,
  };
}

interface JsonSchema extends Record<string, unknown> {
  const?: unknown;
  description?: string;
  properties?: Record<string, JsonSchema>;
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
}

/** The schema with the names (`title`) and descriptions of a translation, which are found by the path of a setting. */
function translated(schema: JsonSchema, settings: Translation['settings'] | undefined, path = ''): JsonSchema {
  if (!settings) return schema;
  const text = { ...settings[path], ...settings[`${path}=${schema.const}`] };
  const inner = (part: JsonSchema[]) => part.map((choice) => translated(choice, settings, path));
  return {
    ...schema,
    ...(text.label === undefined ? {} : { title: text.label }),
    ...(text.help === undefined ? {} : { description: text.help }),
    ...(schema.oneOf ? { oneOf: inner(schema.oneOf) } : {}),
    ...(schema.anyOf ? { anyOf: inner(schema.anyOf) } : {}),
    ...(schema.properties
      ? {
          properties: Object.fromEntries(
            Object.entries(schema.properties).map(([key, property]) => [
              key,
              translated(property, settings, path === '' ? key : `${path}.${key}`),
            ]),
          ),
        }
      : {}),
  };
}
