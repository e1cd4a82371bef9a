// Runs a command's TypeScript with a Node that can: this one when it is new enough, else the one that the repository brings along.
// Plain JavaScript for Node 20 without dependencies.
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
    // halves the time to the first word; where it cannot be written nothing is cached
    module.enableCompileCache(join(workspace, '..', '..', 'node_modules', '.cache', 'tributary'));
    return import(pathToFileURL(script).href);
  }
  const node = bundledNode();
  if (!existsSync(node)) {
    console.error(`${name} needs Node.js ${typescriptNode}, which npm install brings along: run it in the repository first.`);
    process.exit(1);
  }
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  // Ctrl-C reaches the child from the terminal as well; it takes repeats for one
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    console.error(`The bundled Node.js could not be run: ${error.message}.`);
    process.exit(1);
  });
  child.once('exit', (status) => process.exit(status ?? 1));
}
