import { describe, expect, it } from 'vitest';
import { partOf, readConfig } from './config.ts';

const environment = {
  DATABASE_URL: 'postgresql://tributary_api:x@db.project.supabase.co:5432/postgres',
  SUPABASE_URL: 'https://project.supabase.co/',
  SUPABASE_PUBLISHABLE_KEY: 'sb_publishable_x',
  SUPABASE_JWT_SECRET: 'a secret of at least thirty-two characters',
  MASTER_KEY: Buffer.alloc(32).toString('base64'),
  OPERATOR_TOKEN: 'an operator token for tests',
};
const read = (more: Record<string, string>) => readConfig({ ...environment, ...more });

describe('settings that are not given', () => {
  it('encrypt and verify the connection to a database on another host', () => {
    expect(read({}).database.tls).toBe('verify');
    for (const host of ['db', '10.0.0.5', '127.0.0.1.example.com', 'localhost.example.com', '[::2]'])
      expect(read({ DATABASE_URL: `postgresql://u:p@${host}/postgres` }).database.tls, host).toBe('verify');
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '127.8.9.1'])
      expect(read({ DATABASE_URL: `postgresql://u:p@${host}:5432/postgres` }).database.tls, host).toBe('off');
    expect(read({ DATABASE_URL: 'postgresql://u:p@localhost/postgres?host=db.example.com' }).database.tls).toBe('verify');
    expect(read({ DATABASE_URL: 'postgresql://u:p@localhost/postgres?host=/var/run/postgresql' }).database.tls).toBe('off');
    for (const tls of ['off', 'on'] as const) expect(read({ DATABASE_TLS: tls }).database.tls).toBe(tls);
  });

  it('require tokens of the Supabase project, except of one on the same host', () => {
    expect(read({}).jwt.issuer).toBe('https://project.supabase.co/auth/v1');
    expect(read({ SUPABASE_JWT_ISSUER: 'https://auth.example.com' }).jwt.issuer).toBe('https://auth.example.com');
    expect(read({ SUPABASE_JWT_ISSUER: 'any' }).jwt.issuer).toBeUndefined();
    expect(read({ SUPABASE_URL: 'http://127.0.0.1:54321' }).jwt.issuer).toBeUndefined();
  });

  it('forbid requests to private networks', () => {
    for (const HOST of ['127.0.0.1', '0.0.0.0', '::']) expect(read({ HOST }).outboundAllowPrivate).toBe(false);
  });
});

it('are refused when they let others reach the private network through this server, unless that is said in full', () => {
  expect(read({ OUTBOUND_ALLOW_PRIVATE: 'true' }).outboundAllowPrivate).toBe(true);
  for (const HOST of ['0.0.0.0', '::', '10.1.2.3', 'api.example.com']) {
    expect(() => read({ HOST, OUTBOUND_ALLOW_PRIVATE: 'true' })).toThrow('OUTBOUND_ALLOW_PRIVATE and HOST');
    expect(read({ HOST, OUTBOUND_ALLOW_PRIVATE: 'even-on-a-public-address' }).outboundAllowPrivate).toBe(true);
  }
});

describe('several processes', () => {
  it.each([1, 2, 3, 7, 16])('divide the jobs and the database connections of people: %d processes', (processes) => {
    const config = read({ API_PROCESSES: String(processes), JOBS_CONCURRENCY: '5' });
    const parts = Array.from({ length: processes }, (_, slot) => partOf(config, slot));
    expect(parts.reduce((sum, { jobs }) => sum + jobs.concurrency, 0)).toBe(5);
    const ofPeople = parts.reduce((sum, { people }) => sum + people.turns.running.all, 0);
    expect(ofPeople).toBeGreaterThanOrEqual(10);
    expect(ofPeople).toBeLessThanOrEqual(Math.max(10 + processes, 3 * processes));
    // What bounds the memory of a process is the same for each.
    for (const part of parts) expect(part.writer).toEqual(config.writer);
  });

  it('are at least one by default, and a process that was started alone has everything', () => {
    const config = read({});
    expect(config.processes).toBeGreaterThanOrEqual(1);
    expect(partOf(config, undefined)).toBe(config);
  });
});
