import { act, screen } from '@testing-library/react';
import { HttpResponse, http } from 'msw';
import { expect, it, vi } from 'vitest';
import { asked, loaded, mockServers, openAt, pass, until } from './app.tsx';
import { problem } from './mock/answers.ts';
import { looksOf } from './mock/looks.ts';
import { ids, orgSlug } from './mock/world.ts';

mockServers();

/** The shortest interval at which a page asks again (ui/live.tsx), and how many different things one page asks for at most. */
const fastestSeconds = 5;
const questionsMax = 10;
/** What the overview asks by itself. */
const polled = 'POST /rest/v1/rpc/ingest_timeseries';

const counted = () =>
  Object.entries(Object.groupBy(asked, (question) => question)).map(([question, all]) => [question, all?.length ?? 0] as const);
const over = (max: (question: string) => number) => counted().filter(([question, n]) => n > max(question));
const countOf = (question: string) => asked.filter((one) => one === question).length;

const looks = looksOf(orgSlug, { connection: ids.connection }).filter(({ name }) =>
  /^(overview|connections|connection-activity|events|dead-letters-groups|replays|alerts-incidents|settings-members|pipeline)$/.test(name),
);

it.each(looks)('$name, left open for a minute, asks no more often than it says', async ({ path }) => {
  await openAt(path);
  await loaded();
  asked.length = 0;
  await pass(60_000, 250);
  // A page that asks nothing would be a test of nothing: each at least asks whether the API is there.
  expect(asked.length).toBeGreaterThan(0);
  expect(over(() => 60 / fastestSeconds + 1)).toEqual([]);
  expect(asked.length).toBeLessThanOrEqual((questionsMax * 60) / fastestSeconds / 2);
});

it('follows a replay plan that runs every two seconds, and everything else as seldom as ever', async () => {
  await openAt(`/o/${orgSlug}/replays`, { world: { running: true } });
  await loaded();
  asked.length = 0;
  await pass(60_000, 250);
  expect(over((question) => (question === 'GET /api/replays' ? 60 / 2 + 1 : 60 / fastestSeconds + 1))).toEqual([]);
});

it('counts requests on nine pages', () => {
  expect(looks).toHaveLength(9);
});

/** As when another tab comes to the front, or this one again: what browsers tell a page then. */
async function setVisible(visible: boolean): Promise<void> {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(visible ? 'visible' : 'hidden');
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(!visible);
  await act(async () => {
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  });
}

it('asks nothing in a hidden tab, and one round when the tab is looked at again', async () => {
  await openAt(`/o/${orgSlug}/overview?range=1h`);
  await loaded();
  asked.length = 0;
  // Seen, it asks by itself: the first thing that is asked twice is polled.
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
  // Once for coming back; once more where the next round happened to be due.
  expect(over(() => 2)).toEqual([]);
});

const banner = () => screen.queryByText(/The server cannot be reached/);

it.each([
  ['answer with errors', () => problem(500, 'internal')],
  ['do not answer', () => HttpResponse.error()],
])('does not storm servers that %s, and goes on by itself when they are well', async (_trouble, answer) => {
  let trouble: (() => Response) | undefined;
  await openAt(`/o/${orgSlug}/overview?range=1h`, { instead: [http.all('*', () => trouble?.())] });
  await loaded();
  trouble = answer;
  await until(() => expect(banner()).toBeTruthy());

  asked.length = 0;
  const seconds = 30;
  await pass(seconds * 1000, 250);
  // Whether the servers are back is asked every three seconds; everything else three times, then again after a minute.
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
