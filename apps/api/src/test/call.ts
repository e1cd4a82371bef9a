import type { TestUser } from './make.ts';

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on it field by field
  body: any;
  text: string;
}

/** Sends a JSON body as a user, or without an access token. */
export async function call(
  app: { request(path: string, init: RequestInit): Response | Promise<Response> },
  user: TestUser | string | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const token = typeof user === 'string' ? user : user?.token;
  const response = await app.request(path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text, text };
}
