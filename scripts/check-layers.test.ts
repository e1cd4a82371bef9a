import { describe, expect, it } from 'vitest';
import { findViolations, importsOf } from './check-layers.ts';

/** The violations in a repository of these files. */
function check(files: Readonly<Record<string, string>>): string[] {
  const imports = Object.entries(files).flatMap(([file, text]) => importsOf(file, text));
  return findViolations(Object.keys(files), imports);
}
const api = 'apps/api/src';

describe('the check of imports', () => {
  it('accepts imports of lower layers, of the same folder, and of allowed packages', () => {
    const files = {
      [`${api}/main.ts`]: `import { createApp } from './app.ts';`,
      [`${api}/app.ts`]: `import { dlqRoutes } from './dlq/routes.ts';`,
      [`${api}/dlq/routes.ts`]: `import { Hono } from 'hono'; import { list } from './store.ts'; import { requireUser } from '../platform/auth.ts';`,
      [`${api}/dlq/store.ts`]: `import type { Sql } from '../platform/db.ts'; import type { DlqFilter } from '@tributary/shared/dlq.ts';`,
      [`${api}/platform/db.ts`]: `import pg from 'pg';`,
      [`${api}/platform/auth.ts`]: `import manifest from '../../package.json' with { type: 'json' };`,
      'packages/shared/src/dlq.ts': `import { z } from 'zod';`,
    };
    expect(check(files)).toEqual([]);
  });

  it.each<[what: string, file: string, text: string, told: string]>([
    [
      'a feature that imports another',
      `${api}/dlq/retry.ts`,
      `import { x } from '../replays/run.ts';`,
      `${api}/dlq/retry.ts:1: api/features may not import ${api}/replays/run.ts (api/features). A feature never imports another`,
    ],
    [
      'the engine that imports a feature',
      `${api}/platform/jobs.ts`,
      `import { x } from '../flow/flow.ts';`,
      'platform/ is the technical base',
    ],
    [
      'an import of types only',
      `${api}/deliveries/rerun.ts`,
      `\nimport type { X } from '../journal/store.ts';`,
      'rerun.ts:2: api/deliveries may not import',
    ],
    [
      'an `import()` in a type',
      `${api}/tenancy/a.ts`,
      `export type A = import('../orgs/store.ts').Org;`,
      'tenancy/ knows orgs, their keys and their legal holds',
    ],
    ['an import at run time', `${api}/tenancy/a.ts`, `await import('../orgs/store.ts');`, 'api/tenancy may not import'],
    ['a re-export', `${api}/leases/a.ts`, `export { x } from '../deliveries/rows.ts';`, 'leases/ runs every kind of long work'],
    [
      'another workspace',
      'apps/cli/src/client.ts',
      `import { x } from '@tributary/pipeline/crypto/seal.ts';`,
      'talks to a server only over HTTP',
    ],
    [
      'a source that imports another',
      'packages/pipeline/src/sources/a/index.ts',
      `import { x } from '../b/index.ts';`,
      'never another source',
    ],
    [
      'a page that imports another',
      'apps/web/src/features/a/page.tsx',
      `import { X } from '../b/x.tsx'; export const P = () => <X />;`,
      'ui/',
    ],
    ['a case that lists cases', 'chaos/src/cases/a.ts', `import type { Case } from '../cases.ts';`, 'chaos/cases may not import'],
    [
      'a benchmark that imports a feature',
      'bench/src/a.ts',
      `import { x } from '../../apps/api/src/dlq/store.ts';`,
      'bench may not import',
    ],
    [
      'HTTP in a store',
      `${api}/dlq/store.ts`,
      `import { Hono } from 'hono';`,
      `${api}/dlq/store.ts:1: may not import hono. A store holds SQL`,
    ],
    ['HTTP in background work', `${api}/dlq/jobs.ts`, `import { jsonBody } from '../platform/requests.ts';`, 'Background work'],
    ['the driver outside of its file', `${api}/dlq/retry.ts`, `import pg from 'pg';`, 'apps/api/src/platform/db.ts: take a Db or Sql'],
    [
      'a package that packages/shared may not import',
      'packages/shared/src/a.ts',
      `import { hash } from 'node:crypto';`,
      'it imports zod and its own files',
    ],
    ['a file in a folder that layers.ts does not name', 'apps/mobile/src/a.ts', '', 'apps/mobile/src/a.ts: belongs to no layer'],
  ])('reports %s, and says where the code belongs', (_what, file, text, message) => {
    expect(check({ [file]: text })).toEqual([expect.stringContaining(message)]);
  });

  it('reports an import cycle once, also when one of its imports is of types only', () => {
    const files = {
      'chaos/src/a.ts': `import { b } from './b.ts';`,
      'chaos/src/b.ts': `import { c } from './c.ts';`,
      'chaos/src/c.ts': `import type { A } from './a.ts';`,
      'chaos/src/d.ts': `import { a } from './a.ts';`,
    };
    expect(check(files)).toEqual([
      expect.stringContaining('chaos/src/a.ts → chaos/src/b.ts → chaos/src/c.ts → chaos/src/a.ts: these files form an import cycle'),
    ]);
  });
});
