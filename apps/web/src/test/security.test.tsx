import { act, fireEvent, screen, within } from '@testing-library/react';
import { HttpResponse, http } from 'msw';
import { describe, expect, it } from 'vitest';
import { accessibilityViolations, asked, loaded, mockServers, openAt, until } from './app.tsx';
import { problem } from './mock/answers.ts';
import { ago, idOf, ids, makeWorld, orgSlug, session } from './mock/world.ts';

mockServers();

const security = `/o/${orgSlug}/settings?tab=security`;
const auth = `${makeWorld().supabaseUrl}/auth/v1`;
const click = (name: string | RegExp, inside: HTMLElement = document.body) =>
  act(async () => void fireEvent.click(within(inside).getByRole('button', { name })));
const type = (label: string, value: string) => act(async () => void fireEvent.change(screen.getByLabelText(label), { target: { value } }));

const tokenOf = (aal: string) => `header.${btoa(JSON.stringify({ sub: ids.user, aal }))}.signature`;
const factor = {
  id: idOf('f', 1),
  factor_type: 'totp',
  status: 'verified',
  friendly_name: 'Phone',
  created_at: ago(10),
  updated_at: ago(10),
};
const withFactor = (aal: string) => ({ ...session(), access_token: tokenOf(aal), user: { ...session().user, factors: [factor] } });

/** Supabase Auth with TOTP, as GoTrue answers: one factor that becomes active by the code 123456. */
function goTrue() {
  let factors: object[] = [];
  return [
    http.get(`${auth}/user`, () => HttpResponse.json({ ...session().user, factors })),
    http.post(`${auth}/factors`, () =>
      HttpResponse.json({
        id: factor.id,
        type: 'totp',
        friendly_name: 'x',
        totp: { qr_code: '<svg/>', secret: 'JBSWY3DP', uri: 'otpauth://totp/x' },
      }),
    ),
    http.post(`${auth}/factors/:id/challenge`, () => HttpResponse.json({ id: idOf('f', 2), type: 'totp', expires_at: 4_000_000_000 })),
    http.post(`${auth}/factors/:id/verify`, async ({ request }) => {
      const { code } = (await request.json()) as { code: string };
      if (code !== '123456')
        return HttpResponse.json({ code: 422, error_code: 'mfa_verification_failed', msg: 'Invalid TOTP code entered' }, { status: 422 });
      factors = [factor];
      return HttpResponse.json(withFactor('aal2'));
    }),
    http.delete(`${auth}/factors/:id`, () => {
      factors = [];
      return HttpResponse.json({ id: factor.id });
    }),
  ];
}

describe('the second factor', () => {
  it('is set up by a picture or a secret and the first code, is listed, and can be removed', async () => {
    await openAt(security, { instead: goTrue() });
    await loaded();
    expect(screen.getByText('You have no second factor.')).toBeTruthy();
    await click('Add an authenticator app');
    const dialog = await until(() => screen.getByRole('dialog', { name: 'Add an authenticator app' }));
    expect(
      within(dialog)
        .getByRole('img', { name: /QR code/ })
        .getAttribute('src'),
    ).toContain('data:image/svg+xml');
    expect(within(dialog).getByText('JBSWY3DP')).toBeTruthy();
    expect(await accessibilityViolations()).toEqual([]);
    await type('Code of six digits', '12');
    await click('Confirm', dialog);
    expect(screen.getByText('Enter the six digits that the app shows.')).toBeTruthy();
    await type('Code of six digits', '000 000');
    await click('Confirm', dialog);
    await until(() => expect(within(dialog).getByRole('alert').textContent).toBe('The code is wrong or too old. Enter the newest one.'));
    await type('Code of six digits', '123 456');
    await click('Confirm', dialog);
    await until(() => expect(screen.getByText(/is active, and you are signed in with it/)).toBeTruthy());
    await click(
      'Close',
      screen
        .getByText(/is active/)
        .closest('[role=dialog]')
        ?.querySelector('[class*=Stack]') as HTMLElement,
    );
    await until(() => expect(screen.getByRole('table', { name: 'Your second factor' })).toBeTruthy());
    await click('Remove');
    await click('Remove', await until(() => screen.getByRole('dialog', { name: 'Remove the second factor' })));
    await until(() => expect(screen.getByText('You have no second factor.')).toBeTruthy());
  });

  it('is said to be unavailable where the sign-in service does not offer it', async () => {
    await openAt(security, { instead: [http.post(`${auth}/factors`, () => HttpResponse.json({ message: 'not found' }, { status: 404 }))] });
    await loaded();
    await click('Add an authenticator app');
    await until(() =>
      expect(screen.getByRole('alert').textContent).toBe('The sign-in service of this installation offers no second factor.'),
    );
  });

  it('is asked for after the password, before any page of an org, in Portuguese too', async () => {
    await openAt(`/o/${orgSlug}/events`, { instead: goTrue(), stored: withFactor('aal1'), language: 'pt-BR' });
    await loaded();
    expect(screen.getByRole('heading', { name: 'Digite o seu segundo fator' })).toBeTruthy();
    expect(asked.filter((question) => question.includes('/rest/v1/'))).toEqual([]);
    expect(await accessibilityViolations()).toEqual([]);
    await type('Código de seis dígitos', '123456');
    await click('Continuar');
    await until(() => expect(window.location.pathname).toBe(`/o/${orgSlug}/events`));
  });

  it('is not asked for again in a session that has it', async () => {
    await openAt(`/o/${orgSlug}/overview`, { stored: withFactor('aal2') });
    await loaded();
    expect(window.location.pathname).toBe(`/o/${orgSlug}/overview`);
  });

  it('that an org requires is named when a command is refused without it', async () => {
    await openAt(`/o/${orgSlug}/settings`, { instead: [http.patch('*/api/orgs/:id', () => problem(403, 'mfa_required'))] });
    await loaded();
    await type('Name', 'Another name');
    await click('Save');
    await until(() => expect(screen.getByRole('alert').textContent).toContain('Your org requires a second factor for this.'));
  });
});

