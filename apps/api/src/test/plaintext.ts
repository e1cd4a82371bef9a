import { expect } from 'vitest';
import type { TestApi } from './api.ts';
import type { TestOrg } from './make.ts';

/** A personal value of a sample, and its path in the sample. */
export interface Plaintext {
  path: string;
  value: string;
}

/** The texts and numbers at dotted paths of a body (`*`: any key or index). A path to an object stands for all values inside it. */
export function plaintextAt(body: unknown, paths: readonly string[]): Plaintext[] {
  return paths.flatMap((path) =>
    path
      .split('.')
      .reduce<unknown[]>((found, key) => found.flatMap((value) => (key === '*' ? childrenOf(value) : [childOf(value, key)])), [body])
      .flatMap(leavesOf)
      .filter((leaf) => leaf.trim() !== '')
      .map((value) => ({ path, value })),
  );
}

const childrenOf = (value: unknown): unknown[] => (typeof value === 'object' && value !== null ? Object.values(value) : []);
const childOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;

/** The texts and numbers anywhere in a value; with `withKeys`, also the names of its keys. */
function leavesOf(value: unknown, withKeys: unknown = false): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [...(withKeys === true ? [key] : []), ...leavesOf(inner, withKeys)]);
}

/** All rows and columns that the org's owner can read, by the grants of the database. */
async function readableRows(api: TestApi, org: TestOrg): Promise<{ table: string; row: unknown }[]> {
  const tables = await api.admin<{ name: string; columns: string }>(
    `select c.relname as name, string_agg(quote_ident(a.attname), ', ') as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped
       and has_column_privilege('authenticated', c.oid, a.attnum, 'select')
     group by c.relname order by c.relname`,
  );
  return api.db.as(org.owner.claims, async (sql) => {
    const found: { table: string; row: unknown }[] = [];
    for (const { name, columns } of tables) {
      for (const row of await sql(`select ${columns} from public.${name}`)) found.push({ table: name, row });
    }
    return found;
  });
}

/**
 * Finds personal values in rows, ignoring case. Digits are also compared without separators. Common words that test buttons use as names
 * ("Teste") also occur in product names, so that they count only as a whole value.
 */
function foundIn(rows: readonly { table: string; row: unknown }[], values: readonly Plaintext[]): string[] {
  const found = new Set<string>();
  const wanted = values.map(({ path, value }) => {
    const text = value.trim().toLowerCase();
    const digits = text.replaceAll(separators, '');
    return {
      path,
      text,
      digits: /^\d{7,}$/.test(digits) && /[1-9]/.test(digits) ? digits : undefined,
      whole: isCommon(text),
    };
  });
  for (const { table, row } of rows) {
    for (const leaf of leavesOf(JSON.parse(JSON.stringify(row)), true)) {
      const text = leaf.toLowerCase();
      const joined = text.replaceAll(separators, '');
      for (const want of wanted) {
        const hit = want.whole
          ? text === want.text
          : text.includes(want.text) || (want.digits !== undefined && joined.includes(want.digits));
        if (hit) found.add(`${want.path} "${want.text}" in ${table}: ${leaf.slice(0, 200)}`);
      }
    }
  }
  return [...found];
}

const separators = /[^\p{L}\p{N}]+/gu;
const words = new Set(['teste', 'comprador']);
const isCommon = (value: string) => value.trim().length < 5 || words.has(value.trim().toLowerCase());

/**
 * Expects that no table shows the org's owner a personal value of a delivery, and that the log contains none. `byConnection` has the
 * values that were sent to each connection. A common word may be a name in one delivery and a product in another: it is searched for only
 * in the rows of the connections that it was sent to as a name.
 */
export async function expectNoPlaintext(
  api: TestApi,
  org: TestOrg,
  byConnection: ReadonlyMap<string, readonly Plaintext[]>,
): Promise<void> {
  const rows = await readableRows(api, org);
  const events = rows.filter(({ table }) => table === 'canonical_events').map(({ row }) => row as { source_event_type: string });
  expect([...new Set(rows.map(({ table }) => table))]).toEqual(
    expect.arrayContaining(['audit_log', 'canonical_events', 'connection_activity', 'dlq_events', 'event_journal', 'source_connections']),
  );
  // The search finds a value that is there.
  expect(foundIn(rows, [{ path: 'planted', value: events[0]?.source_event_type.toUpperCase() ?? '' }])).not.toEqual([]);

  const all = [...byConnection.values()].flat();
  expect(all.length).toBeGreaterThan(0);
  const logged = api
    .logged()
    .trimEnd()
    .split('\n')
    .map((line) => ({ table: 'the log', row: JSON.parse(line) as unknown }));
  expect(
    foundIn(
      [...rows, ...logged],
      all.filter(({ value }) => !isCommon(value)),
    ),
  ).toEqual([]);
  for (const [id, values] of byConnection) {
    const own = rows.filter(({ row }) => JSON.stringify(row).includes(id));
    expect(own.length).toBeGreaterThan(0);
    expect(foundIn(own, values)).toEqual([]);
  }
}
