import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { type Login, readLogin } from './credentials.ts';
import { UsageError } from './errors.ts';
import type { Host } from './host.ts';

const LocalStack = z.object({
  apiUrl: z.string(),
  supabaseUrl: z.string(),
  publishableKey: z.string(),
  operatorToken: z.string(),
  demo: z.object({ email: z.string(), password: z.string() }),
});
type LocalStack = z.infer<typeof LocalStack>;

export interface Flags {
  url?: string;
  token?: string;
  org?: string;
  tenant?: string;
  operatorToken?: string;
}

/** How the user signs in at the server. The tokens of a login and of the demo user can be renewed; a given token cannot. */
export type Identity =
  | { kind: 'token'; token: string }
  | { kind: 'login'; login: Login }
  | { kind: 'demo'; supabaseUrl: string; publishableKey: string; email: string; password: string };

export interface Target {
  url: string;
  /** Where the URL was taken from, for messages. */
  urlFrom: string;
  /** Undefined when no user is signed in. */
  identity: Identity | undefined;
  operatorToken: string | undefined;
  /** Slug, name or id. */
  org: string | undefined;
}

/**
 * The server and the credentials that a command uses: first from flags, then from TRIBUTARY_URL, TRIBUTARY_TOKEN, TRIBUTARY_ORG and
 * TRIBUTARY_OPERATOR_TOKEN, then from the stored login, then from the local stack. The credentials of a login or of a local stack are only ever
 * sent to the server they belong to. Throws UsageError when no server is named anywhere.
 */
export function findTarget(flags: Flags, host: Host): Target {
  const { env } = host;
  const login = readLogin(credentialsFile(host));
  const local = findLocalStack(host);
  const found = firstGiven(
    [flags.url, '--url'],
    [env.TRIBUTARY_URL, 'TRIBUTARY_URL'],
    [login?.url, 'your login'],
    [local?.stack.apiUrl, local?.file ?? ''],
  );
  if (!found)
    throw new UsageError('No server is known: give --url or TRIBUTARY_URL, run `tributary login --url …`, or start one with `npm start`.');
  const url = toServerUrl(found.value, found.from);
  const stack = local && toServerUrl(local.stack.apiUrl, local.file) === url ? local.stack : undefined;
  const token = flags.token || env.TRIBUTARY_TOKEN;
  let identity: Identity | undefined;
  if (token) identity = { kind: 'token', token };
  else if (login?.url === url) identity = { kind: 'login', login };
  else if (stack) identity = { kind: 'demo', supabaseUrl: stack.supabaseUrl, publishableKey: stack.publishableKey, ...stack.demo };
  return {
    url,
    urlFrom: found.from,
    identity,
    operatorToken: flags.operatorToken || env.TRIBUTARY_OPERATOR_TOKEN || stack?.operatorToken,
    org: flags.org || flags.tenant || env.TRIBUTARY_ORG || undefined,
  };
}

export function credentialsFile({ env, home }: Host): string {
  return join(env.XDG_CONFIG_HOME || join(home, '.config'), 'tributary', 'credentials.json');
}

function firstGiven(...candidates: [value: string | undefined, from: string][]): { value: string; from: string } | undefined {
  for (const [value, from] of candidates) if (value) return { value, from };
  return undefined;
}

function toServerUrl(text: string, from: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash)
    throw new UsageError(`${from} must be an http or https URL without credentials or a query.`);
  return url.href.replace(/\/+$/, '');
}

/**
 * The stack.json that `npm start` wrote for the clone that contains the current directory. A file that another user owns or may write is ignored:
 * it could send the operator token to a server of that user's choice.
 */
function findLocalStack({ env, cwd }: Host): { file: string; stack: LocalStack } | undefined {
  for (let directory = cwd; ; directory = dirname(directory)) {
    const file = resolve(directory, env.LOCAL_DIR || '.local', 'stack.json');
    const stack = readLocalStack(file);
    if (stack) return { file, stack };
    if (dirname(directory) === directory) return undefined;
  }
}

function readLocalStack(file: string): LocalStack | undefined {
  try {
    const { uid, mode } = statSync(file);
    if ((uid !== process.getuid?.() && uid !== 0) || mode & 0o022) return undefined;
    return LocalStack.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
