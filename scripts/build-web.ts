import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';

const root = join(import.meta.dirname, '..');
const web = join(root, 'apps', 'web');
const mark = join(web, 'dist', '.built-from');

/** A digest of everything the dashboard is built from: its files, the wire contracts, and the versions of its libraries. */
function digestOfSources(): string {
  const hash = createHash('sha256');
  const files = globSync(['apps/web/{src,public}/**/*', 'apps/web/*.{ts,html,json}', 'packages/shared/src/**/*.ts', 'package-lock.json'], {
    cwd: root,
    withFileTypes: true,
  });
  for (const file of files
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()) {
    hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

/** Builds the dashboard when its sources have changed since the last build. */
async function buildWeb(say: (line: string) => void): Promise<void> {
  const digest = digestOfSources();
  if (existsSync(mark) && readFileSync(mark, 'utf8') === digest) return;
  say('Building the dashboard …');
  await build({ root: web, logLevel: 'warn' });
  writeFileSync(mark, digest);
}

await buildWeb(console.log);
