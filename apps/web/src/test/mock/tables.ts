import type { Database } from '@tributary/shared/database.types.ts';
import { HttpResponse, http } from 'msw';
import { dataProblem } from './answers.ts';

type AllTables = Database['public']['Tables'];
export type Tables = { [Table in keyof AllTables]?: AllTables[Table]['Row'][] };

type Values = Record<string, unknown>;
type Compare = (value: unknown, wanted: string) => boolean;

const inOrder =
  (compare: (order: number) => boolean): Compare =>
  (value, wanted) =>
    value !== null && compare(typeof value === 'number' ? value - Number(wanted) : String(value).localeCompare(wanted));

/** The operators of PostgREST that the dashboard uses. */
const operators: Record<string, Compare> = {
  eq: (value, wanted) => String(value) === wanted,
  neq: (value, wanted) => String(value) !== wanted,
  is: (value, wanted) => String(value) === wanted,
  in: (value, wanted) =>
    wanted
      .slice(1, -1)
      .split(',')
      .map((one) => one.replaceAll('"', ''))
      .includes(String(value)),
  gte: inOrder((order) => order >= 0),
  lte: inOrder((order) => order <= 0),
};

const notFilters = new Set(['select', 'order', 'limit', 'offset', 'columns']);

/** Throws for an unknown operator, because an ignored filter would let a test pass for the wrong reason. */
function matches(row: Values, query: URLSearchParams): boolean {
  return [...query].every(([column, condition]) => {
    if (notFilters.has(column)) return true;
    const [, operator = '', wanted = ''] = /^(\w+)\.(.*)$/s.exec(condition) ?? [];
    const compare = operators[operator];
    if (!compare || !(column in row)) throw new Error(`the mock Data API does not know ${column}=${condition}`);
    return compare(row[column], wanted);
  });
}

function sorted(rows: readonly Values[], order: string | null): Values[] {
  const [column = '', direction] = order?.split(',')[0]?.split('.') ?? [];
  if (column === '') return [...rows];
  const ascending = rows.toSorted((a, b) =>
    typeof a[column] === 'number' ? Number(a[column]) - Number(b[column]) : String(a[column]).localeCompare(String(b[column])),
  );
  return direction === 'desc' ? ascending.reverse() : ascending;
}

/** The requested columns. An embedded row, such as `source_connections (name, type)`, is the one that the foreign key names. */
function selected(row: Values, select: string | null, tables: Tables): Values {
  if (select === null || select === '*') return row;
  const columns = [...select.replaceAll(/\s/g, '').matchAll(/(\w+)(?:\(([\w,]+)\))?/g)];
  return Object.fromEntries(
    columns.map(([, name = '', embedded]) => {
      if (embedded === undefined) return [name, row[name]];
      const found = (tables[name as keyof Tables] as { id: string }[] | undefined)?.find(
        (one) => one.id === row[`${name.slice(0, -1)}_id`],
      );
      return [name, found ? selected(found as unknown as Values, embedded, tables) : null];
    }),
  );
}

/** The Data API over rows in memory, without row level security: the world of a role contains only rows that the role may see. */
export function tableHandlers(url: string, tables: Tables) {
  const rowsOf = (table: unknown): Values[] => {
    const rows = tables[table as keyof Tables];
    if (!rows) throw new Error(`the mock Data API has no table ${String(table)}`);
    return rows as unknown as Values[];
  };
  const path = `${url}/rest/v1/:table`;
  return [
    http.get(path, ({ params, request }) => {
      const query = new URL(request.url).searchParams;
      const found = sorted(
        rowsOf(params.table).filter((row) => matches(row, query)),
        query.get('order'),
      );
      const limit = Number(query.get('limit') ?? found.length);
      return HttpResponse.json(found.slice(0, limit).map((row) => selected(row, query.get('select'), tables)) as never);
    }),
    http.patch(path, async ({ params, request }) => {
      const query = new URL(request.url).searchParams;
      const changed = rowsOf(params.table).filter((row) => matches(row, query));
      for (const row of changed) Object.assign(row, await request.clone().json());
      return HttpResponse.json(changed.map((row) => selected(row, query.get('select'), tables)) as never);
    }),
    http.post(path, () => dataProblem(403, '42501', 'permission denied')),
  ];
}
