import { act, fireEvent, screen } from '@testing-library/react';
import { HttpResponse, http } from 'msw';
import { expect, it } from 'vitest';
import { accessibilityViolations, asked, loaded, mockServers, openAt, pass, until } from './app.tsx';
import { ids, orgSlug } from './mock/world.ts';

mockServers();

/** A network whose connection can be cut for some requests, which then get no answer. */
function cuttable(pattern: RegExp) {
  let cut = false;
  const handler = http.all('*', ({ request }) => (cut && pattern.test(new URL(request.url).pathname) ? HttpResponse.error() : undefined));
  return {
    handler,
    cut: () => {
      cut = true;
    },
    restore: () => {
      cut = false;
    },
  };
}

const banner = () => screen.queryByText(/The server cannot be reached/);
const press = (name: string) => act(async () => fireEvent.click(screen.getByRole('button', { name })));
const events = () => screen.queryAllByRole('link', { name: 'order.paid' });

it.each([
  ['the API', /^\/(api|health)/],
  ['the Data API', /^\/rest\//],
])('says once that %s does not answer, keeps the data on the page, and recovers by itself', async (_silent, pattern) => {
  const { handler, cut, restore } = cuttable(pattern);
  await openAt(`/o/${orgSlug}/connections/${ids.connection}`, { instead: [handler] });
  await loaded();
  await until(() => expect(events()).not.toEqual([]));
  const before = events().length;
  cut();
  await until(() => expect(banner()).toBeTruthy());
  expect(events()).toHaveLength(before);
  expect(screen.queryAllByRole('alert')).toEqual([]);
  expect(await accessibilityViolations()).toEqual([]);

  restore();
  asked.length = 0;
  await until(() => expect(banner()).toBeNull());
  await until(() => expect(asked).toContain('GET /rest/v1/canonical_events'));
  expect(events()).toHaveLength(before);
});

it('explains why a command failed without a network, and does not send the command later', async () => {
  const { handler, cut, restore } = cuttable(/./);
  await openAt(`/o/${orgSlug}/connections/${ids.connection}`, { instead: [handler] });
  await loaded();
  await press('Pause');
  await until(() => expect(screen.getByRole('button', { name: 'Pause and refuse deliveries' })).toBeTruthy());
  cut();
  await until(() => expect(banner()).toBeTruthy());
  await press('Pause and refuse deliveries');
  await until(() => expect(screen.getByRole('dialog').textContent).toContain('The server does not answer'));
  restore();
  asked.length = 0;
  await until(() => expect(banner()).toBeNull());
  await pass(20_000);
  expect(asked.filter((question) => question.startsWith('PATCH'))).toEqual([]);
  expect(screen.getByRole('button', { name: 'Pause and refuse deliveries' })).toBeTruthy();
});

it('says on a first visit that the API does not answer, and continues when the user tries again', async () => {
  const config = cuttable(/^\/api\/config$/);
  const reads = cuttable(/^\/rest\//);
  config.cut();
  reads.cut();
  await openAt(`/o/${orgSlug}/overview`, { instead: [config.handler, reads.handler] });
  await until(() => expect(screen.getByRole('alert').textContent).toContain('The server does not answer'));
  expect(await accessibilityViolations()).toEqual([]);
  config.restore();

  // Now the API answers and the Data API does not, so the org cannot be loaded. The user can try that again too.
  await press('Try again');
  await until(() => expect(screen.getByRole('alert').textContent).toContain('This could not be loaded'));
  reads.restore();
  await press('Try again');
  await until(() => expect(screen.getByRole('heading', { name: 'Overview', level: 1 })).toBeTruthy());
});

it('keeps a session whose renewal gets no answer', async () => {
  const renewals = cuttable(/^\/auth\/v1\/token$/);
  renewals.cut();
  await openAt(`/o/${orgSlug}/connections`, { instead: [renewals.handler], stored: { expires_at: 1 } });
  await until(() => expect(screen.getByText(/The server is slow to answer/)).toBeTruthy());
  // The client retries the renewal for half a minute.
  await until(() => expect(screen.getByRole('alert').textContent).toContain('The server does not answer'), 90);
  renewals.restore();
  await press('Try again');
  await until(() => expect(screen.getByRole('link', { name: 'Hotmart shop' })).toBeTruthy());
});

it('leads to sign-in when a session cannot be renewed, and from there back to the same page', async () => {
  let refused = true;
  const handler = http.post('*/auth/v1/token', () =>
    refused
      ? HttpResponse.json({ code: 400, error_code: 'refresh_token_not_found', msg: 'Invalid Refresh Token' }, { status: 400 })
      : undefined,
  );
  await openAt(`/o/${orgSlug}/connections?state=active`, { instead: [handler], stored: { expires_at: 1 } });
  await until(() => expect(screen.getByRole('heading', { name: 'Sign in' })).toBeTruthy());
  expect(screen.queryByRole('link', { name: 'Hotmart shop' })).toBeNull();
  refused = false;
  fireEvent.change(screen.getByLabelText('E-mail'), { target: { value: 'ana@example.com' } });
  fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'long enough' } });
  await press('Sign in');
  await until(() => expect(screen.getByRole('link', { name: 'Hotmart shop' })).toBeTruthy());
  expect(window.location.pathname + window.location.search).toBe(`/o/${orgSlug}/connections?state=active`);
});
