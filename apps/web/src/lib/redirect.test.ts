import { describe, expect, it } from 'vitest';
import { safePath } from './redirect.ts';

describe('where sign-in leads', () => {
  it('is the page that was asked for, with its filters', () => {
    expect(safePath('/o/acme/events?type=order.paid#x')).toBe('/o/acme/events?type=order.paid#x');
  });
  it('keeps the fragment of the page, and never leads to another site', () => {
    expect(safePath('/invite', 'token=abc')).toBe('/invite#token=abc');
    expect(safePath(undefined, 'token=abc')).toBe('/#token=abc');
    expect(safePath('//evil.example', 'x')).toBe('/');
  });
  it.each([
    undefined,
    '',
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    '/\n//evil.example',
    'evil',
  ])('is the start for %j', (path) => {
    expect(safePath(path)).toBe('/');
  });
});
