// Checks every import of the repository against scripts/layers.ts, and that no files import each other in a circle.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, matchesGlob, posix } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { type Layer, layers, type Reservation, reservations } from './layers.ts';

/** Both paths from the root of the repository. */
export interface Import {
  from: string;
  line: number;
  /** A file of the repository, or a package as it is written. */
  to: string;
  isPackage: boolean;
}

const workspaces: Readonly<Record<string, string>> = {
  '@tributary/shared/': 'packages/shared/src/',
  '@tributary/pipeline/': 'packages/pipeline/src/',
  '@tributary/supabase/': 'supabase/',
  '@tributary/web/': 'apps/web/src/',
};
const isSource = (file: string) => /\.(ts|tsx|mts|mjs)$/.test(file);

/** What a file imports: statically, as types only, by `import()`, by `import('…')` in a type, and what it exports again. */
export function importsOf(file: string, text: string): Import[] {
  const { module, program, errors } = parseSync(file, text);
  const [error] = errors;
  if (error) throw new Error(`${file} cannot be parsed: ${error.message}`);
  const found: { start: number; specifier: string }[] = [];
  const add = (source: { start: number; value: unknown }) => {
    if (typeof source.value === 'string') found.push({ start: source.start, specifier: source.value });
  };
  for (const { moduleRequest } of module.staticImports) add(moduleRequest);
  for (const { entries } of module.staticExports) for (const { moduleRequest } of entries) if (moduleRequest) add(moduleRequest);
  new Visitor({
    ImportExpression: ({ source }) => {
      if (source.type === 'Literal') add(source);
    },
    TSImportType: ({ source }) => add(source),
  }).visit(program);
  return found.flatMap(({ start, specifier }): Import[] => {
    const line = text.slice(0, start).split('\n').length;
    const prefix = Object.keys(workspaces).find((name) => specifier.startsWith(name));
    if (prefix) return [{ from: file, line, to: workspaces[prefix] + specifier.slice(prefix.length), isPackage: false }];
    if (!specifier.startsWith('.')) return [{ from: file, line, to: specifier, isPackage: true }];
    const to = posix.join(posix.dirname(file), specifier);
    // Style sheets, manifests and pictures belong to no layer.
    return isSource(to) ? [{ from: file, line, to, isPackage: false }] : [];
  });
}

/** One sentence for each import that stands against the table, each file that it does not name, and each circle. */
export function findViolations(files: readonly string[], imports: readonly Import[]): string[] {
  const unplaced = files
    .filter((file) => !layerOf(file))
    .map((file) => `${file}: belongs to no layer. Name its folder in scripts/layers.ts, with what it may import.`);
  const forbidden = imports.flatMap((one) => [...againstLayers(one), ...againstReservations(one)]);
  return [...unplaced, ...forbidden, ...findCircles(imports).map(describeCircle)];
}

const placed = new Map<string, Layer | undefined>();
function layerOf(file: string): Layer | undefined {
  if (!placed.has(file))
    placed.set(
      file,
      layers.find((layer) => isAmong(file, layer.files)),
    );
  return placed.get(file);
}

const isAmong = (path: string, globs: readonly string[]) => globs.some((glob) => matchesGlob(path, glob));

function againstLayers({ from, line, to, isPackage }: Import): string[] {
  const [above, below] = [layerOf(from), layerOf(to)];
  if (isPackage || !above || !below) return [];
  const isAllowed =
    above === below
      ? roomOf(from, above) === roomOf(to, below)
      : above.imports.some((name) => (name.endsWith('/*') ? below.name.startsWith(name.slice(0, -1)) : below.name === name));
  return isAllowed ? [] : [`${from}:${line}: ${above.name} may not import ${to} (${below.name}). ${above.hint}`];
}

/** The folder in the place of the `*` of the layer's glob; a layer without one is one room. */
function roomOf(file: string, layer: Layer): string | undefined {
  const glob = layer.files.find((one) => matchesGlob(file, one)) ?? '';
  const place = glob.split('/').indexOf('*');
  return place === -1 ? undefined : file.split('/')[place];
}

function againstReservations({ from, line, to, isPackage }: Import): string[] {
  const isBroken = ({ files, except = [], never = [], onlyPackages }: Reservation) =>
    isAmong(from, files) &&
    !isAmong(from, except) &&
    (isAmong(to, never) || (isPackage && onlyPackages !== undefined && !isAmong(to, onlyPackages)));
  return reservations.filter(isBroken).map(({ hint }) => `${from}:${line}: may not import ${to}. ${hint}`);
}

/** For each set of files that all reach each other, the shortest circle through the first of them, by name. */
function findCircles(imports: readonly Import[]): string[][] {
  const next = Map.groupBy(
    imports.filter(({ isPackage }) => !isPackage),
    ({ from }) => from,
  );
  const circles: string[][] = [];
  const covered = new Set<string>();
  for (const start of [...next.keys()].sort()) {
    if (covered.has(start)) continue;
    const circle = shortestWayBack(start, next);
    if (!circle) continue;
    circles.push(circle);
    for (const file of circle) covered.add(file);
  }
  return circles;
}

function shortestWayBack(start: string, next: ReadonlyMap<string, readonly Import[]>): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const file of queue) {
    for (const { to } of next.get(file) ?? []) {
      if (to === start) {
        const way = [file];
        for (let step = cameFrom.get(file); step !== undefined; step = cameFrom.get(step)) way.unshift(step);
        return way;
      }
      if (!cameFrom.has(to)) {
        cameFrom.set(to, file);
        queue.push(to);
      }
    }
  }
  return undefined;
}

const describeCircle = (circle: readonly string[]) =>
  `${[...circle, circle[0]].join(' → ')}: these files import each other in a circle. Move what they share into a file that imports none of them.`;

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  const files = [...new Set(listed.split('\n'))].filter((file) => isSource(file) && existsSync(join(root, file)));
  const imports = files.flatMap((file) => importsOf(file, readFileSync(join(root, file), 'utf8')));
  const violations = findViolations(files, imports);
  for (const violation of violations) console.error(violation);
  console.log(
    violations.length > 0
      ? `${violations.length} imports or files stand against scripts/layers.ts.`
      : `${files.length} files, ${imports.length} imports: each keeps to its layer, and none goes in a circle.`,
  );
  process.exitCode = violations.length > 0 ? 1 : 0;
}
