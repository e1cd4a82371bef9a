import { fireEvent, screen, within } from '@testing-library/react';
import { expect, it } from 'vitest';
import { accessibilityViolations, mockServers, openAt, until } from './app.tsx';
import { operatorToken } from './mock/flow.ts';
import { orgSlug } from './mock/world.ts';

mockServers();

const type = (label: string | RegExp, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });

async function unlock(token: string) {
  type(/^Operator token/, token);
  fireEvent.click(screen.getByRole('button', { name: 'Open' }));
}

it('lists the orgs of the installation for an operator, who suspends one with a reason and reactivates it', async () => {
  await openAt(`/o/${orgSlug}/installation`);
  await until(() => screen.getByText('For operators'));
  await unlock('a wrong token');
  await until(() => screen.getByText('This is not the operator token.'));
  await unlock(operatorToken);
  await until(() => screen.getByRole('table', { name: 'Orgs of the installation' }));
  expect(within(screen.getByRole('table', { name: 'Orgs of the installation' })).getByText('812 MB')).toBeTruthy();
  expect(await accessibilityViolations()).toEqual([]);

  fireEvent.click(screen.getByRole('button', { name: 'Loja Aurora' }));
  await until(() => screen.getByRole('button', { name: 'Suspend' }));
  expect(screen.getByRole('rowheader', { name: 'Open invitations' })).toBeTruthy();
  type(/^Reason/, 'Floods strangers with mail');
  fireEvent.click(screen.getByRole('button', { name: 'Suspend' }));
  await until(() => screen.getByRole('button', { name: 'Reactivate' }));
  expect(screen.getByText('Floods strangers with mail')).toBeTruthy();
  fireEvent.click(screen.getByRole('button', { name: 'Reactivate' }));
  await until(() => screen.getByRole('button', { name: 'Suspend' }));
  expect(await accessibilityViolations()).toEqual([]);
});
