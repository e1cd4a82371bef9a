import type { ProblemAnswer } from '@tributary/shared/api.ts';
import type { z } from 'zod';
import { supabase } from './supabase.ts';

/** A refusal of the API (RFC 9457), or the API not answering (`code` is then `unreachable`). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
  constructor(status: number, code: string, message: string, requestId?: string, fields: Record<string, string> = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.fields = fields;
  }
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** Calls the API as the signed-in user and checks the answer by its schema. Throws {@link ApiError}. */
export async function api<Schema extends z.ZodType>(
  schema: Schema,
  method: Method,
  path: string,
  body?: unknown,
): Promise<z.output<Schema>> {
  const response = await send(method, path, body);
  return schema.parse(response.status === 204 ? undefined : await response.json());
}

async function send(method: Method, path: string, body: unknown): Promise<Response> {
  const bearer = (await supabase().auth.getSession()).data.session?.access_token;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
  } catch (error) {
    throw new ApiError(0, 'unreachable', error instanceof Error ? error.message : 'no answer');
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => undefined)) as Partial<ProblemAnswer> | undefined;
  if (typeof problem?.code !== 'string') throw new ApiError(response.status, 'unknown', `HTTP ${response.status}`);
  const { code, title = code, detail, requestId, errors = [] } = problem;
  throw new ApiError(
    response.status,
    code,
    detail ?? title,
    requestId,
    Object.fromEntries(errors.map(({ path: at, message }) => [at, message])),
  );
}
