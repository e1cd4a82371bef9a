import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CliStack, startCliStack } from './test/stack.ts';

let stack: CliStack;
let ana: Awaited<ReturnType<CliStack['makeUser']>>;
let file: string;

beforeAll(async () => {
  stack = await startCliStack();
  ana = await stack.makeUser('ana@example.com');
  file = join(stack.home, '.config', 'tributary', 'credentials.json');
}, 60_000);
afterAll(() => stack?.close());
afterEach(() => rmSync(file, { force: true }));

const kept = () => JSON.parse(readFileSync(file, 'utf8'));
const edit = (change: object) => writeFileSync(file, JSON.stringify({ ...kept(), ...change }), { mode: 0o600 });
const login = (...args: string[]) => stack.run('tributary', ['login', '--url', stack.info.apiUrl, ...args], { bare: true });
const whoami = () => stack.json('tributary', ['whoami'], { bare: true });

/** The same token with an expiry in the past. */
function expired(token: string): string {
  const [head = '', claims = '', signature = ''] = token.split('.');
  const past = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), exp: 1_000_000_000 };
  return [head, Buffer.from(JSON.stringify(past)).toString('base64url'), signature].join('.');
}

describe('tributary login', () => {
  it('signs in by password and stores the login in a file that only its owner can read', async () => {
    expect(await login('--email', ana.email, '--password', ana.password)).toEqual({
      code: 0,
      stdout: `Signed in at ${stack.info.apiUrl} as ${ana.email}.\n`,
      stderr: '',
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
    expect(kept()).toMatchObject({ url: stack.info.apiUrl, supabaseUrl: stack.info.supabaseUrl, email: ana.email });
    expect(readFileSync(file, 'utf8')).not.toContain(ana.password);
    expect(await whoami()).toMatchObject({
      url: stack.info.apiUrl,
      userId: ana.id,
      email: ana.email,
      orgs: [{ id: ana.orgId, role: 'owner' }],
    });
    const shown = await stack.run('tributary', ['whoami'], { bare: true });
    expect(shown.stdout).toMatch(/^user +ana@example\.com$/m);
    expect(shown.stdout).toMatch(/^org +slug +role +id\nOrg of ana@example\.com +\S+ +owner +[0-9a-f-]{36}$/m);
  });

  it('reads the password from standard input and stores the login below XDG_CONFIG_HOME', async () => {
    const env = { XDG_CONFIG_HOME: join(stack.home, 'elsewhere') };
    const args = ['login', '--url', stack.info.apiUrl, '--email', ana.email, '--password-stdin', '--json'];
    const { code, stdout } = await stack.run('tributary', args, { bare: true, env, stdin: `${ana.password}\n` });
    expect(code).toBe(0);
    const elsewhere = join(stack.home, 'elsewhere', 'tributary', 'credentials.json');
    expect(JSON.parse(stdout)).toEqual({ url: stack.info.apiUrl, email: ana.email, file: elsewhere });
    expect(statSync(elsewhere).mode & 0o777).toBe(0o600);
    expect(existsSync(file)).toBe(false);
  });

  it('signs in by token until the token expires', async () => {
    expect(await login('--token', ana.token)).toMatchObject({ code: 0 });
    expect(kept()).not.toHaveProperty('refreshToken');
    expect((await whoami()).userId).toBe(ana.id);
    edit({ accessToken: expired(ana.token) });
    expect(await stack.run('tributary', ['whoami'], { bare: true })).toMatchObject({
      code: 1,
      stderr: `The login at ${stack.info.apiUrl} has ended: run \`tributary login\`.\n`,
    });
  });

  it('stores nothing for a wrong password or token, and keeps the older login', async () => {
    await login('--token', ana.token);
    const before = readFileSync(file, 'utf8');
    const password = await login('--email', ana.email, '--password', 'wrong');
    expect(password).toEqual({ code: 1, stdout: '', stderr: `${ana.email} could not sign in: wrong address or password.\n` });
    const token = await login('--token', `${ana.token}x`);
    expect(token).toMatchObject({ code: 1, stdout: '' });
    expect(token.stderr).toMatch(/ Run `tributary login`, or check TRIBUTARY_TOKEN\. \(401, unauthorized, request [0-9a-f-]{36}\)\n$/);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it.each([
    [[], 'This terminal is not interactive: give --email.'],
    [['--email', 'ana@example.com'], 'This terminal is not interactive: give --password or --password-stdin.'],
    [['--token', 'x', '--email', 'ana@example.com'], 'Sign in by --token or by --email and password, not by both.'],
    [['--email', 'a', '--password', 'b', '--password-stdin'], 'Give --password or --password-stdin, not both.'],
    [['--url', 'ftp://example.com'], '--url must be an http or https URL without credentials or a query.'],
  ])('refuses %o with exit code 2', async (args, sentence) => {
    expect(await login(...args)).toEqual({ code: 2, stdout: '', stderr: `${sentence}\n` });
  });
});

describe('a login', () => {
  it('is renewed before it expires, and the renewed login is stored', async () => {
    await login('--email', ana.email, '--password', ana.password);
    const { refreshToken } = kept();
    edit({ accessToken: expired(kept().accessToken) });
    expect((await whoami()).userId).toBe(ana.id);
    expect(kept().refreshToken).not.toBe(refreshToken);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const renewed = readFileSync(file, 'utf8');
    expect((await whoami()).userId).toBe(ana.id);
    expect(readFileSync(file, 'utf8')).toBe(renewed);
  });

  it('is renewed when the server refuses a token that has not expired', async () => {
    await login('--email', ana.email, '--password', ana.password);
    const { accessToken } = kept();
    edit({ accessToken: `${accessToken.slice(0, -6)}AAAAAA` });
    expect((await whoami()).userId).toBe(ana.id);
  });

  it('is never sent to another server', async () => {
    await login('--email', ana.email, '--password', ana.password);
    const elsewhere = await stack.run('dlqtriage', ['summary', '--url', stack.info.apiUrl.replace('127.0.0.1', 'localhost')], {
      bare: true,
    });
    expect(elsewhere).toMatchObject({ code: 1, stdout: '' });
    expect(elsewhere.stderr).toMatch(/^No user is signed in at http:\/\/localhost:\d+: run `tributary login`, or set TRIBUTARY_TOKEN\.\n$/);
  });

  it('takes precedence over the local stack, and TRIBUTARY_TOKEN over the login', async () => {
    const { email: demo } = await stack.json('tributary', ['whoami']);
    expect(demo).toBe(stack.info.demo.email);
    await login('--email', ana.email, '--password', ana.password);
    expect((await stack.json('tributary', ['whoami'])).email).toBe(ana.email);
    const other = await stack.makeUser('bia@example.com');
    expect((await stack.json('tributary', ['whoami'], { env: { TRIBUTARY_TOKEN: other.token } })).email).toBe(other.email);
    const wrong = await stack.run('tributary', ['whoami'], { env: { TRIBUTARY_TOKEN: 'nonsense' } });
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
  });

  it('is deleted by logout and revoked at the server', async () => {
    await login('--email', ana.email, '--password', ana.password);
    const { refreshToken } = kept();
    expect(await stack.run('tributary', ['logout'], { bare: true })).toEqual({ code: 0, stdout: 'Signed out.\n', stderr: '' });
    expect(existsSync(file)).toBe(false);
    expect(await stack.json('tributary', ['logout'], { bare: true })).toEqual({ removed: false });
    const answer = await fetch(`${stack.info.supabaseUrl}/auth/v1/token?grant_type=refresh_token`, {
      method: 'POST',
      headers: { apikey: stack.info.publishableKey, 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token: refreshToken }),
    });
    expect(answer.ok).toBe(false);
  });

  it('can be removed by logout when its file is damaged', async () => {
    await login('--token', ana.token);
    writeFileSync(file, '{');
    const damaged = await stack.run('tributary', ['whoami'], { bare: true });
    expect(damaged).toMatchObject({ code: 1, stderr: `${file} is damaged: run \`tributary logout\`, then sign in again.\n` });
    expect((await stack.run('tributary', ['logout'], { bare: true })).code).toBe(0);
    expect(existsSync(file)).toBe(false);
  });
});

describe('--org', () => {
  it('takes a slug, a name or an id, and is required of members of several orgs', async () => {
    const carla = await stack.makeUser('carla@example.com');
    await stack.sql(`insert into public.org_members (org_id, user_id, role) values ($1, $2, 'analyst')`, [stack.orgId, carla.id]);
    const env = { TRIBUTARY_TOKEN: carla.token };
    const summary = (...args: string[]) => stack.run('dlqtriage', ['summary', '--json', ...args], { env });
    const unnamed = await summary();
    expect(unnamed.code).toBe(2);
    expect(JSON.parse(unnamed.stderr).error.message).toMatch(
      /^This user is a member of several orgs\. Choose one with --org: demo-[0-9a-f]{10}, org-of-carla-/,
    );
    for (const org of ['demo', 'Demo', 'DEMO', stack.orgId])
      expect(await summary('--org', org), org).toMatchObject({ code: 0, stderr: '' });
    expect((await stack.run('dlqtriage', ['summary'], { env: { ...env, TRIBUTARY_ORG: 'demo' } })).code).toBe(0);
    for (const org of ['nope', ana.orgId]) {
      const unknown = await summary('--org', org);
      expect(unknown).toMatchObject({ code: 1, stdout: '' });
      expect(JSON.parse(unknown.stderr).error.message).toBe(`There is no org called ${org}, or this user may not see it.`);
    }
  });
});
