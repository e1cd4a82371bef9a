import { screen, within } from '@testing-library/react';
import { HttpResponse, http } from 'msw';
import { expect, it } from 'vitest';
import { accessibilityViolations, loaded, mockServers, openAt, until } from './app.tsx';
import { ids, orgSlug } from './mock/world.ts';

mockServers();

const page = `/o/${orgSlug}/connections/${ids.connection}`;
const section = () => screen.getByRole('region', { name: 'Rejected deliveries' });

it('the page of a connection shows why deliveries were rejected, how many, and what to do', async () => {
  await openAt(page);
  await loaded();
  await until(() => expect(within(section()).getAllByRole('listitem')).toHaveLength(2));
  const [first] = within(section()).getAllByRole('listitem');
  expect(first?.textContent).toContain('The hottok was wrong or missing');
  expect(first?.textContent).toContain('Compare the hottok of this connection');
  expect(first?.textContent).toMatch(/24 h: 4 · 7 days: 9/);
  expect(await accessibilityViolations()).toEqual([]);
});

it('an answer that the page does not know is shown by its code, and answers with 503 are one reason that needs no act', async () => {
  const row = { last_day: 1, last_week: 1, last_at: new Date().toISOString() };
  const handler = http.post('*/rest/v1/rpc/rejections_by_reason', () =>
    HttpResponse.json([
      { code: 'teapot', ...row },
      { code: 'overloaded', ...row },
    ]),
  );
  await openAt(page, { instead: [handler] });
  await loaded();
  await until(() => expect(section().textContent).toContain('teapot'));
  expect(section().textContent).toContain('nothing has to be done');
});
