import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

// Checks that every path, link, script and variable that the documents name exists.

const root = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const documents = ['.env.example', ...globSync(['*.md', '{docs,ops,chaos}/**/*.md'], { cwd: root })];
const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts);
/** Directories that are made by running the product and are not part of the repository. */
const generated = /^(\.local|node_modules)\//;

const problems = documents.flatMap((document) => {
  if (!existsSync(join(root, document))) return [`${document} is missing`];
  return read(document)
    .split('\n')
    .flatMap((line, index) => wrongIn(document, line).map((problem) => `${document}:${index + 1}  ${problem}`));
});
problems.push(...undocumentedVariables());
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${documents.length} documents: every path, link, script and variable that they name exists.`);
process.exitCode = problems.length > 0 ? 1 : 0;

function wrongIn(document: string, line: string): string[] {
  const links = [...line.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].flatMap(([, target = '']) => wrongLink(document, target));
  const paths = [...line.matchAll(/`([^`\s]+)`/g)].flatMap(([, text = '']) => wrongPath(text));
  const names = [...line.matchAll(/\bnpm run ([\w:-]+)/g)].flatMap(([, name = '']) =>
    scripts.includes(name) ? [] : [`npm run ${name} is not a script of package.json`],
  );
  return [...links, ...paths, ...names];
}

function wrongLink(document: string, target: string): string[] {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? document : relative(root, join(root, dirname(document), path));
  if (!existsSync(join(root, file))) return [`links to ${target}, which does not exist`];
  if (!anchor || !file.endsWith('.md') || headings(file).includes(anchor)) return [];
  return [`links to ${target}, but ${file} has no such heading`];
}

/** A code span counts as a path of this repository when it begins with a top-level directory. */
function wrongPath(text: string): string[] {
  const path = text.replace(/:\d+(-\d+)?$/, '').replace(/<[^>]*>/g, '*');
  const [first = ''] = path.split('/');
  if (!path.includes('/') || generated.test(path) || !/^[.\w]/.test(first) || !existsSync(join(root, first))) return [];
  return globSync(path, { cwd: root }).length > 0 ? [] : [`names ${text}, which does not exist`];
}

/** The anchors of the headings, as GitHub makes them. */
function headings(file: string): string[] {
  return [...read(file).matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}

/** .env.example must explain exactly the variables that the API reads. */
function undocumentedVariables(): string[] {
  const tables = ['config.ts', 'limits.ts'].map((file) => read(`apps/api/src/platform/${file}`)).join('\n');
  const known = [...tables.matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(([, name = '']) => name);
  const explained = [...read('.env.example').matchAll(/^#? ?([A-Z][A-Z0-9_]+)=/gm)].map(([, name = '']) => name);
  const local = ['SUPABASE_PORT', 'DB_PORT', 'LOCAL_DIR', 'NODE_EXTRA_CA_CERTS'];
  return [
    ...known.filter((name) => !explained.includes(name)).map((name) => `.env.example does not explain ${name}`),
    ...explained
      .filter((name) => !known.includes(name) && !local.includes(name))
      .map((name) => `.env.example explains ${name}, which the API does not read`),
  ];
}
