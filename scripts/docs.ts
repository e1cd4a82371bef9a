import { readFileSync, writeFileSync } from 'node:fs';
import { renderCanonicalDoc } from '../packages/shared/src/canonical-doc.ts';

/** Pages that are generated from code. `--check` writes nothing and fails when a page is stale. */
const pages: { path: string; render: () => string }[] = [{ path: 'docs/canonical-events.md', render: renderCanonicalDoc }];

const check = process.argv.includes('--check');
let stale = 0;
for (const page of pages) {
  const file = new URL(`../${page.path}`, import.meta.url);
  const wanted = page.render();
  if (read(file) === wanted) continue;
  if (check) {
    stale += 1;
    console.error(`${page.path} is stale: run "npm run docs:generate" and commit the result.`);
  } else {
    writeFileSync(file, wanted);
    console.log(`wrote ${page.path}`);
  }
}
process.exitCode = stale > 0 ? 1 : 0;

function read(file: URL): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
