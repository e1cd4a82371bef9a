// Runs a command's TypeScript source with the current Node when it is new enough, otherwise with the Node that npm installed in the repository.
// This file is plain JavaScript without dependencies because Node 20 must be able to run it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const typescriptNode = 24;

function bundledNode() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
  } catch {
    return '';
  }
}

export async function launch(name) {
  const workspace = join(dirname(fileURLToPath(import.meta.url)), '..');
  const script = join(workspace, 'src', `${name}.ts`);
  if (Number(process.versions.node.split('.')[0]) >= typescriptNode) {
    // The compile cache halves the time to the first output. Where the directory cannot be written, Node goes on without a cache.
    module.enableCompileCache(join(workspace, '..', '..', 'node_modules', '.cache', 'tributary'));
    return import(pathToFileURL(script).href);
  }
  const node = bundledNode();
  if (!existsSync(node)) {
    console.error(`${name} needs Node.js ${typescriptNode}. Run \`npm install\` in the repository first: it installs that version.`);
    process.exit(1);
  }
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  // On Ctrl-C the terminal signals the child as well; the child treats the second signal as a repeat of the first.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    console.error(`The bundled Node.js could not be run: ${error.message}.`);
    process.exit(1);
  });
  child.once('exit', (status) => process.exit(status ?? 1));
}
