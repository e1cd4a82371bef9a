/**
 * Where the link of a mail (confirm the address, set a new password) led, in two: the page, as the mail was asked for it, and the answer of
 * Supabase Auth. That is appended behind a # even where the page's address has a fragment of its own, as an invite's does, and a refusal
 * stands in the query as well. Both are references to put into the address bar; undefined: no such link led here.
 */
export function takeApart({
  pathname,
  search,
  hash,
}: Pick<Location, 'pathname' | 'search' | 'hash'>): { page: string; answer: string } | undefined {
  const at = hash.lastIndexOf('#');
  const answer = at < 0 ? '' : hash.slice(at);
  if (!/[#&](access_token|error_code|error)=/.test(answer)) return undefined;
  const query = new URLSearchParams(search);
  for (const name of ['error', 'error_code', 'error_description', 'sb']) query.delete(name);
  const path = pathname + (query.size > 0 ? `?${query}` : '');
  return { page: path + hash.slice(0, at), answer: path + answer };
}
