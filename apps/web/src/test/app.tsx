import { act, cleanup, render, screen } from '@testing-library/react';
import axe, { type AxeResults } from 'axe-core';
import { HttpResponse, http, type RequestHandler } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { problem } from './mock/answers.ts';
import { handlersOf } from './mock/handlers.ts';
import { makeWorld, session, sessionKey, type World } from './mock/world.ts';

const server = setupServer();

/** Every request to either server since the test began, in order, for example `GET /api/status`. */
export const asked: string[] = [];

const nextTurn = setImmediate;

/**
 * Starts the mock servers and a clock that only {@link pass} and {@link until} move, around every test of a file. A request that the mock
 * does not know fails the test.
 */
export function mockServers(): void {
  const unknown: string[] = [];
  server.events.on('request:start', ({ request }) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
  });
  beforeAll(() =>
    server.listen({
      onUnhandledFrame: ({ frame }) => {
        const { method, url } = (frame.data as { request: Request }).request;
        if (frame.protocol === 'http') unknown.push(`${method} ${url}`);
      },
    }),
  );
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] });
    localStorage.clear();
    asked.length = 0;
    vi.resetModules();
  });
  afterEach(() => {
    cleanup();
    document.body.replaceChildren();
    vi.useRealTimers();
    server.resetHandlers();
    expect(unknown.splice(0)).toEqual([]);
  });
  afterAll(() => server.close());
}

interface Opened {
  world?: Partial<World>;
  language?: 'en' | 'pt-BR';
  /** Opens the page without a session. */
  guest?: boolean;
  /** Changes of the stored session. */
  stored?: Record<string, unknown>;
  /** Handlers that answer instead of the mock servers, for the requests that the handlers match. */
  instead?: RequestHandler[];
}

/** Opens the dashboard at a path as a browser does: router, queries, theme and session are those of the product, and new. */
export async function openAt(
  path: string,
  { world, language = 'en', guest = false, stored = {}, instead = [] }: Opened = {},
): Promise<void> {
  server.use(...instead, ...handlersOf(makeWorld(world)));
  if (!guest) localStorage.setItem(sessionKey, JSON.stringify({ ...session(), ...stored }));
  localStorage.setItem('tributary.language', language);
  window.history.replaceState(null, '', path);
  const [{ Providers }, { Startup }] = await Promise.all([import('../app/providers.tsx'), import('../app/startup.tsx')]);
  render(
    <Providers>
      <Startup />
    </Providers>,
  );
}

/** Moves the clock, letting requests that are made meanwhile be answered. */
export async function pass(ms: number, step = 100): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) {
    await act(() => vi.advanceTimersByTimeAsync(Math.min(step, ms - passed)));
    await act(() => new Promise<void>((resolve) => nextTurn(() => nextTurn(resolve))));
  }
}

/** Moves the clock until a check no longer throws; a minute at most. */
export async function until<T>(check: () => T, secondsMax = 60): Promise<T> {
  for (let passed = 0; ; passed += 50) {
    try {
      return check();
    } catch (error) {
      if (passed >= secondsMax * 1000) throw error;
    }
    await pass(50, 50);
  }
}

const isLoading = () => screen.queryAllByRole('status', { name: /^(Loading…|Carregando…)$/ }).length > 0;

/** Waits until the page's heading is there and no part of the page is still loading. */
export async function loaded(): Promise<void> {
  await until(() => expect(screen.getAllByRole('heading', { level: 1 })).not.toEqual([]));
  await until(() => expect(isLoading()).toBe(false));
}

/**
 * The serious and critical accessibility violations that axe finds on the page. Contrast needs a layout and is checked in a real browser
 * (e2e/looks).
 */
export async function accessibilityViolations(): Promise<string[]> {
  let results: AxeResults | undefined;
  const running = axe.run(document.body, { rules: { 'color-contrast': { enabled: false } }, resultTypes: ['violations'], preload: false });
  void running.then((found) => {
    results = found;
  });
  // Axe continues by timers, which only run while `pass` moves the clock.
  while (!results) await pass(1);
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
}

/** The requests of a page of an org to both servers, without those that find the org and check whether the servers answer. */
const ofPages = /\/(api\/(?!config)|rest\/v1\/(?!orgs$|org_members$))/;

/** Holds back the answer to every request of a page. `refuse` then answers with errors, `open` with the answers of the mock servers. */
export function gate() {
  let state: 'closed' | 'refusing' | 'open' = 'closed';
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handler = http.all('*', async ({ request }) => {
    const { pathname } = new URL(request.url);
    if (!ofPages.test(pathname) || state === 'open') return undefined;
    await released;
    if (state !== 'refusing') return undefined;
    return pathname.startsWith('/api/')
      ? problem(503, 'busy', { detail: 'the server is busy' })
      : HttpResponse.json({ code: '57014', message: 'canceling statement due to statement timeout' }, { status: 500 });
  });
  const to = (next: typeof state) => () => {
    state = next;
    release();
  };
  return { handler, refuse: to('refusing'), open: to('open') };
}
