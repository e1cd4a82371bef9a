import { z } from 'zod';
import type { Identity, Target } from './config.ts';
import { type Login, readLogin, writeLogin } from './credentials.ts';
import { Failure, Unavailable } from './errors.ts';
import { type Answer, fetchAnswer } from './http.ts';

// Requests to Supabase Auth (GoTrue). The CLI only uses its token and logout endpoints.

export interface AuthServer {
  supabaseUrl: string;
  publishableKey: string;
}

const Tokens = z.object({ access_token: z.string().min(1), refresh_token: z.string().min(1) });

export interface Tokens {
  accessToken: string;
  refreshToken: string;
}

/** Throws Failure when the password is wrong. */
export async function signIn(server: AuthServer, email: string, password: string, signal: AbortSignal): Promise<Tokens> {
  const answer = await askForTokens(server, 'password', { email, password }, signal);
  if (answer.status === 400 || answer.status === 401) throw new Failure(`${email} could not sign in: wrong address or password.`);
  return toTokens(answer);
}

/** Returns undefined when the refresh token was already used, has expired or was revoked. */
async function refresh(server: AuthServer, refreshToken: string, signal: AbortSignal): Promise<Tokens | undefined> {
  const answer = await askForTokens(server, 'refresh_token', { refresh_token: refreshToken }, signal);
  return answer.status >= 400 && answer.status < 500 && answer.status !== 429 ? undefined : toTokens(answer);
}

/** Revokes the refresh token. */
export async function signOut({ supabaseUrl, publishableKey }: AuthServer, accessToken: string, signal: AbortSignal): Promise<void> {
  await fetchAnswer(`${supabaseUrl}/auth/v1/logout?scope=local`, {
    method: 'POST',
    headers: { apikey: publishableKey, authorization: `Bearer ${accessToken}` },
    timeoutMs: 5_000,
    signal,
  });
}

function askForTokens(server: AuthServer, grant: string, body: object, signal: AbortSignal): Promise<Answer> {
  return fetchAnswer(`${server.supabaseUrl}/auth/v1/token?grant_type=${grant}`, {
    method: 'POST',
    headers: { apikey: server.publishableKey },
    body,
    signal,
  });
}

function toTokens({ status, body }: Answer): Tokens {
  const tokens = Tokens.safeParse(body).data;
  if (!tokens) throw new Unavailable(`Signing in is not possible now: Supabase Auth answered ${status}.`);
  return { accessToken: tokens.access_token, refreshToken: tokens.refresh_token };
}

const Claims = z.object({ sub: z.string(), email: z.string().optional(), exp: z.number() });

/** The claims of an access token, unverified: only used in messages and to renew the token before it expires. Undefined when the text is not a token. */
export function claimsOf(token: string): z.infer<typeof Claims> | undefined {
  try {
    return Claims.safeParse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).data;
  } catch {
    return undefined;
  }
}

const renewSecondsBefore = 30;
const isFresh = (token: string) => (claimsOf(token)?.exp ?? 0) - renewSecondsBefore > Date.now() / 1000;

export interface Session {
  /** An access token that, by its own claims, is valid for at least the next half minute. Throws Failure when no user is signed in. */
  token(): Promise<string>;
  /** A new access token in place of one that the server refused; undefined when the session cannot be renewed. */
  renew(refused: string): Promise<string | undefined>;
}

export function createSession({ url, identity }: Target, credentialsFile: string, signal: AbortSignal): Session {
  const signInAgain = `The login at ${url} has ended: run \`tributary login\`.`;
  let demo: Promise<Tokens> | undefined;

  async function renewLogin(login: Login): Promise<Login | undefined> {
    // Another command may have renewed this login in the meantime. A refresh token works only once, so its result must be used.
    const kept = readLogin(credentialsFile);
    if (kept?.url === login.url && kept.accessToken !== login.accessToken && isFresh(kept.accessToken)) return kept;
    if (!login.refreshToken) return undefined;
    const tokens = await refresh(login, login.refreshToken, signal);
    if (!tokens) {
      const renewed = readLogin(credentialsFile);
      return renewed?.url === login.url && renewed.accessToken !== login.accessToken ? renewed : undefined;
    }
    const renewed = { ...login, ...tokens };
    writeLogin(credentialsFile, renewed);
    return renewed;
  }

  const signInDemo = (who: Extract<Identity, { kind: 'demo' }>) => signIn(who, who.email, who.password, signal);

  return {
    async token() {
      if (!identity) throw new Failure(`No user is signed in at ${url}: run \`tributary login\`, or set TRIBUTARY_TOKEN.`);
      if (identity.kind === 'token') return identity.token;
      if (identity.kind === 'demo') {
        demo ??= signInDemo(identity);
        return (await demo).accessToken;
      }
      if (!isFresh(identity.login.accessToken)) {
        const renewed = await renewLogin(identity.login);
        if (!renewed) throw new Failure(signInAgain);
        identity = { kind: 'login', login: renewed };
      }
      return identity.login.accessToken;
    },
    async renew(refused) {
      if (identity?.kind === 'demo') {
        if ((await demo)?.accessToken === refused) demo = signInDemo(identity);
        return (await demo)?.accessToken;
      }
      if (identity?.kind !== 'login') return undefined;
      if (identity.login.accessToken !== refused) return identity.login.accessToken;
      const renewed = await renewLogin(identity.login);
      if (renewed) identity = { kind: 'login', login: renewed };
      return renewed?.accessToken;
    },
  };
}
