import { act, screen } from '@testing-library/react';
import { HttpResponse, http } from 'msw';
import { expect, it, vi } from 'vitest';
import { asked, loaded, mockServers, openAt, pass, until } from './app.tsx';
import { problem } from './mock/answers.ts';
import { looksOf } from './mock/looks.ts';
import { ids, orgSlug } from './mock/world.ts';

mockServers();

/** The shortest polling interval of a page (ui/live.tsx), and the most different requests of one page. */
const fastestSeconds = 5;
const questionsMax = 10;
/** The request that the overview polls. */
const polled = 'POST /rest/v1/rpc/ingest_timeseries';

const counted = () =>
  Object.entries(Object.groupBy(asked, (question) => question)).map(([question, all]) => [question, all?.length ?? 0] as const);
const over = (max: (question: string) => number) => counted().filter(([question, n]) => n > max(question));
const countOf = (question: string) => asked.filter((one) => one === question).length;

const looks = looksOf(orgSlug, { connection: ids.connection }).filter(({ name }) =>
  /^(overview|connections|connection-activity|events|dead-letters-groups|replays|alerts-incidents|settings-members|pipeline)$/.test(name),
);

it.each(looks)('$name, left open for a minute, polls no more often than its interval allows', async ({ path }) => {
  await openAt(path);
  await loaded();
  asked.length = 0;
  await pass(60_000, 250);
  // Every page checks at least whether the API answers. Without any request this test would prove nothing.
  expect(asked.length).toBeGreaterThan(0);
  expect(over(() => 60 / fastestSeconds + 1)).toEqual([]);
  expect(asked.length).toBeLessThanOrEqual((questionsMax * 60) / fastestSeconds / 2);
});

it('polls a running replay plan every two seconds, and everything else no more often than on other pages', async () => {
  await openAt(`/o/${orgSlug}/replays`, { world: { running: true } });
  await loaded();
  asked.length = 0;
  await pass(60_000, 250);
  expect(over((question) => (question === 'GET /api/replays' ? 60 / 2 + 1 : 60 / fastestSeconds + 1))).toEqual([]);
});

it('counts requests on nine pages', () => {
  expect(looks).toHaveLength(9);
});

/** Hides or shows the page as a browser does when the user switches tabs. */
async function setVisible(visible: boolean): Promise<void> {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(visible ? 'visible' : 'hidden');
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(!visible);
  await act(async () => {
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  });
}

it('sends no request from a hidden tab, and fetches once when the tab is shown again', async () => {
  await openAt(`/o/${orgSlug}/overview?range=1h`);
  await loaded();
  asked.length = 0;
  // While the tab is visible, the overview polls.
  await pass(12_000);
  expect(countOf(polled)).toBeGreaterThan(1);

  await setVisible(false);
  await pass(1_000);
  asked.length = 0;
  await pass(120_000, 500);
  expect(asked).toEqual([]);

  await setVisible(true);
  await pass(1_000);
  expect(countOf(polled)).toBeGreaterThan(0);
  // Each request is sent once because the tab is shown again, and once more where the next poll happened to be due.
  expect(over(() => 2)).toEqual([]);
});

const banner = () => screen.queryByText(/The server cannot be reached/);

it.each([
  ['answer with errors', () => problem(500, 'internal')],
  ['do not answer', () => HttpResponse.error()],
])('does not flood servers that %s, and recovers by itself once they work again', async (_trouble, answer) => {
  let trouble: (() => Response) | undefined;
  await openAt(`/o/${orgSlug}/overview?range=1h`, { instead: [http.all('*', () => trouble?.())] });
  await loaded();
  trouble = answer;
  await until(() => expect(banner()).toBeTruthy());

  asked.length = 0;
  const seconds = 30;
  await pass(seconds * 1000, 250);
  // The page checks every three seconds whether the servers work again. Every other request is tried three times, then again after a
  // minute.
  const pings = Math.ceil(seconds / 3) + 1;
  expect(countOf('GET /health')).toBeGreaterThan(2);
  expect(over((question) => (/ \/(health|rest\/v1\/orgs)$/.test(question) ? pings : 6))).toEqual([]);

  trouble = undefined;
  asked.length = 0;
  await until(() => expect(banner()).toBeNull());
  await until(() => expect(countOf(polled)).toBeGreaterThan(0));
  await pass(500);
  expect(over(() => 3)).toEqual([]);
});
