import { ConnectionList, PublicConfig } from '@tributary/shared/api.ts';
import type { Command } from 'commander';
import { claimsOf, signIn, signOut } from '../auth.ts';
import { createClient } from '../client.ts';
import { credentialsFile } from '../config.ts';
import { type Login, readLogin, removeLogin, writeLogin } from '../credentials.ts';
import { Failure, UsageError } from '../errors.ts';
import type { Host } from '../host.ts';
import { listMemberships } from '../orgs.ts';
import { details, table } from '../output.ts';
import { type Context, examples, hostOf, open, openOffline } from '../program.ts';
import { ask, canAsk, readStdin } from '../prompt.ts';

interface LoginFlags {
  email?: string;
  password?: string;
  passwordStdin?: boolean;
  token?: string;
}

export function addLogin(program: Command): void {
  const login = program
    .command('login')
    .description(
      'Sign in and stay signed in. The login is stored in ~/.config/tributary (XDG_CONFIG_HOME); only your user can read the file',
    )
    .option('--email <email>', 'your e-mail address; the command asks for it when it is left out')
    .option('--password <password>', 'your password; the command asks for it, without echo, when it is left out')
    .option('--password-stdin', 'read the password from standard input')
    .action(async (_, command: Command) => {
      const context = open(command);
      const { client, output } = context;
      const flags = command.optsWithGlobals<LoginFlags>();
      warnOfPlainText(context);
      const config = await client.api('/api/config', PublicConfig, { as: 'anonymous' });
      const server = { url: client.url, supabaseUrl: config.supabaseUrl, publishableKey: config.publishableKey };
      const made = await makeLogin(context, server, flags);
      await checkLogin(context, made);
      const file = credentialsFile(context.host);
      writeLogin(file, made);
      const who = made.email ?? 'the token’s user';
      output.print({ url: made.url, email: made.email, file }, () => `Signed in at ${made.url} as ${who}.`);
    });
  examples(
    login,
    'tributary login --url https://hooks.example.com',
    'tributary login --email ana@example.com --password-stdin < password.txt',
    'tributary login --token "$ACCESS_TOKEN"     # ends when the token expires',
  );

  const logout = program
    .command('logout')
    .description('Delete the stored login and revoke it at the server')
    .action(async (_, command: Command) => {
      const file = credentialsFile(hostOf(command));
      const known = readLoginToForget(file);
      const removed = removeLogin(file);
      const { output, signal } = openOffline(command);
      if (known)
        await signOut(known, known.accessToken, signal).catch(() =>
          output.note('The login was deleted here, but the server could not be reached to revoke it.'),
        );
      output.print({ removed }, () => (removed ? 'Signed out.' : 'No user was signed in.'));
    });
  examples(logout, 'tributary logout');

  const whoami = program
    .command('whoami')
    .description('Show who is signed in where, and the orgs with the role in each')
    .action(async (_, command: Command) => {
      const context = open(command);
      const { client, output } = context;
      const claims = claimsOf(await client.accessToken());
      if (!claims) throw new Failure('The access token is not a Supabase access token: run `tributary login`, or check TRIBUTARY_TOKEN.');
      const memberships = await listMemberships(context, claims.sub);
      const orgs = memberships.map(({ role, orgs: org }) => ({ ...org, role }));
      output.print({ url: client.url, userId: claims.sub, email: claims.email, orgs }, () =>
        [
          details([
            ['server', client.url],
            ['user', claims.email ?? claims.sub],
          ]),
          table(
            ['org', 'slug', 'role', 'id'],
            orgs.map((org) => [org.name, org.slug, org.role, org.id]),
            'This user is not a member of any org.',
          ),
        ].join('\n\n'),
      );
    });
  examples(whoami, 'tributary whoami', 'tributary whoami --json | jq -r ".orgs[].slug"');
}

async function makeLogin(
  { host, signal }: Context,
  server: Pick<Login, 'url' | 'supabaseUrl' | 'publishableKey'>,
  flags: LoginFlags,
): Promise<Login> {
  if (flags.token !== undefined) {
    if (flags.email !== undefined || flags.password !== undefined || flags.passwordStdin)
      throw new UsageError('Sign in by --token or by --email and password, not by both.');
    const email = claimsOf(flags.token)?.email;
    return { ...server, accessToken: flags.token, ...(email ? { email } : {}) };
  }
  if (flags.password !== undefined && flags.passwordStdin) throw new UsageError('Give --password or --password-stdin, not both.');
  const email = flags.email ?? (await askFor(host, 'email', 'E-mail: '));
  const password = flags.passwordStdin
    ? await readStdin(host)
    : (flags.password ?? (await askFor(host, 'password', 'Password: ', { echo: false })));
  return { ...server, email, ...(await signIn(server, email, password, signal)) };
}

async function askFor(host: Host, flag: string, question: string, options?: { echo: boolean }): Promise<string> {
  if (!canAsk(host))
    throw new UsageError(`This terminal is not interactive: give --${flag}${flag === 'password' ? ' or --password-stdin' : ''}.`);
  return ask(host, question, options);
}

/** Checks that the API accepts the token before the stored login is replaced. */
async function checkLogin(context: Context, { accessToken }: Login): Promise<void> {
  const target = { ...context.target, identity: { kind: 'token' as const, token: accessToken } };
  const client = createClient(target, credentialsFile(context.host), context.signal);
  await client.api('/api/connections', ConnectionList, { query: { limit: 1 } });
}

function readLoginToForget(file: string): Login | undefined {
  try {
    return readLogin(file);
  } catch {
    return undefined;
  }
}

function warnOfPlainText({ client, output }: Context): void {
  const { protocol, hostname } = new URL(client.url);
  const isLocal = hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
  if (protocol === 'http:' && !isLocal)
    output.note(`Warning: ${client.url} is not encrypted: anyone on the network path can read the password.`);
}
