/**
 * The address to go to after sign-in: a path of this site, or the start page. Anything that a browser could read as another site is
 * refused. `hash` is the fragment of the current page: a secret in it, such as the token of an invite, stays in the fragment, which no
 * server and no log sees.
 */
export function safePath(next: string | undefined, hash = ''): string {
  const path = hash === '' ? next : `${next ?? '/'}#${hash}`;
  if (!path?.startsWith('/') || path.startsWith('//') || /[\\\p{Cc}]/u.test(path)) return '/';
  const url = new URL(path, 'http://here.invalid');
  return url.origin === 'http://here.invalid' ? url.pathname + url.search + url.hash : '/';
}
