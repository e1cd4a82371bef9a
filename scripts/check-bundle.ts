import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import { examineBundle, initialBytesMax, kB } from './bundle.ts';

// Builds the dashboard into a temporary directory, with a marker in every setting of the server, and examines the result.

const root = join(import.meta.dirname, '..');
const web = join(root, 'apps', 'web');

const settings = readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^(?:# )?([A-Z][A-Z0-9_]+)=/gm);
const markers = Object.fromEntries([...settings].map(([, name]) => [name as string, `marker-${randomUUID()}`]));
Object.assign(process.env, markers);

const router = join(web, 'src', 'app', 'router.tsx');
const pages = [...readFileSync(router, 'utf8').matchAll(/import\('(\.[^']+)'\)/g)].map(([, file]) => resolve(router, '..', file as string));
if (pages.length === 0) throw new Error(`no page was found in ${router}`);

const directory = mkdtempSync(join(tmpdir(), 'tributary-bundle-'));
try {
  const built = await build({ root: web, logLevel: 'warn', build: { outDir: directory, emptyOutDir: true } });
  if (!('output' in built)) throw new Error('Vite returned no single output');
  const report = examineBundle(built.output, { pages: [...new Set(pages)], markers });
  console.log(`initial script: ${kB(report.initialBytes)} gzip, at most ${kB(initialBytesMax)}`);
  console.log('loaded in addition when a page is opened:');
  for (const [page, bytes] of [...report.pages].sort((a, b) => b[1] - a[1]))
    console.log(`  ${kB(bytes).padStart(9)}  ${page.slice(web.length + 1)}`);
  for (const finding of report.findings) console.error(`✗ ${finding.replaceAll(`${web}/`, '')}`);
  process.exitCode = report.findings.length > 0 ? 1 : 0;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
