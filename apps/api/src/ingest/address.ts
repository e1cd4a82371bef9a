const prefix = '/api/webhooks/';

/** Blanks and invisible characters that people copy with a URL, decoded or not. */
const pasted = String.raw`(?:[\s\u200b\u2060\ufeff]|%(?:20|09|0a|0d|e2%80%8b|ef%bb%bf|c2%a0))+`;
const pastedAround = new RegExp(`^${pasted}|${pasted}$`, 'gi');

/**
 * The path of a webhook URL in its one spelling: without doubled slashes, a slash at the end and blanks that were pasted with the URL. People type and
 * paste these URLs into panels, and a genuine delivery must not be lost to a character that nobody sees. Other paths are returned unchanged. Schemes
 * that sign the URL are verified with the URL as it was called.
 */
export function webhookPath(path: string): string {
  const isPlain = path.startsWith(prefix) && !path.includes('//') && !path.endsWith('/') && !/[%\s\u200b\u2060\ufeff]/.test(path);
  if (isPlain || !/^\/+api\/+webhooks\//i.test(path)) return path;
  const segments = path.split('/').map((segment) => segment.replace(pastedAround, ''));
  return `/${segments.filter((segment) => segment !== '').join('/')}`;
}
