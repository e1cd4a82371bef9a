import { gzipSync } from 'node:zlib';
import type { Rolldown } from 'vite';

/** The most bytes of script that a browser loads before it draws the first page, compressed as the API serves them. */
export const initialBytesMax = 250_000;

export interface BundleReport {
  /** Every problem that was found; empty when there is none. */
  findings: string[];
  /** Bytes (gzip) of the script that every visit loads: the entry and all its static imports. */
  initialBytes: number;
  /** Bytes (gzip) of the script that each page loads in addition, by the file of the page. */
  pages: Map<string, number>;
}

/** Shapes of secrets that must not be in a bundle. The dashboard needs no key but the publishable one, which it asks the API for. */
const secrets: readonly [string, RegExp][] = [
  ['a token (JWT), such as a service_role key', /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/],
  ['a secret key of Supabase', /\bsb_secret_\w/],
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ['a master key', /\bv\d+:[A-Za-z0-9+/]{43}=/],
  ['a connection string with a password', /\bpostgres(ql)?:\/\/[^\s:/"'`]+:[^\s@"'`]+@/],
  ['a live secret of a platform', /\b(sk|rk)_live_\w|\bwhsec_[A-Za-z0-9+/=]{24}/],
  ['the name of a server secret', /\b(MASTER_KEY|OPERATOR_TOKEN|JWT_SECRET|SERVICE_ROLE(_KEY)?)\b/],
];

/**
 * Examines a build as Vite returns it. `pages` are the module files that must each be in a separate chunk. `markers` are values, by their names, that
 * were in the environment of the build and must not appear in its output.
 */
export function examineBundle(
  output: readonly (Rolldown.OutputChunk | Rolldown.OutputAsset)[],
  { pages, markers, limit = initialBytesMax }: { pages: readonly string[]; markers: Readonly<Record<string, string>>; limit?: number },
): BundleReport {
  const findings: string[] = [];
  const chunks = new Map(output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file] as const] : [])));
  const size = (names: Iterable<string>) => [...names].reduce((total, name) => total + gzipSync(chunks.get(name)?.code ?? '').length, 0);
  const closure = (names: readonly string[], into = new Set<string>()): Set<string> => {
    for (const name of names) {
      if (into.has(name)) continue;
      into.add(name);
      closure(chunks.get(name)?.imports ?? [], into);
    }
    return into;
  };

  const html = textOf(output.find((file) => file.fileName === 'index.html'));
  const named = [...html.matchAll(/<(?:script|link)\b[^>]*\b(?:src|href)="\/([^"]+\.js)"/g)].map(([, name]) => name as string);
  const initial = closure([...[...chunks.values()].filter((chunk) => chunk.isEntry).map((chunk) => chunk.fileName), ...named]);
  const initialBytes = size(initial);
  if (initial.size === 0) findings.push('the build has no entry chunk');
  if (initialBytes > limit) findings.push(`the initial script has ${kB(initialBytes)} (gzip), more than ${kB(limit)}`);

  const sizes = new Map<string, number>();
  for (const page of pages) {
    const own = [...chunks.values()].find((chunk) => chunk.isDynamicEntry && chunk.facadeModuleId === page);
    if (own && !initial.has(own.fileName)) sizes.set(page, size(closure([own.fileName]).difference(initial)));
    else findings.push(`${page} is not in a separate chunk: another module imports it statically`);
  }

  for (const file of output) {
    const text = textOf(file);
    if (file.fileName.endsWith('.map') || /[#@]\s*sourceMappingURL=/.test(text)) findings.push(`${file.fileName} is or has a source map`);
    for (const [what, shape] of secrets) if (shape.test(text)) findings.push(`${file.fileName} holds ${what}`);
    for (const [name, value] of Object.entries(markers))
      if (text.includes(value)) findings.push(`${file.fileName} holds the value of ${name}`);
  }
  for (const [tag] of html.matchAll(/<script\b[^>]*>/gi)) if (!/\bsrc=/.test(tag)) findings.push('index.html has an inline script');
  if (/<[^>]+\son\w+\s*=/i.test(html)) findings.push('index.html has an inline event handler');
  return { findings, initialBytes, pages: sizes };
}

const textOf = (file: Rolldown.OutputChunk | Rolldown.OutputAsset | undefined): string =>
  file === undefined ? '' : file.type === 'chunk' ? file.code : Buffer.from(file.source).toString('utf8');

export const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;
