// Checks every import of the repository against scripts/layers.ts, and that there is no import cycle.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, matchesGlob, posix } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { type Layer, layers, type Restriction, restrictions } from './layers.ts';

export interface Import {
  /** The importing file, as a path from the root of the repository. */
  from: string;
  line: number;
  /** The imported file, as a path from the root of the repository, or the package as the import names it. */
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

/** Everything that a file imports: static imports, type imports, `import()`, `import('…')` in a type, and re-exports. */
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

/** Returns one sentence for each import that layers.ts forbids, each file that belongs to no layer, and each import cycle. */
export function findViolations(files: readonly string[], imports: readonly Import[]): string[] {
  const unplaced = files
    .filter((file) => !layerOf(file))
    .map((file) => `${file}: belongs to no layer. Name its folder in scripts/layers.ts, with what it may import.`);
  const forbidden = imports.flatMap((one) => [...againstLayers(one), ...againstRestrictions(one)]);
  return [...unplaced, ...forbidden, ...findCycles(imports).map(describeCycle)];
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
      ? folderOf(from, above) === folderOf(to, below)
      : above.imports.some((name) => (name.endsWith('/*') ? below.name.startsWith(name.slice(0, -1)) : below.name === name));
  return isAllowed ? [] : [`${from}:${line}: ${above.name} may not import ${to} (${below.name}). ${above.hint}`];
}

/** The folder that the `*` of the layer's glob stands for; undefined when the files of the layer may all import each other. */
function folderOf(file: string, layer: Layer): string | undefined {
  const glob = layer.files.find((one) => matchesGlob(file, one)) ?? '';
  const place = glob.split('/').indexOf('*');
  return place === -1 ? undefined : file.split('/')[place];
}

function againstRestrictions({ from, line, to, isPackage }: Import): string[] {
  const isBroken = ({ files, except = [], never = [], onlyPackages }: Restriction) =>
    isAmong(from, files) &&
    !isAmong(from, except) &&
    (isAmong(to, never) || (isPackage && onlyPackages !== undefined && !isAmong(to, onlyPackages)));
  return restrictions.filter(isBroken).map(({ hint }) => `${from}:${line}: may not import ${to}. ${hint}`);
}

/** Returns one cycle for each group of files that all reach each other: the shortest one through the first file of the group by name. */
function findCycles(imports: readonly Import[]): string[][] {
  const next = Map.groupBy(
    imports.filter(({ isPackage }) => !isPackage),
    ({ from }) => from,
  );
  const cycles: string[][] = [];
  const covered = new Set<string>();
  for (const start of [...next.keys()].sort()) {
    if (covered.has(start)) continue;
    const cycle = shortestCycle(start, next);
    if (!cycle) continue;
    cycles.push(cycle);
    for (const file of cycle) covered.add(file);
  }
  return cycles;
}

function shortestCycle(start: string, next: ReadonlyMap<string, readonly Import[]>): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const file of queue) {
    for (const { to } of next.get(file) ?? []) {
      if (to === start) {
        const path = [file];
        for (let step = cameFrom.get(file); step !== undefined; step = cameFrom.get(step)) path.unshift(step);
        return path;
      }
      if (!cameFrom.has(to)) {
        cameFrom.set(to, file);
        queue.push(to);
      }
    }
  }
  return undefined;
}

const describeCycle = (cycle: readonly string[]) =>
  `${[...cycle, cycle[0]].join(' → ')}: these files form an import cycle. Move what they share into a file that imports none of them.`;

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  const files = [...new Set(listed.split('\n'))].filter((file) => isSource(file) && existsSync(join(root, file)));
  const imports = files.flatMap((file) => importsOf(file, readFileSync(join(root, file), 'utf8')));
  const violations = findViolations(files, imports);
  for (const violation of violations) console.error(violation);
  console.log(
    violations.length > 0
      ? `${violations.length} problems: scripts/layers.ts says who may import whom.`
      : `${files.length} files, ${imports.length} imports: scripts/layers.ts allows each of them, and there is no import cycle.`,
  );
  process.exitCode = violations.length > 0 ? 1 : 0;
}
