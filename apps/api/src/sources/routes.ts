import type { Source } from '@tributary/pipeline/source.ts';
import { exampleConfigs } from '@tributary/pipeline/sources/webhook/samples.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import type { SourceEntry } from '@tributary/shared/api.ts';
import { Hono } from 'hono';
import { z } from 'zod';
import { describe } from '../route-docs.ts';

/** Configs to begin with, for sources that cannot do without one. */
const examples: Readonly<Record<string, Record<string, unknown>>> = { webhook: exampleConfigs['standard-webhooks'] };

/** Mounted at /api/sources. The catalogue is the same for everybody and holds nothing secret: no sign-in. */
export function sourceRoutes() {
  const app = new Hono();
  const catalogue = [...sources.values()].sort((a, b) => a.label.localeCompare(b.label, 'en')).map(toEntry);

  app.get('/', describe.listSources, (c) => {
    c.header('cache-control', 'public, max-age=300');
    return c.json(catalogue);
  });

  return app;
}

function toEntry(source: Source): SourceEntry {
  return {
    type: source.type,
    label: source.label,
    setup: [...source.setup],
    secrets: source.secrets.map(({ name, label, help, issuedBy, required }) => ({ name, label, help, issuedBy, required })),
    configSchema: z.toJSONSchema(source.config, { io: 'input' }) as Record<string, unknown>,
    exampleConfig: examples[source.type] ?? {},
    samples: source.samples.map(({ name, label }) => ({ name, label })),
    handshake: source.handshake !== undefined,
  };
}
