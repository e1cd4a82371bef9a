import { act, fireEvent, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { accessibilityViolations, gate, loaded, mockServers, openAt, until } from './app.tsx';
import { requestId } from './mock/answers.ts';
import { looksOf } from './mock/looks.ts';
import { ids, orgSlug } from './mock/world.ts';

mockServers();

const { connection, event, deadLetter, quarantined, plan, incident } = ids;
const looks = looksOf(orgSlug, { connection, event, deadLetter, quarantined, plan, incident });

/** Pages that show their content without loading anything first. */
const needNothing = new Set(['pipeline', 'installation']);

const failures = () => screen.queryAllByRole('alert').filter((one) => /This could not be loaded|could not be/.test(one.textContent ?? ''));
const busyStates = () => screen.queryAllByRole('status', { name: 'Loading…' });

describe.each(looks.filter(({ name }) => !needNothing.has(name)))('$name', ({ path }) => {
  it('shows that it is loading, then why loading failed, and shows its data after the user tries again', async () => {
    const { handler, refuse, open } = gate();
    await openAt(path, { instead: [handler] });
    await until(() => expect(busyStates()).not.toEqual([]));
    expect(failures()).toEqual([]);
    expect(await accessibilityViolations()).toEqual([]);

    refuse();
    await until(() => expect(failures()).not.toEqual([]));
    await until(() => expect(busyStates()).toEqual([]));
    const said = failures().map((one) => one.textContent);
    expect(said.join()).toMatch(new RegExp(`${requestId}|statement timeout`));
    expect(await accessibilityViolations()).toEqual([]);

    open();
    for (const retry of screen.getAllByRole('button', { name: 'Try again' })) await act(async () => fireEvent.click(retry));
    await loaded();
    await until(() => expect(failures()).toEqual([]));
  });
});
