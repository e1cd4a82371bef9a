import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { type Login, readLogin } from './credentials.ts';
import { UsageError } from './errors.ts';

// The only file that reads the environment.

const { env } = process;

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
  operatorToken?: string;
}

/** Who the user is to the server. Of a login and of the demo user, tokens can be renewed. */
export type Identity =
  | { kind: 'token'; token: string }
  | { kind: 'login'; login: Login }
  | { kind: 'demo'; supabaseUrl: string; publishableKey: string; email: string; password: string };

export interface Target {
  url: string;
  /** Where the URL was taken from, for messages. */
  urlFrom: string;
  /** Undefined: nobody is signed in. */
  identity: Identity | undefined;
  operatorToken: string | undefined;
  /** Slug, name or id. */
  org: string | undefined;
}

/**
 * What a command talks to: flags, then TRIBUTARY_URL, TRIBUTARY_TOKEN, TRIBUTARY_ORG and TRIBUTARY_OPERATOR_TOKEN, then the login, then the local
 * stack. What a login or a local stack knows is sent to its own server only. Throws UsageError when no server is named anywhere.
 */
export function findTarget(flags: Flags): Target {
  const login = readLogin(credentialsFile());
  const local = findLocalStack();
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
    org: flags.org || env.TRIBUTARY_ORG || undefined,
  };
}

export function credentialsFile(): string {
  return join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'tributary', 'credentials.json');
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

/** The stack.json that `npm start` wrote for the clone we stand in. One that a stranger could have left there does not count. */
function findLocalStack(): { file: string; stack: LocalStack } | undefined {
  for (let directory = process.cwd(); ; directory = dirname(directory)) {
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
