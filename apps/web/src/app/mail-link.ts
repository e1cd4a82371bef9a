/**
 * Splits the address that the link of a mail (confirm the address, set a new password) led to: into the page that the mail was requested
 * for, and the answer of Supabase Auth. Auth appends its answer behind a # even where the page's address already has a fragment, as an
 * invite's does, and repeats a refusal in the query. Both results are URL references for the address bar. Returns undefined when the
 * address is not such a link.
 */
export function splitMailLink({
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
