import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

interface Entry {
  version?: string;
  integrity?: string;
  resolved?: string;
  link?: boolean;
}

const root = join(import.meta.dirname, '..');
const readJson = <T>(file: string) => JSON.parse(readFileSync(join(root, file), 'utf8')) as T;
const { packages } = readJson<{ packages: Record<string, Entry> }>('package-lock.json');
const installed = Object.entries(packages).filter(([path, entry]) => path.includes('node_modules/') && !entry.link);

/** Binaries of the Supabase CLI for other platforms. The registry from which the lockfile was made does not have this version of them. */
const withoutIntegrity = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm64',
  'linux-arm64-musl',
  'linux-x64-musl',
  'windows-arm64',
  'windows-x64',
].map((platform) => `node_modules/@supabase/cli-${platform}`);

it('the lockfile has the hash of every package, so that an installation refuses a package that was replaced', () => {
  expect(installed.length).toBeGreaterThan(500);
  const missing = installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path);
  expect(missing).toEqual(withoutIntegrity);
});

it('the lockfile names no address of a download, so that each installation uses the registry of its own configuration', () => {
  expect(installed.filter(([, { resolved }]) => resolved)).toEqual([]);
});

it('every manifest names exact versions', () => {
  const manifests = [
    'package.json',
    ...Object.keys(packages)
      .filter((path) => path && !path.includes('node_modules/'))
      .map((path) => `${path}/package.json`),
  ];
  expect(manifests.length).toBeGreaterThan(5);
  const loose = manifests.flatMap((file) => {
    const manifest = readJson<Record<string, Record<string, string> | undefined>>(file);
    return ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
      Object.entries(manifest[kind] ?? {})
        .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        .map(([name, version]) => `${file}: ${name}@${version}`),
    );
  });
  expect(loose).toEqual([]);
});
