import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { answerProblem, toRefusal } from './problem.ts';
import { Refusal } from './refusal.ts';

async function answerTo(error: unknown) {
  const app = new Hono();
  app.onError((thrown, c) => answerProblem(c, toRefusal(thrown), 'request-1'));
  app.get('/', () => {
    throw error;
  });
  const answer = await app.request('/');
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
}

describe('the answer to a refusal', () => {
  it('has status 503 and asks the sender to retry when the server is at fault', async () => {
    for (const code of ['overloaded', 'circuit_open', 'database_unavailable', 'shutting_down', 'draining', 'paused'] as const) {
      const { status, headers } = await answerTo(new Refusal(code));
      expect([code, status, headers.get('retry-after')]).toEqual([code, 503, '5']);
    }
    const hinted = await answerTo(new Refusal('overloaded', 'detail', { retryAfterSeconds: 2, closesConnection: true }));
    expect(hinted.headers.get('retry-after')).toBe('2');
    expect(hinted.headers.get('connection')).toBe('close');
  });

  it('is RFC 9457 with the code, the detail and the invalid fields', async () => {
    const errors = [{ path: 'name', message: 'too long', code: 'too_big' }];
    const { status, headers, body } = await answerTo(new Refusal('invalid_request', 'name: too long', { errors }));
    expect(status).toBe(400);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('retry-after')).toBeNull();
    expect(body).toEqual({
      type: 'about:blank',
      title: 'The request is not valid',
      status: 400,
      code: 'invalid_request',
      detail: 'name: too long',
      requestId: 'request-1',
      errors,
    });
  });

  it('contains no details of an unexpected error', async () => {
    const { status, body } = await answerTo(new Error('password=1234'));
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('1234');
  });
});
