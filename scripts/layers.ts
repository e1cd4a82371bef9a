/** A set of files with the same rule about what they may import. The rule includes type imports. */
export interface Layer {
  /** The name that `imports` and messages use. */
  name: string;
  /**
   * Globs from the root of the repository; a file belongs to the first layer with a glob that matches. Where a glob has a `*` in the place of
   * a folder, the files of each such folder may import each other, but not files of the other folders of the layer.
   */
  files: readonly string[];
  /** The other layers that files of this layer may import; `api/*` stands for every layer whose name starts with `api/`. */
  imports: readonly string[];
  /** Printed with a forbidden import: where the code belongs instead. */
  hint: string;
}

const api = 'apps/api/src';
const pipeline = 'packages/pipeline/src';
const web = 'apps/web/src';

const tests = 'A test uses its own workspace, the packages below it and the local stack.';
const apiCommands = 'Nothing imports the programs, app.ts or services.ts: pass what a lower layer needs as an argument.';

/** Who may import whom: workspace by workspace, the lowest layer first. This is the only place; `biome.json` has no rule for imports. */
export const layers: readonly Layer[] = [
  // Tests and their harnesses may import everything in their own workspace.
  { name: 'shared tests', files: ['packages/shared/src/**/*.test.ts'], imports: ['shared'], hint: tests },
  {
    name: 'pipeline tests',
    files: [`${pipeline}/**/*.test.ts`, `${pipeline}/test/**`, `${pipeline}/**/fixtures/**`],
    imports: ['pipeline/*', 'shared'],
    hint: tests,
  },
  {
    name: 'api tests',
    files: [`${api}/**/*.test.ts`, `${api}/test/**`],
    imports: ['api/*', 'pipeline/*', 'pipeline tests', 'chaos', 'shared', 'local stack'],
    hint: tests,
  },
  {
    name: 'cli tests',
    files: ['apps/cli/src/**/*.test.ts', 'apps/cli/src/test/**'],
    imports: ['cli/*', 'shared', 'local stack'],
    hint: tests,
  },
  {
    name: 'web mock',
    files: [`${web}/test/mock/**`],
    imports: ['shared'],
    hint: 'The mock server answers in the wire shapes of packages/shared, for the component tests and for e2e/looks/: it imports no page.',
  },
  { name: 'web tests', files: [`${web}/**/*.test.{ts,tsx}`, `${web}/test/**`], imports: ['web mock', 'web/*', 'shared'], hint: tests },
  {
    name: 'script tests',
    files: ['scripts/**/*.test.ts'],
    imports: ['scripts', 'chaos', 'pipeline/*', 'shared', 'local stack', 'settings of tools'],
    hint: tests,
  },

  {
    name: 'shared',
    files: ['packages/shared/src/**'],
    imports: [],
    hint: 'packages/shared holds wire shapes for browser, Node and Deno: code that does something belongs in packages/pipeline or apps/api.',
  },

  {
    name: 'pipeline/sources',
    files: [`${pipeline}/sources/*/**`],
    imports: ['pipeline/proofs', 'pipeline/parts', 'shared'],
    hint: 'A source imports the contract (source.ts) and the folders proofs/, reading/, privacy/ and crypto/, never another source: shared signature schemes belong in proofs/, shared reading in reading/.',
  },
  {
    name: 'pipeline/registry',
    files: [`${pipeline}/sources.ts`],
    imports: ['pipeline/sources', 'pipeline/proofs', 'pipeline/parts', 'shared'],
    hint: 'sources.ts lists the sources and does nothing else.',
  },
  {
    name: 'pipeline/proofs',
    files: [`${pipeline}/proofs/**`],
    imports: ['pipeline/parts', 'shared'],
    hint: 'Every source can use the signature schemes in proofs/, so they import no source.',
  },
  {
    name: 'pipeline/parts',
    files: [`${pipeline}/**`],
    imports: ['shared'],
    hint: 'The pipeline imports the contract of a source (source.ts), never a source: put what it needs into the contract. Clocks, keys and I/O are arguments.',
  },

  {
    name: 'api/platform',
    files: [`${api}/platform/**`],
    imports: ['pipeline/parts', 'shared'],
    hint: 'platform/ is the technical base and imports no other folder of the API: take what you need as an argument, or put the file beside what it imports.',
  },
  {
    name: 'api/processes',
    files: [`${api}/processes/**`],
    imports: ['api/platform'],
    hint: 'processes/ runs in the primary too, which must stay small and serves nothing: it knows no feature and no database.',
  },
  {
    name: 'api/tenancy',
    files: [`${api}/tenancy/**`],
    imports: ['api/platform', 'pipeline/parts', 'shared'],
    hint: 'tenancy/ knows orgs, their keys and their legal holds, and imports no feature: take what you need as an argument.',
  },
  {
    name: 'api/leases',
    files: [`${api}/leases/**`],
    imports: ['api/platform', 'shared'],
    hint: 'leases/ runs every kind of long work: what is specific to one kind is passed in by its feature.',
  },
  {
    name: 'api/deliveries',
    files: [`${api}/deliveries/**`],
    imports: ['api/tenancy', 'api/platform', 'pipeline/*', 'shared'],
    hint: 'deliveries/ is used by the features and imports none: take what you need from a feature as an argument.',
  },
  {
    name: 'api/operate',
    files: [`${api}/operate/**`],
    imports: ['api/features', 'api/deliveries', 'api/leases', 'api/tenancy', 'api/platform', 'shared'],
    hint: 'operate/ reads figures of the features. It imports neither dashboard/ nor reference/.',
  },
  {
    name: 'api/dashboard',
    files: [`${api}/dashboard/**`],
    imports: ['api/platform', 'shared'],
    hint: 'dashboard/ serves files and the public configuration: everything else belongs to a feature.',
  },
  {
    name: 'api/reference',
    files: [`${api}/reference/**`],
    imports: ['api/platform', 'shared'],
    hint: 'reference/ makes the OpenAPI document from the mounted routes: describe a route in the openapi.ts of its feature.',
  },
  {
    name: 'api/features',
    files: [`${api}/*/**`],
    imports: ['api/deliveries', 'api/leases', 'api/tenancy', 'api/platform', 'pipeline/*', 'shared'],
    hint: 'A feature never imports another: what two features share belongs in deliveries/, leases/, tenancy/ or platform/, or is passed in by app.ts.',
  },
  { name: 'api/services', files: [`${api}/services.ts`], imports: ['api/*', 'shared'], hint: apiCommands },
  { name: 'api/commands', files: [`${api}/*.ts`, 'apps/api/main.mjs'], imports: ['api/*', 'pipeline/*', 'shared'], hint: apiCommands },

  {
    name: 'cli/programs',
    files: ['apps/cli/src/{programs,tributary,replayctl,dlqtriage}.ts', 'apps/cli/bin/**'],
    imports: ['cli/*', 'shared'],
    hint: 'The CLI talks to a server only over HTTP: wire shapes are in packages/shared, requests in apps/cli/src/client.ts.',
  },
  {
    name: 'cli/commands',
    files: ['apps/cli/src/commands/**'],
    imports: ['cli/parts', 'shared'],
    hint: 'The CLI talks to a server only over HTTP: wire shapes are in packages/shared, requests in apps/cli/src/client.ts.',
  },
  {
    name: 'cli/parts',
    files: ['apps/cli/src/*.ts'],
    imports: ['shared'],
    hint: 'What commands share imports no command. The CLI talks to a server only over HTTP: wire shapes are in packages/shared, requests in apps/cli/src/client.ts.',
  },

  {
    name: 'web/lib',
    files: [`${web}/lib/**`],
    imports: ['shared'],
    hint: 'lib/ is the lowest layer of the dashboard: it imports the wire shapes of packages/shared, and no component, page or server code.',
  },
  {
    name: 'web/ui',
    files: [`${web}/ui/**`],
    imports: ['web/lib', 'shared'],
    hint: 'A component in ui/ shows what a page passes to it, and imports no page.',
  },
  {
    name: 'web/features',
    files: [`${web}/features/*/**`],
    imports: ['web/ui', 'web/lib', 'shared'],
    hint: 'A feature never imports another: shared components belong in ui/, shared requests in lib/, and app/ combines features.',
  },
  {
    name: 'web/app',
    files: [`${web}/app/**`, `${web}/*.{ts,tsx}`],
    imports: ['web/*', 'shared'],
    hint: 'The dashboard imports the wire shapes of packages/shared, never server code.',
  },

  {
    name: 'local stack',
    files: ['supabase/local/**'],
    imports: [],
    hint: 'supabase/local starts Postgres, Supabase and the API as processes: it imports no code of the product.',
  },
  {
    name: 'backup',
    files: ['supabase/backup/**'],
    imports: ['pipeline/parts', 'shared', 'local stack'],
    hint: 'supabase/backup reads and writes a database with SQL and the programs of PostgreSQL, and starts the API as a process.',
  },
  {
    name: 'database checks',
    files: ['supabase/{tests,tools}/**'],
    imports: ['local stack'],
    hint: 'The checks of the database use SQL and the local stack.',
  },

  {
    name: 'chaos/runs',
    files: ['chaos/src/{cases,main}.ts', 'chaos/*.ts'],
    imports: ['chaos', 'chaos/cases'],
    hint: 'cases.ts lists the cases; what a case needs belongs in chaos/src.',
  },
  {
    name: 'chaos/cases',
    files: ['chaos/src/cases/**'],
    imports: ['chaos', 'pipeline/*', 'shared', 'local stack', 'backup'],
    hint: 'A case imports from chaos/src, never from another case, and runs the API as a process.',
  },
  {
    name: 'chaos',
    files: ['chaos/src/**'],
    imports: ['pipeline/*', 'shared', 'local stack'],
    hint: 'What cases share imports no case, and runs the API as a process.',
  },
  {
    name: 'bench',
    files: ['bench/src/**', 'bench/peers/**'],
    imports: ['api/platform', 'api/deliveries', 'chaos', 'pipeline/*', 'shared', 'local stack'],
    hint: 'A benchmark measures the API as a process, or only its writer (deliveries/).',
  },
  {
    name: 'e2e',
    files: ['e2e/**'],
    imports: ['web mock', 'shared', 'local stack'],
    hint: 'A journey uses the product through its pages, HTTP and SQL only.',
  },
  {
    name: 'scripts',
    files: ['scripts/**'],
    imports: ['pipeline/*', 'shared', 'local stack'],
    hint: 'A script starts the product as a process.',
  },
  {
    name: 'settings of tools',
    files: ['*.config.ts', 'apps/*/*.config.ts'],
    imports: [],
    hint: 'Settings of tools import packages only.',
  },
];

