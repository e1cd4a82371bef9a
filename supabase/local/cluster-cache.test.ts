import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clusterKey, restoreCluster, saveCluster } from './cluster-cache.ts';

const home = { bin: '/nowhere', version: '17.5.0' };
let scratch: string;
let cache: string;
let cluster: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cluster-cache-'));
  cache = join(scratch, 'cache');
  cluster = join(scratch, 'cluster');
  mkdirSync(join(cluster, 'base'), { recursive: true });
  writeFileSync(join(cluster, 'base', '1'), 'rows');
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const entries = () => readdirSync(cache).sort();
const setAge = (name: string, hours: number) => {
  const then = new Date(Date.now() - hours * 3_600_000);
  utimesSync(join(cache, name), then, then);
};

describe('the key of a cluster', () => {
  it('changes only with the name or text of a migration and with the version of PostgreSQL', () => {
    const migrations = join(scratch, 'migrations');
    mkdirSync(migrations);
    writeFileSync(join(migrations, '20260101000001_a.sql'), 'select 1;');
    const first = clusterKey(home, migrations);
    expect(clusterKey({ ...home, bin: '/elsewhere' }, migrations)).toBe(first);
    expect(clusterKey({ ...home, version: '17.6.0' }, migrations)).not.toBe(first);
    writeFileSync(join(migrations, '20260101000001_a.sql'), 'select 2;');
    const changed = clusterKey(home, migrations);
    writeFileSync(join(migrations, '20260101000002_b.sql'), 'select 3;');
    expect(new Set([first, changed, clusterKey(home, migrations)]).size).toBe(3);
  });
});

describe('the cache of clusters', () => {
  it('returns a private copy and its password, and undefined for another key', () => {
    saveCluster('one', cluster, 'secret', home, cache);
    const copy = join(scratch, 'copy');
    expect(restoreCluster('two', copy, home, cache)).toBeUndefined();
    expect(existsSync(copy)).toBe(false);
    expect(restoreCluster('one', copy, home, cache)).toBe('secret');
    expect(readFileSync(join(copy, 'base', '1'), 'utf8')).toBe('rows');
    expect(statSync(copy).mode & 0o777).toBe(0o700);
    writeFileSync(join(copy, 'base', '1'), 'other rows');
    const another = join(scratch, 'another');
    restoreCluster('one', another, home, cache);
    expect(readFileSync(join(another, 'base', '1'), 'utf8')).toBe('rows');
  });

  it('keeps the first of two runs that save the same cluster, and neither fails', () => {
    saveCluster('one', cluster, 'first', home, cache);
    saveCluster('one', cluster, 'second', home, cache);
    expect(entries()).toEqual(['one']);
    expect(restoreCluster('one', join(scratch, 'copy'), home, cache)).toBe('first');
  });

  it('keeps four clusters, and those that were used within the last ten minutes', () => {
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) saveCluster(key, cluster, 'secret', home, cache);
    expect(entries()).toHaveLength(6);
    for (const [hours, key] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) setAge(key, hours + 1);
    restoreCluster('f', join(scratch, 'copy'), home, cache);
    saveCluster('g', cluster, 'secret', home, cache);
    expect(entries()).toEqual(['a', 'b', 'f', 'g']);
  });

  it('never returns an entry that a killed run was saving, and removes it after an hour', () => {
    mkdirSync(join(cache, 'one.partial-0a0b0c0d', 'data'), { recursive: true });
    expect(restoreCluster('one', join(scratch, 'copy'), home, cache)).toBeUndefined();
    saveCluster('two', cluster, 'secret', home, cache);
    expect(entries()).toEqual(['one.partial-0a0b0c0d', 'two']);
    setAge('one.partial-0a0b0c0d', 2);
    saveCluster('three', cluster, 'secret', home, cache);
    expect(entries()).toEqual(['three', 'two']);
  });

  it('is not changed by a user who may not write there, and causes no error', () => {
    writeFileSync(cache, 'a file where the directory would be');
    saveCluster('one', cluster, 'secret', home, cache);
    expect(restoreCluster('one', join(scratch, 'copy'), home, cache)).toBeUndefined();
  });
});
