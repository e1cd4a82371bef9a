import { ProblemAnswer, PublicConfig } from '@tributary/shared/api.ts';
import { ApprovalRequested } from '@tributary/shared/approvals.ts';
import type { z } from 'zod';
import { type AuthServer, createSession } from './auth.ts';
import type { Target } from './config.ts';
import { Failure, Unavailable } from './errors.ts';
import { type Answer, type Call, fetchAnswer } from './http.ts';

type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

interface Options extends Pick<Call, 'method' | 'body' | 'timeoutMs'> {
  query?: Query;
  /** Whose token is sent with the request: the user's by default; `anonymous` sends no token. */
  as?: 'user' | 'operator' | 'anonymous';
}

/** Requests to one server with the credentials of one user. Every method throws a Failure whose message is the one sentence to print. */
export interface Client {
  readonly url: string;
  /** Calls an endpoint of the API and checks that its answer matches `shape`. */
  api<Shape extends z.ZodType>(path: string, shape: Shape, options?: Options): Promise<z.output<Shape>>;
  /** Reads every page of an endpoint that answers with an array. */
  list<Item>(path: string, shape: z.ZodType<Item[]>, query?: Query): Promise<Item[]>;
  /** Reads through Supabase's Data API, under the user's row level security. */
  data<Shape extends z.ZodType>(path: string, shape: Shape): Promise<z.output<Shape>>;
  /** Calls a public endpoint and returns its answer, also when the status is an error. */
  probe(path: string): Promise<Answer>;
  accessToken(): Promise<string>;
}

export function createClient(target: Target, credentialsFile: string, signal: AbortSignal): Client {
  const session = createSession(target, credentialsFile, signal);
  let authServer: Promise<AuthServer> | undefined;

  async function asUser(send: (token: string) => Promise<Answer>): Promise<Answer> {
    const token = await session.token();
    const answer = await send(token);
    if (answer.status !== 401) return answer;
    const renewed = await session.renew(token);
    return renewed === undefined ? answer : send(renewed);
  }

  async function ask(path: string, options: Options): Promise<Answer> {
    const { as = 'user', query = {}, ...call } = options;
    const url = `${target.url}${path}${toQueryString(query)}`;
    const send = (token?: string) =>
      fetchAnswer(url, { ...call, signal, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
    const answer = as === 'user' ? await asUser(send) : await send(as === 'operator' ? operatorToken() : undefined);
    if (!answer.ok) throw toFailure(answer, `${call.method ?? 'GET'} ${path}`, as);
    const waiting = answer.status === 202 ? ApprovalRequested.safeParse(answer.body).data : undefined;
    if (waiting) throw new Failure(waitingSentence(waiting.approvalId), { status: 202, code: 'approval_requested' });
    return answer;
  }

  async function api<Shape extends z.ZodType>(path: string, shape: Shape, options: Options = {}): Promise<z.output<Shape>> {
    return checkShape(shape, (await ask(path, options)).body, path);
  }

  function operatorToken(): string {
    if (target.operatorToken) return target.operatorToken;
    throw new Failure('The operator token is needed: give --operator-token or set TRIBUTARY_OPERATOR_TOKEN.');
  }

  function toFailure({ status, body }: Answer, what: string, as: Options['as']): Failure {
    const problem = ProblemAnswer.safeParse(body).data;
    const words = problem ? sentence(problem.detail ?? problem.title) : `${what} answered ${status}.`;
    const advice =
      status === 401 ? ` ${as === 'operator' ? 'Check the operator token.' : 'Run `tributary login`, or check TRIBUTARY_TOKEN.'}` : '';
    const label = problem ? ` (${[status, problem.code, `request ${problem.requestId}`].join(', ')})` : '';
    // Waiting does not help against a quota.
    const isTemporary = status >= 502 || (status === 429 && problem?.code !== 'quota_exceeded');
    const Kind = isTemporary ? Unavailable : Failure;
    return new Kind(`${words}${advice}${label}`, { status, code: problem?.code, requestId: problem?.requestId });
  }

  return {
    url: target.url,
    api,
    async list(path, shape, query = {}) {
      const items = [];
      for (let page: string | undefined = `${path}${toQueryString(query)}`; page !== undefined; ) {
        const answer: Answer = await ask(page, {});
        items.push(...checkShape(shape, answer.body, path));
        page = answer.nextPage;
      }
      return items;
    },
    accessToken: () => session.token(),
    probe: (path) => fetchAnswer(target.url + path, { signal, timeoutMs: 10_000 }),
    async data(path, shape) {
      authServer ??= api('/api/config', PublicConfig, { as: 'anonymous' });
      const { supabaseUrl, publishableKey } = await authServer;
      const answer = await asUser((token) =>
        fetchAnswer(`${supabaseUrl}/rest/v1${path}`, { signal, headers: { apikey: publishableKey, authorization: `Bearer ${token}` } }),
      );
      if (answer.status === 401)
        throw new Failure('The access token is not valid: run `tributary login`, or check TRIBUTARY_TOKEN.', { status: 401 });
      if (!answer.ok) throw new (answer.status >= 500 ? Unavailable : Failure)(`Supabase's Data API answered ${answer.status}.`);
      return checkShape(shape, answer.body, path);
    },
  };
}

const waitingSentence = (id: string) =>
  `Nothing has been done yet: the org requires a second person for this. Another owner or admin can run \`tributary approvals approve ${id}\`.`;

/** Returns the body as it was received, including fields that a newer server added and this version does not know. */
function checkShape<Shape extends z.ZodType>(shape: Shape, body: unknown, path: string): z.output<Shape> {
  const checked = shape.safeParse(body);
  if (checked.success) return body as z.output<Shape>;
  const where = checked.error.issues[0]?.path.join('.') ?? '';
  throw new Failure(
    `${path.split('?')[0]} returned an answer that this version does not understand${where && ` (at ${where})`}: use the CLI of the server's version.`,
  );
}

function toQueryString(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) parameters.set(name, String(value));
  return parameters.size === 0 ? '' : `?${parameters}`;
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? '' : '.'}`;
}