/** A restriction on single files or packages, which layers cannot express. */
export interface Restriction {
  /** The restricted files … */
  files: readonly string[];
  /** … except these. */
  except?: readonly string[];
  /** The files of the repository and the packages (`pg`, `node:fs`) that they must not import. */
  never?: readonly string[];
  /** The only packages that they may import. */
  onlyPackages?: readonly string[];
  hint: string;
}

const sourceOf = (folder: string): Pick<Restriction, 'files' | 'except'> => ({
  files: [`${folder}/**`],
  except: [`${folder}/**/*.test.{ts,tsx}`, `${folder}/test/**`],
});
const hono = ['hono', 'hono/**', 'hono-openapi', '@hono/**'];
const http = [`${api}/platform/problem.ts`, ...hono, `${api}/platform/{auth,requests,openapi-parts}.ts`, `${api}/*/{routes,openapi}.ts`];

/** Packages that only one file may import, and imports that some files must not have. */
export const restrictions: readonly Restriction[] = [
  {
    ...sourceOf('packages/shared/src'),
    onlyPackages: ['zod'],
    hint: 'packages/shared runs in the browser, Node and Deno: it imports zod and its own files.',
  },
  {
    ...sourceOf(pipeline),
    onlyPackages: ['zod', 'libphonenumber-js/**', 'node:crypto', 'node:buffer'],
    hint: 'packages/pipeline is pure and runs on Node and Deno: no database, no HTTP framework, no files. I/O belongs in apps/api; pass clocks and keys as arguments.',
  },
  {
    files: [`${api}/**`],
    except: [`${api}/platform/db.ts`, `${api}/**/*.test.ts`, `${api}/test/**`],
    never: ['pg', 'pg/**'],
    hint: 'The pg driver belongs to apps/api/src/platform/db.ts: take a Db or Sql as an argument.',
  },
  {
    files: [`${api}/**`],
    except: [`${api}/platform/outbound.ts`, `${api}/**/*.test.ts`, `${api}/test/**`],
    never: ['undici', 'undici/**'],
    hint: 'Requests to addresses that people typed go through apps/api/src/platform/outbound.ts (createOutbound), which checks and pins the address: take an Outbound as an argument.',
  },
  {
    ...sourceOf(api),
    never: ['@supabase/**'],
    hint: 'The API uses no Supabase package: it reaches Supabase through platform/config.ts and platform/db.ts only.',
  },
  {
    files: [`${api}/**/store.ts`],
    never: http,
    hint: 'A store holds SQL and no HTTP: return rows and let routes.ts answer.',
  },
  {
    files: [`${api}/**/jobs.ts`, `${api}/{deliveries,leases}/**`],
    except: [`${api}/**/*.test.ts`],
    never: http,
    hint: 'Background work, deliveries/ and leases/ contain no HTTP: routes.ts reads the request and answers.',
  },
  {
    ...sourceOf('apps/cli/src'),
    never: ['pg', 'pg/**', '@supabase/**'],
    hint: 'The CLI talks to a server only over HTTP: requests belong in apps/cli/src/client.ts.',
  },
  {
    ...sourceOf(web),
    never: ['node:**'],
    hint: 'The dashboard runs in a browser, which has no Node modules.',
  },
  {
    files: [`${web}/**`],
    except: [`${web}/ui/charts.tsx`, `${web}/**/*.test.{ts,tsx}`],
    never: ['recharts', 'recharts/**', '@mantine/charts'],
    hint: 'Use the charts of ui/charts.tsx, which have a table for screen readers.',
  },
  {
    files: [`${web}/**`],
    except: [`${web}/lib/supabase.ts`, `${web}/lib/session.ts`, `${web}/**/*.test.{ts,tsx}`],
    never: ['@supabase/**'],
    hint: 'Only lib/supabase.ts and lib/session.ts import Supabase: use what they export.',
  },
];
