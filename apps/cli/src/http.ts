import { Failure, Interrupted, Unavailable } from './errors.ts';

export interface Answer {
  status: number;
  ok: boolean;
  /** Parsed when the content type is JSON, otherwise the text. */
  body: unknown;
  /** Path and query of the next page, which the header `link` names. Undefined on the last page. */
  nextPage: string | undefined;
}

export interface Call {
  method?: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  timeoutMs?: number;
  signal: AbortSignal;
}

/**
 * Sends one request. Throws Unavailable when no answer came, Interrupted when `signal` aborted it. Redirects are not followed, because they would
 * send the tokens to another server.
 */
export async function fetchAnswer(url: string, { method = 'GET', headers = {}, body, timeoutMs = 30_000, signal }: Call): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: { accept: 'application/json', ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    const nextPage = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
    return { status: response.status, ok: response.ok, body: isJson ? parse(text) : text, nextPage };
  } catch (error) {
    if (signal.aborted) throw new Interrupted();
    if (error instanceof Failure) throw error;
    if ((error as Error).name === 'TimeoutError')
      throw new Unavailable(`${new URL(url).origin} did not answer within ${timeoutMs / 1000} s.`);
    throw new Unavailable(`${new URL(url).origin} cannot be reached (${reasonOf(error)}).`);
  }
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

function reasonOf(error: unknown): string {
  const cause = (error as Error).cause as (Error & { code?: string; errors?: (Error & { code?: string })[] }) | undefined;
  return cause?.code ?? cause?.errors?.[0]?.code ?? cause?.message ?? (error as Error).message;
}
