/** Files that stand on one floor: what they may import is said once, for all of them, type imports included. */
export interface Layer {
  /** As `imports` and messages call it. */
  name: string;
  /**
   * Globs from the root of the repository; a file belongs to the first layer that has one for it. A `*` in the place of a folder makes each
   * such folder a room: a room imports its own files and no other room of the layer.
   */
  files: readonly string[];
  /** Layers that its files may import besides their own; `api/*` names every layer whose name starts with `api/`. */
  imports: readonly string[];
  /** Where the code belongs that an import outside of `imports` wants. */
  hint: string;
}

const api = 'apps/api/src';
const pipeline = 'packages/pipeline/src';
const web = 'apps/web/src';

const tests = 'A test uses its own workspace, the packages below it and the local stack.';
const apiCommands = 'Commands and composition stand above everything: pass what a layer below needs as an argument.';

/** Who may import whom, workspace by workspace, the lowest layer first. Nothing else says so: `biome.json` has no rule for imports. */
export const layers: readonly Layer[] = [
  // Tests and their harnesses see all of their own workspace.
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
    imports: ['api/*', 'pipeline/*', 'pipeline tests', 'shared', 'local stack'],
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
    hint: 'The mock answers in the wire shapes of packages/shared, for component tests and for the looks in e2e/: it knows no page.',
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
    hint: 'A source knows the contract (source.ts) and the wings, never another source: what two sources prove belongs to proofs/, what they read to reading/.',
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
    hint: 'A proof serves every source, so it knows none of them.',
  },
  {
    name: 'pipeline/parts',
    files: [`${pipeline}/**`],
    imports: ['shared'],
    hint: 'The pipeline knows the contract of a source (source.ts), never a source: put what it needs into the contract. Clocks, keys and I/O are arguments.',
  },

  {
    name: 'api/platform',
    files: [`${api}/platform/**`],
    imports: ['pipeline/parts', 'shared'],
    hint: 'platform/ is the engine and knows no product: take what you need as an argument, or put the file beside what it imports.',
  },
  {
    name: 'api/tenancy',
    files: [`${api}/tenancy/**`],
    imports: ['api/platform', 'pipeline/parts', 'shared'],
    hint: 'tenancy/ says whose a request is and knows no feature: take what you need as an argument.',
  },
  {
    name: 'api/leases',
    files: [`${api}/leases/**`],
    imports: ['api/platform', 'shared'],
    hint: 'leases/ is one machine for every kind of long work: what is specific to one of them is passed in by it.',
  },
  {
    name: 'api/deliveries',
    files: [`${api}/deliveries/**`],
    imports: ['api/tenancy', 'api/platform', 'pipeline/*', 'shared'],
    hint: 'deliveries/ serves the features and knows none: what a delivery needs of a feature is an argument, what two features share moves here.',
  },
  {
    name: 'api/operate',
    files: [`${api}/operate/**`],
    imports: ['api/features', 'api/deliveries', 'api/leases', 'api/tenancy', 'api/platform', 'shared'],
    hint: 'operate/ watches the features from above and stands beside dashboard/ and reference/: it imports neither.',
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
    hint: 'reference/ reads what the mounted routes say of themselves: describe a route in the openapi.ts of its feature.',
  },
  {
    name: 'api/features',
    files: [`${api}/*/**`],
    imports: ['api/deliveries', 'api/leases', 'api/tenancy', 'api/platform', 'pipeline/*', 'shared'],
    hint: 'One feature never reaches into another: what two share belongs to deliveries/, leases/, tenancy/ or platform/, or is passed in by app.ts.',
  },
  { name: 'api/services', files: [`${api}/services.ts`], imports: ['api/*', 'shared'], hint: apiCommands },
  { name: 'api/commands', files: [`${api}/*.ts`, 'apps/api/main.mjs'], imports: ['api/*', 'pipeline/*', 'shared'], hint: apiCommands },

  {
    name: 'cli/programs',
    files: ['apps/cli/src/{programs,tributary,replayctl,dlqtriage}.ts', 'apps/cli/bin/**'],
    imports: ['cli/*', 'shared'],
    hint: 'The CLI knows a server by HTTP only: wire shapes are in packages/shared, requests in apps/cli/src/client.ts.',
  },
  {
    name: 'cli/commands',
    files: ['apps/cli/src/commands/**'],
    imports: ['cli/parts', 'shared'],
    hint: 'The CLI knows a server by HTTP only: wire shapes are in packages/shared, requests in apps/cli/src/client.ts.',
  },
  {
    name: 'cli/parts',
    files: ['apps/cli/src/*.ts'],
    imports: ['shared'],
    hint: 'What commands share knows no command. A server is known by HTTP only: wire shapes are in packages/shared, requests in apps/cli/src/client.ts.',
  },

  {
    name: 'web/lib',
    files: [`${web}/lib/**`],
    imports: ['shared'],
    hint: 'lib/ is the ground floor of the dashboard: it knows the wire shapes of packages/shared and nothing of the server, of components or of pages.',
  },
  {
    name: 'web/ui',
    files: [`${web}/ui/**`],
    imports: ['web/lib', 'shared'],
    hint: 'ui/ shows what it is given: a page passes in what it knows.',
  },
  {
    name: 'web/features',
    files: [`${web}/features/*/**`],
    imports: ['web/ui', 'web/lib', 'shared'],
    hint: 'One feature never reaches into another: what two of them show belongs to ui/, what two of them ask to lib/, and app/ puts them together.',
  },
  {
    name: 'web/app',
    files: [`${web}/app/**`, `${web}/*.{ts,tsx}`],
    imports: ['web/*', 'shared'],
    hint: 'The dashboard knows the wire shapes of packages/shared and the answers of the API, nothing of the server.',
  },

  {
    name: 'local stack',
    files: ['supabase/local/**'],
    imports: [],
    hint: 'supabase/local starts Postgres and Supabase for everybody: it knows no product, which is started as a process.',
  },
  {
    name: 'database checks',
    files: ['supabase/{tests,tools}/**'],
    imports: ['local stack'],
    hint: 'The checks of the database know SQL and the local stack.',
  },

  {
    name: 'chaos/runs',
    files: ['chaos/src/{cases,main}.ts', 'chaos/*.ts'],
    imports: ['chaos', 'chaos/cases'],
    hint: 'cases.ts lists the cases; what a case needs is in chaos/src.',
  },
  {
    name: 'chaos/cases',
    files: ['chaos/src/cases/**'],
    imports: ['chaos', 'pipeline/*', 'shared', 'local stack'],
    hint: 'A case imports what is common to cases from chaos/src, and meets the API as a process.',
  },
  {
    name: 'chaos',
    files: ['chaos/src/**'],
    imports: ['pipeline/*', 'shared', 'local stack'],
    hint: 'What cases have in common knows no case, and meets the API as a process.',
  },
  {
    name: 'bench',
    files: ['bench/src/**'],
    imports: ['api/platform', 'api/deliveries', 'chaos', 'pipeline/*', 'shared', 'local stack'],
    hint: 'A benchmark measures the API as a process, or its writer (deliveries/) by itself.',
  },
  {
    name: 'e2e',
    files: ['e2e/**'],
    imports: ['web mock', 'shared', 'local stack'],
    hint: 'A journey knows the product by its pages, HTTP and SQL only.',
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

/** A further prohibition for single files, or on packages, that the floors do not express. */
export interface Reservation {
  /** For these files … */
  files: readonly string[];
  /** … but not for these. */
  except?: readonly string[];
  /** … no import of these files of the repository or packages (`pg`, `node:fs`). */
  never?: readonly string[];
  /** … no import of a package but these. */
  onlyPackages?: readonly string[];
  hint: string;
}

const sourceOf = (folder: string): Pick<Reservation, 'files' | 'except'> => ({
  files: [`${folder}/**`],
  except: [`${folder}/**/*.test.{ts,tsx}`, `${folder}/test/**`],
});
const hono = ['hono', 'hono/**', 'hono-openapi', '@hono/**'];
const http = [`${api}/platform/problem.ts`, ...hono, `${api}/platform/{auth,requests,openapi-parts}.ts`, `${api}/*/{routes,openapi}.ts`];

/** What belongs to one file only, and what may not be had somewhere at all. */
export const reservations: readonly Reservation[] = [
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
    hint: 'Requests to addresses that people typed go through apps/api/src/platform/outbound.ts (createOutbound), which checks and pins where they lead: take an Outbound as an argument.',
  },
  {
    ...sourceOf(api),
    never: ['@supabase/**'],
    hint: 'The API meets Supabase through platform/config.ts and platform/db.ts only.',
  },
  {
    files: [`${api}/**/store.ts`],
    never: http,
    hint: 'A store holds SQL and knows no HTTP: return rows and let routes.ts answer.',
  },
  {
    files: [`${api}/**/jobs.ts`, `${api}/{deliveries,leases}/**`],
    except: [`${api}/**/*.test.ts`],
    never: http,
    hint: 'Background work and deliveries/ know no HTTP: routes.ts reads the request and answers.',
  },
  {
    ...sourceOf('apps/cli/src'),
    never: ['pg', 'pg/**', '@supabase/**'],
    hint: 'The CLI knows a server by HTTP only: requests belong to apps/cli/src/client.ts.',
  },
  {
    ...sourceOf(web),
    never: ['node:**'],
    hint: 'The dashboard runs in a browser.',
  },
  {
    files: [`${web}/**`],
    except: [`${web}/ui/charts.tsx`, `${web}/**/*.test.{ts,tsx}`],
    never: ['recharts', 'recharts/**', '@mantine/charts'],
    hint: 'Charts come from ui/charts.tsx, with their table for screen readers.',
  },
  {
    files: [`${web}/**`],
    except: [`${web}/lib/supabase.ts`, `${web}/lib/session.ts`, `${web}/**/*.test.{ts,tsx}`],
    never: ['@supabase/**'],
    hint: 'Supabase belongs to lib/supabase.ts and lib/session.ts.',
  },
];
