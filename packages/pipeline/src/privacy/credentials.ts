import { Buffer } from 'node:buffer';
import { findBodyField } from '../reading/body-field.ts';
import { isObject } from '../reading/fields.ts';
import { decodeComponent, fieldPath } from '../reading/form.ts';
import { stringEnd } from '../reading/json.ts';
import { compilePaths, type PathState, step } from '../reading/paths.ts';
import type { Body, Credentials, Delivery } from '../source.ts';

const mask = '[redacted]';
/** Up to this many values are masked one by one in a body that is not decoded. */
const spansMax = 1_000;
/** Query parameters that carry a credential in every source: a secret that was pasted under a wrong name must not reach a log. */
const commonQuery = ['token', 'access_token', 'key', 'api_key', 'apikey', 'secret', 'password', 'hottok', 'signature', 'sig', 'auth'];
/** Authentication schemes before a credential in a header. They are not secret, and verifiers compare them without case. */
const authScheme = /^(?:basic|bearer|token|api-?key|key|secret) +/i;
/** Decodes every byte to one character, so that positions in the text are positions in the bytes. */
const latin1 = new TextDecoder('windows-1252');
const ascii = new TextEncoder();
const utf8 = new TextDecoder();

export interface Redacted {
  url: string;
  raw: Uint8Array;
  /** False where the body could not be parsed, so that its credential was searched by name only. */
  exact: boolean;
}

/** A value as it is written in JSON, and in a form or query. */
interface Written {
  json: string;
  form: string;
}

const masked: Written = { json: `"${mask}"`, form: mask };

/**
 * URL and body as they may be stored: the values of credentials are replaced by `[redacted]`, and every other byte stays as it was sent.
 * A body without a credential is returned unchanged, without a copy. `body` is undefined where the body could not be decoded, or was not
 * decoded because the delivery is not genuine.
 */
export function redactCredentials(
  delivery: Pick<Delivery, 'url' | 'headers' | 'raw'>,
  body: Body | undefined,
  credentials: Credentials,
): Redacted {
  const url = redactUrl(delivery.url, credentials.query);
  return { url, ...replaceInBody(delivery, body, credentials.body, masked) };
}

/**
 * The inverse of {@link redactCredentials} and {@link maskHeader} for the credentials that are known again: `values` go by place
 * (`body:<path>`, `query:<name>` or `header:<name>`, as presentedCredentials names them). A place without a value stays redacted.
 */
export function restoreCredentials<Masked extends Pick<Delivery, 'url' | 'headers' | 'raw'>>(
  delivery: Masked,
  body: Body | undefined,
  values: Readonly<Record<string, string>>,
): Masked {
  let { url, raw } = delivery;
  const headers = { ...delivery.headers };
  for (const [place, value] of Object.entries(values)) {
    const written = { json: JSON.stringify(value), form: encodeURIComponent(value) };
    const name = place.slice(place.indexOf(':') + 1);
    if (place.startsWith('query:')) url = replaceInUrl(url, (parameter) => parameter === name, written.form);
    else if (place.startsWith('body:')) raw = replaceInBody({ ...delivery, raw }, body, [name], written).raw;
    else if (headers[name] !== undefined) headers[name] = schemeOf(headers[name]) + value;
  }
  return { ...delivery, url, headers, raw };
}

/** The header with its credential masked. The authentication scheme before the credential stays. */
export function maskHeader(value: string): string {
  return schemeOf(value) + mask;
}

/** The credential that {@link maskHeader} masks. */
export function headerCredential(value: string): string {
  return value.slice(schemeOf(value).length);
}

function schemeOf(header: string): string {
  return authScheme.exec(header)?.[0] ?? '';
}

function replaceInBody(
  delivery: Pick<Delivery, 'headers' | 'raw'>,
  body: Body | undefined,
  paths: readonly string[],
  written: Written,
): Omit<Redacted, 'url'> {
  const { raw } = delivery;
  if (paths.length === 0 || raw.length === 0 || lacksAll(body, raw, paths) || !mayCarry(raw, paths)) return { raw, exact: true };
  if (body === undefined) {
    const spans = spansOfFields(delivery, paths, written);
    return { raw: replaceSpans(raw, spans ?? spansByName(latin1.decode(raw), paths)), exact: spans !== undefined };
  }
  const state = statesOf(paths);
  if (body.kind === 'empty' || state === undefined) return { raw, exact: true };
  const text = latin1.decode(raw);
  const spans = body.kind === 'form' ? formSpans(text, state, written.form) : jsonSpans(text, raw, state, written.json);
  return { raw: replaceSpans(raw, spans), exact: true };
}

/** Positions of top-level fields in a body that is not decoded; undefined where the scan cannot find all of them. */
function spansOfFields(delivery: Pick<Delivery, 'headers' | 'raw'>, paths: readonly string[], written: Written): Span[] | undefined {
  const fields = paths.map((path) => findBodyField(delivery, path));
  if (fields.some((field) => !field.isComplete) || paths.some((path) => path.includes('.'))) return undefined;
  return inOrder(fields.flatMap(({ places, kind }) => places.map((place) => ({ ...place, with: written[kind] }))));
}

/** The URL with the values of credential parameters masked and everything else unchanged. */
export function redactUrl(url: string, names: readonly string[] = []): string {
  return replaceInUrl(url, (name) => isCredentialParameter(name, names), mask);
}

export function isCredentialParameter(name: string, names: readonly string[]): boolean {
  return names.includes(name) || commonQuery.includes(name.toLowerCase());
}

