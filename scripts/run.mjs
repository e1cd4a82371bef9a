// Runs a TypeScript file with the Node version that npm installs in this repository, after installing missing packages.
// This file is plain JavaScript for Node 20 without dependencies, because it runs before the packages are installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const bundledNode = join(modules, 'node', 'bin', 'node');
const lockFile = join(root, 'package-lock.json');
const installedMark = join(modules, '.tributary-lock');
const installing = join(root, '.local', 'installing');

const environment = {
  ...process.env,
  PATH: `${join(modules, '.bin')}:${process.env.PATH ?? ''}`,
  DO_NOT_TRACK: '1',
  SUPABASE_TELEMETRY_DISABLED: '1',
  LITE_TELEMETRY: '0',
  SCARF_ANALYTICS: 'false',
  SENTRY_DSN: '',
  NEXT_TELEMETRY_DISABLED: '1',
  npm_config_update_notifier: 'false',
};

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

const hashOfLock = () => createHash('sha256').update(readFileSync(lockFile)).digest('hex');

const readText = (file) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

/** True when node_modules contains the packages of package-lock.json, also when they were installed without this script. */
function isInstalled() {
  if (!existsSync(bundledNode)) return false;
  const hash = hashOfLock();
  if (readText(installedMark) === hash) return true;
  try {
    // npm writes this list of installed packages when an installation has finished.
    const present = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')).packages;
    const wanted = Object.entries(JSON.parse(readFileSync(lockFile, 'utf8')).packages);
    const complete = wanted.every(
      ([path, entry]) =>
        !path.includes('node_modules/') ||
        entry.optional ||
        entry.devOptional ||
        entry.peer ||
        entry.link ||
        present[path]?.version === entry.version,
    );
    if (complete) markInstalled(hash);
    return complete;
  } catch {
    return false;
  }
}

function markInstalled(hash) {
  try {
    writeFileSync(installedMark, hash);
  } catch {
    // The clone belongs to another user. Without the mark only the next check is slower.
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Allows one installation at a time: the file contains the id of the installing process. The claim of a process that has ended is taken over. */
function claimInstall() {
  try {
    mkdirSync(dirname(installing), { recursive: true, mode: 0o711 });
  } catch (error) {
    fail(`Nothing can be installed here: ${error.message}.`);
  }
  try {
    const descriptor = openSync(installing, 'wx');
    writeSync(descriptor, String(process.pid));
    closeSync(descriptor);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') fail(`Nothing can be installed here: ${error.message}.`);
  }
  const owner = Number(readText(installing));
  // The file is empty for a moment between its creation and its first write.
  const abandoned = owner ? owner === process.pid || !isAlive(owner) : Date.now() - modifiedAt(installing) > 5000;
  if (abandoned) rmSync(installing, { force: true });
  return false;
}

function modifiedAt(file) {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return Date.now();
  }
}

async function install() {
  let told = false;
  while (!claimInstall()) {
    if (!told) console.log('Waiting for an installation that another process is running …');
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 300));
    if (!existsSync(installing) && isInstalled()) return;
  }
  const release = () => rmSync(installing, { force: true });
  process.once('exit', release);
  if (isInstalled()) return release();
  console.log('Installing missing packages (npm install); the first time this takes about a minute …');
  // When npm started this script, the same npm is used, by its own file.
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const [command, ...first] = npm;
  // `npm ci` would refuse a lock file that lacks another platform's optional binaries. With --no-save the lock file decides and is not changed.
  const args = [...first, 'install', '--no-save', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const code = await new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...environment, PATH: process.env.PATH, TRIBUTARY_COMMAND: 'true' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    forwardSignals(child);
    child.once('error', (error) =>
      fail(`npm could not be run (${error.message}); it comes with Node.js and is needed to install the packages.`),
    );
    child.once('exit', (status, signal) => resolve(signal ? `signal ${signal}` : status));
  });
  if (code !== 0) fail(`npm install failed (${code}); its messages are above. Nothing was started.`);
  if (!existsSync(bundledNode) || spawnSync(bundledNode, ['--version']).status !== 0)
    fail(
      'npm install did not bring the bundled Node: allow the install script of the package "node" (npm config: ignore-scripts must be false) and try again.',
    );
  markInstalled(hashOfLock());
  release();
}

function forwardSignals(child) {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
}

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) fail(`Node.js 20 or newer is needed; this is ${process.versions.node}.`);
if (process.platform === 'win32') fail('Windows is not supported directly; run this inside WSL 2.');
const [script, ...args] = process.argv.slice(2);
if (!script) fail('Usage: node scripts/run.mjs <file.ts> [arguments]');
if (!existsSync(lockFile)) fail('package-lock.json is missing; this must be run in a complete clone.');

if (!isInstalled()) await install();

const child = spawn(bundledNode, [join(root, script), ...args], { stdio: 'inherit', env: environment });
forwardSignals(child);
// npm passes a SIGTERM only to its shell, and a killed npm passes nothing on. When the parent process has ended, this process must end too.
const parent = process.ppid;
if (process.env.npm_lifecycle_event)
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM');
  }, 500).unref();
child.once('error', (error) => fail(`The bundled Node could not be run: ${error.message}.`));
child.once('exit', (status, signal) => {
  if (!signal) process.exit(status ?? 1);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
  process.kill(process.pid, signal);
});