describe('acts that wait for a second person', () => {
  it('are listed with what they do, and a colleague’s can be approved and one’s own withdrawn', async () => {
    await openAt(security);
    await loaded();
    const table = screen.getByRole('table', { name: 'Waiting for a second person' });
    const row = (words: string) => within(table).getByText(words).closest('tr') as HTMLElement;
    expect(within(row('Erase a person, named by email')).getByRole('button', { name: 'Approve' })).toBeTruthy();
    expect(within(row('Make a new hash key')).queryByRole('button', { name: 'Approve' })).toBeNull();
    expect(within(row('Make a new hash key')).getByRole('button', { name: 'Withdraw' })).toBeTruthy();
    expect(within(row('Purge 1200 dead letters')).getByText(/approved/)).toBeTruthy();
    await click('Approve', row('Erase a person, named by email'));
    await click('Approve', await until(() => screen.getByRole('dialog', { name: 'Approve and do it' })));
    await until(() => expect(asked).toContain(`POST /api/approvals/${idOf('d', 1)}/approve`));
  });

  it('are counted in the menu, without one’s own', async () => {
    await openAt(`/o/${orgSlug}/overview`);
    await loaded();
    await until(() => expect(screen.getByRole('img', { name: 'Requests that wait for a second person: 1' })).toBeTruthy());
  });

  it('are announced where the command was given, because nothing has been done yet', async () => {
    const waits = () => HttpResponse.json({ approvalId: idOf('d', 9), kind: 'release_hold', expiresAt: ago(-9_000) }, { status: 202 });
    await openAt(`/o/${orgSlug}/settings?tab=privacy`, { instead: [http.post('*/api/legal-holds/:id/release', waits)] });
    await loaded();
    await click('Release');
    const dialog = await until(() => screen.getByRole('dialog', { name: /Release/ }));
    await act(async () => void fireEvent.click(within(dialog).getAllByRole('button').at(-1) as HTMLElement));
    await until(() => expect(within(dialog).getByRole('alert').textContent).toContain('Nothing has been done yet'));
  });

  it('are chosen by owners, and shown to admins', async () => {
    await openAt(security, { world: { role: 'admin' } });
    await loaded();
    expect(screen.queryAllByRole('switch')).toEqual([]);
    expect(screen.getByText('Only owners change these rules.')).toBeTruthy();
  });

  it('become more when an owner saves the rules', async () => {
    await openAt(security);
    await loaded();
    await act(async () => void fireEvent.click(screen.getByRole('checkbox', { name: 'Releasing a legal hold' })));
    await click('Save the rules');
    await until(() => expect(asked).toContain(`PATCH /api/orgs/${ids.org}/security`));
  });
});

it('verifies the chain of the audit log in as many requests as it takes', async () => {
  let requests = 0;
  const verdict = (isEnd: boolean) => ({
    verifiedTo: isEnd ? 12 : 5,
    hash: 'cd'.repeat(32),
    entryAt: ago(1),
    entries: 5,
    isEnd,
    problem: null,
    problemAt: null,
  });
  await openAt(`/o/${orgSlug}/settings?tab=audit`, {
    instead: [http.get('*/api/audit/verify', () => HttpResponse.json(verdict(requests++ > 0)))],
  });
  await loaded();
  await click('Verify the chain');
  await until(() => expect(screen.getByText(/The chain of all 12 entries is intact/)).toBeTruthy());
  expect(requests).toBe(2);
});
