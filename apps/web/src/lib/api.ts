import type { ProblemAnswer } from '@tributary/shared/api.ts';
import { ApprovalRequested } from '@tributary/shared/approvals.ts';
import { problemCodes } from '@tributary/shared/problems.ts';
import type { z } from 'zod';
import { recordAnswer } from './contact.ts';
import { ApiError, approvalRequested, fieldText, unreachable } from './errors.ts';
import { refusalText } from './refusals.ts';
import { accessToken, checkSession } from './supabase.ts';

export { ApiError };

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

interface CallOptions {
  /** A token to use instead of the signed-in user's. */
  bearer?: string;
  /** Aborts the request, for example when its answer is no longer wanted. */
  signal?: AbortSignal;
}

/**
 * Calls the API as the signed-in user and checks the answer by its schema. Throws {@link ApiError}, also for a command that waits for a second
 * person, because nothing was done.
 */
export async function api<Schema extends z.ZodType>(
  schema: Schema,
  method: Method,
  path: string,
  body?: unknown,
  options: CallOptions = {},
): Promise<z.output<Schema>> {
  const response = await send(method, path, body, options);
  const answer: unknown = response.status === 204 ? undefined : await response.json();
  if (response.status === 202 && ApprovalRequested.safeParse(answer).success) throw approvalRequested();
  return schema.parse(answer);
}

async function send(method: Method, path: string, body: unknown, { signal, bearer: given }: CallOptions): Promise<Response> {
  const bearer = given ?? (await accessToken());
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([AbortSignal.timeout(60_000), ...(signal ? [signal] : [])]),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    recordAnswer('api', false);
    throw unreachable();
  }
  recordAnswer('api', true);
  if (response.ok) return response;
  if (response.status === 401 && given === undefined) void checkSession();
  const problem = (await response.json().catch(() => undefined)) as Partial<ProblemAnswer> | undefined;
  if (typeof problem?.code !== 'string') throw new ApiError(response.status, 'unknown', `HTTP ${response.status}`);
  const { code, title = code, detail, requestId, errors = [] } = problem;
  const known = (problemCodes as readonly string[]).includes(code);
  const fields = errors.map((error) => [error.path, fieldText(error)] as const);
  const said =
    fields.length === 0 ? (detail ?? (known ? '' : title)) : fields.map(([at, text]) => (at === '' ? text : `${at}: ${text}`)).join(' ');
  const reason = errors.find((error) => error.path === '')?.code;
  // The texts of fields are in the reader's language already.
  const text = fields.length > 0 && code !== 'invalid_request' ? said : refusalText(code, said);
  throw new ApiError(response.status, code, text, requestId, Object.fromEntries(fields), reason);
}