function replaceInUrl(url: string, matches: (name: string) => boolean, value: string): string {
  const start = url.indexOf('?');
  if (start === -1) return url;
  return (
    url.slice(0, start + 1) +
    url.slice(start + 1).replace(/([^&#=]+)=([^&#]*)/g, (pair, name: string) => (matches(decodeOrKeep(name)) ? `${name}=${value}` : pair))
  );
}

const states = new WeakMap<readonly string[], PathState>();

function statesOf(paths: readonly string[]): PathState | undefined {
  let state = states.get(paths);
  if (state === undefined) {
    state = compilePaths(paths);
    if (state !== undefined) states.set(paths, state);
  }
  return state;
}

/**
 * Whether the bytes are a decoded object without any of the fields at its top, so that the bytes need no search (measured: 3 µs of a purchase). An
 * object further down may stand in the bytes twice, of which only the last is decoded.
 */
function lacksAll(body: Body | undefined, raw: Uint8Array, paths: readonly string[]): boolean {
  if (body?.kind !== 'json' || raw[0] !== 0x7b || !isObject(body.value)) return false;
  for (const path of paths) if (path.includes('.') || path === '*' || Object.hasOwn(body.value, path)) return false;
  return true;
}

/** A quick test on the bytes: whether they contain the name of a field, or escapes that may spell it. */
function mayCarry(raw: Uint8Array, paths: readonly string[]): boolean {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  return bytes.includes('\\u00') || bytes.includes('%') || paths.some((path) => bytes.includes(lastKey(path)));
}

function lastKey(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

interface Span {
  start: number;
  end: number;
  with: string;
}

function replaceSpans(raw: Uint8Array, spans: readonly Span[]): Uint8Array {
  if (spans.length === 0) return raw;
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const span of spans) {
    parts.push(raw.subarray(from, span.start), ascii.encode(span.with));
    from = span.end;
  }
  parts.push(raw.subarray(from));
  const out = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function formSpans(text: string, state: PathState, value: string): Span[] {
  const spans: Span[] = [];
  let start = 0;
  for (const pair of text.split('&')) {
    const equals = pair.indexOf('=');
    let reached: PathState | undefined = state;
    for (const key of fieldPath(decodeOrKeep(equals === -1 ? pair : pair.slice(0, equals)).trim()))
      if (!reached?.end) reached = step(reached, key);
    if (equals !== -1 && reached?.end) spans.push({ start: start + equals + 1, end: start + pair.length, with: value });
    start += pair.length + 1;
  }
  return spans;
}

/** Positions of the values at the paths, under duplicate keys too. The text was parsed before, so it is JSON or NDJSON. */
function jsonSpans(text: string, raw: Uint8Array, root: PathState, written: string): Span[] {
  const spans: Span[] = [];
  let at = 0;
  while (at < text.length) {
    skipSpace();
    if (at >= text.length) break;
    const before = at;
    value(root, true);
    if (at === before) break;
  }
  return spans;

  function skipSpace(): void {
    // A byte order mark is skipped as well: it is three characters in latin1.
    while (at < text.length && !'{}[],:"-0123456789tfn'.includes(text.charAt(at))) at += 1;
  }

  function value(state: PathState | undefined, isRoot: boolean): void {
    const start = at;
    const found = state?.end === true && !isRoot;
    const inner = found ? undefined : state;
    const first = text.charAt(at);
    if (first === '{')
      container('}', () => {
        const key = keyAt();
        skipSpace();
        at += 1;
        skipSpace();
        value(step(inner, key), false);
      });
    else if (first === '[') {
      let index = 0;
      // Each record of a top-level array is treated as a body.
      container(']', () => value(isRoot ? root : step(inner, String(index++)), isRoot));
    } else if (first === '"') at = stringEnd(text, at) + 1;
    else while (at < text.length && !/[\s,\]}]/.test(text.charAt(at))) at += 1;
    if (found) spans.push({ start, end: at, with: written });
  }

  function container(close: string, item: () => void): void {
    at += 1;
    for (;;) {
      skipSpace();
      if (at >= text.length) return;
      if (text.charAt(at) === close) break;
      if (text.charAt(at) === ',') at += 1;
      else item();
    }
    at += 1;
  }

  function keyAt(): string {
    const start = at;
    at = stringEnd(text, at) + 1;
    const literal = utf8.decode(raw.subarray(start, at));
    return literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
  }
}

/** Positions of every value that follows the name of a field, as JSON or a form writes it. For a body that is not decoded. */
function spansByName(text: string, paths: readonly string[]): Span[] {
  const spans: Span[] = [];
  for (const name of new Set(paths.map(lastKey))) {
    const escaped = name.replace(/[^\w]/g, '\\$&');
    const pattern = new RegExp(`(["']?${escaped}["']?\\s*[:=]\\s*)("(?:[^"\\\\]|\\\\.)*"?|[^\\s&,}\\]]+)`, 'gi');
    for (const match of text.matchAll(pattern)) {
      const start = match.index + (match[1] ?? '').length;
      // A genuine body does not name its credential so often: the rest of the body is masked as one value.
      if (spans.length >= spansMax) return inOrder([...spans, { start, end: text.length, with: mask }]);
      spans.push({ start, end: start + (match[2] ?? '').length, with: match[2]?.startsWith('"') ? `"${mask}"` : mask });
    }
  }
  return inOrder(spans);
}

/** The spans in order, without those that begin inside another span. */
function inOrder(spans: readonly Span[]): Span[] {
  const ordered = spans.toSorted((a, b) => a.start - b.start);
  return ordered.filter((span, index) => index === 0 || span.start >= (ordered[index - 1]?.end ?? 0));
}

function decodeOrKeep(component: string): string {
  try {
    return decodeComponent(component);
  } catch {
    return component;
  }
}
