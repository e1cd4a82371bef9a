import { PublicConfig } from '@tributary/shared/api.ts';
import type { Command } from 'commander';
import { claimsOf, signIn, signOut } from '../auth.ts';
import { createClient } from '../client.ts';
import { credentialsFile } from '../config.ts';
import { listConnections } from '../connections.ts';
import { type Login, readLogin, removeLogin, writeLogin } from '../credentials.ts';
import { Failure, UsageError } from '../errors.ts';
import { listMemberships } from '../orgs.ts';
import { details, table } from '../output.ts';
import { type Context, examples, open, openOffline } from '../program.ts';
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
    .description('Sign in and stay signed in. The login is kept in ~/.config/tributary (XDG_CONFIG_HOME), readable by you alone')
    .option('--email <email>', 'your address; asked for when left out')
    .option('--password <password>', 'your password; asked for when left out, without echo')
    .option('--password-stdin', 'read the password from standard input')
    .action(async (_, command: Command) => {
      const context = open(command);
      const { client, output } = context;
      const flags = command.optsWithGlobals<LoginFlags>();
      warnOfPlainText(context);
      const config = await client.api('/api/config', PublicConfig, { as: 'nobody' });
      const server = { url: client.url, supabaseUrl: config.supabaseUrl, publishableKey: config.publishableKey };
      const made = await makeLogin(server, flags, context.signal);
      await checkLogin(context, made);
      const file = credentialsFile();
      writeLogin(file, made);
      const who = made.email ?? 'the token’s user';
      output.print({ url: made.url, email: made.email, file }, () => `Signed in at ${made.url} as ${who}.`);
    });
  examples(
    login,
    'tributary login --url https://hooks.example.com',
    'tributary login --email ana@example.com --password-stdin < password.txt',
    'tributary login --token "$ACCESS_TOKEN"     # ends when the token does',
  );

  const logout = program
    .command('logout')
    .description('Forget the login, and withdraw it from the server')
    .action(async (_, command: Command) => {
      const file = credentialsFile();
      const known = readLoginToForget(file);
      const removed = removeLogin(file);
      const { output, signal } = openOffline(command);
      if (known)
        await signOut(known, known.accessToken, signal).catch(() =>
          output.note('The server could not be told; the login is forgotten here.'),
        );
      output.print({ removed }, () => (removed ? 'Signed out.' : 'Nobody was signed in.'));
    });
  examples(logout, 'tributary logout');

  const whoami = program
    .command('whoami')
    .description('Show who is signed in where, and the orgs with the role in each')
    .action(async (_, command: Command) => {
      const context = open(command);
      const { client, output } = context;
      const claims = claimsOf(await client.accessToken());
      if (!claims) throw new Failure('The access token is none of Supabase: run `tributary login`, or check TRIBUTARY_TOKEN.');
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
            'A member of no org.',
          ),
        ].join('\n\n'),
      );
    });
  examples(whoami, 'tributary whoami', 'tributary whoami --json | jq -r ".orgs[].slug"');
}

async function makeLogin(
  server: Pick<Login, 'url' | 'supabaseUrl' | 'publishableKey'>,
  flags: LoginFlags,
  signal: AbortSignal,
): Promise<Login> {
  if (flags.token !== undefined) {
    if (flags.email !== undefined || flags.password !== undefined || flags.passwordStdin)
      throw new UsageError('Sign in by --token or by --email and password, not by both.');
    const email = claimsOf(flags.token)?.email;
    return { ...server, accessToken: flags.token, ...(email ? { email } : {}) };
  }
  if (flags.password !== undefined && flags.passwordStdin) throw new UsageError('Give --password or --password-stdin, not both.');
  const email = flags.email ?? (await askFor('email', 'E-mail: '));
  const password = flags.passwordStdin ? await readStdin() : (flags.password ?? (await askFor('password', 'Password: ', { echo: false })));
  return { ...server, email, ...(await signIn(server, email, password, signal)) };
}

async function askFor(flag: string, question: string, options?: { echo: boolean }): Promise<string> {
  if (!canAsk()) throw new UsageError(`Nobody can be asked here: give --${flag}${flag === 'password' ? ' or --password-stdin' : ''}.`);
  return ask(question, options);
}

/** The API must take the token too, before an older login is replaced by it. */
async function checkLogin(context: Context, { accessToken }: Login): Promise<void> {
  const target = { ...context.target, identity: { kind: 'token' as const, token: accessToken } };
  await listConnections({ ...context, target, client: createClient(target, credentialsFile(), context.signal) });
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
    output.note(`Warning: ${client.url} is not encrypted; whoever listens on the way reads the password.`);
}
