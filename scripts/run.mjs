// Runs a TypeScript file with the Node that this repository brings along, after installing what is missing.
// Plain JavaScript for Node 20 without dependencies: it runs before anything is installed.
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

/** True when node_modules holds what package-lock.json asks for, whoever installed it. */
function isInstalled() {
  if (!existsSync(bundledNode)) return false;
  const hash = hashOfLock();
  if (readText(installedMark) === hash) return true;
  try {
    // npm's own record of what it installed, written when it had finished
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
    // somebody else's clone: only slower to check the next time
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

/** One install at a time: the file names the process that installs; one whose process is gone is taken over. */
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
  // between its creation and its content the file is empty
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
    if (!told) console.log('Waiting for the installation that another start is doing …');
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 300));
    if (!existsSync(installing) && isInstalled()) return;
  }
  const release = () => rmSync(installing, { force: true });
  process.once('exit', release);
  if (isInstalled()) return release();
  console.log('Installing what is missing (npm install), which takes a minute the first time …');
  // through npm's own file when npm started us, so that it is the same npm
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const [command, ...first] = npm;
  // not `npm ci`: it refuses a lock file that lacks another platform's optional binaries. Without saving, the lock file decides and stays as it is.
  const args = [...first, 'install', '--no-save', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const code = await new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...environment, PATH: process.env.PATH },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    forwardSignals(child);
    child.once('error', (error) => fail(`npm could not be run (${error.message}); it comes with Node.js and is needed once, to install.`));
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
// npm passes a SIGTERM on to its shell only, and a killed npm passes on nothing: whoever started us through npm is gone then, and so must we be
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
