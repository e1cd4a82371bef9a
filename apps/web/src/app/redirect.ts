/** Where to go after sign-in: a path of this site, or the start. Anything a browser could read as another site is refused. */
export function safePath(path: string | undefined): string {
  if (!path?.startsWith('/') || path.startsWith('//') || /[\\\p{Cc}]/u.test(path)) return '/';
  const url = new URL(path, 'http://here.invalid');
  return url.origin === 'http://here.invalid' ? url.pathname + url.search + url.hash : '/';
}
