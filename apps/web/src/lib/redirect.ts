/**
 * Where to go after sign-in: a path of this site, or the start. Anything a browser could read as another site is refused. `hash` is the
 * fragment of the page of the moment: a secret in it, as an invite's token, waits there, where no server and no log gets to see it.
 */
export function safePath(next: string | undefined, hash = ''): string {
  const path = hash === '' ? next : `${next ?? '/'}#${hash}`;
  if (!path?.startsWith('/') || path.startsWith('//') || /[\\\p{Cc}]/u.test(path)) return '/';
  const url = new URL(path, 'http://here.invalid');
  return url.origin === 'http://here.invalid' ? url.pathname + url.search + url.hash : '/';
}
