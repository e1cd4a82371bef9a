import { expect, it } from 'vitest';
import { splitMailLink } from './mail-link.ts';

const landed = (path: string) => splitMailLink(new URL(path, 'https://tributary.example') as unknown as Location);
const session = 'access_token=a.b.c&expires_in=3600&refresh_token=r&token_type=bearer&type=signup';
const refused = 'error=access_denied&error_code=otp_expired&error_description=Email+link+is+invalid+or+has+expired';

it.each([
  ['an invite, whose token is in the fragment', `/invite#token=abc#${session}`, '/invite#token=abc', `/invite#${session}`],
  ['a page without a fragment', `/new-password#${session}`, '/new-password', `/new-password#${session}`],
  [
    'a page with a query',
    `/o/acme/events?q=a%20b&range=7d#${session}`,
    '/o/acme/events?q=a+b&range=7d',
    `/o/acme/events?q=a+b&range=7d#${session}`,
  ],
  ['a refusal', `/new-password?${refused}#${refused}`, '/new-password', `/new-password#${refused}`],
  ['a refused invite', `/invite?${refused}&sb=#token=abc#${refused}`, '/invite#token=abc', `/invite#${refused}`],
])('%s', (_what, path, page, answer) => {
  expect(landed(path)).toEqual({ page, answer });
});

it.each(['/', '/invite#token=abc', '/o/acme/overview#content', '/o/acme/events?error=1', '/sign-in#', '/a##'])(
  'does not treat %s as the link of a mail',
  (path) => {
    expect(landed(path)).toBeUndefined();
  },
);
