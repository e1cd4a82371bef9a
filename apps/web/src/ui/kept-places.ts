import { useState } from 'react';

interface Kept<Row> {
  /** The rows that were given last. */
  given: readonly Row[];
  /** The place of each row that was shown. */
  shown: readonly (Row & { isOver: boolean })[];
}

/**
 * Rows of a list that refreshes by itself, each at the place where the reader has seen it. A row that is no longer given stays and is over, and a
 * new row comes last, so that nothing moves under the pointer. A component with a new key begins with the given order.
 */
export function useKeptPlaces<Row extends { id: string }>(rows: readonly Row[]): Kept<Row>['shown'] {
  const [kept, setKept] = useState<Kept<Row>>(() => fresh(rows));
  let current = kept;
  if (kept.given !== rows) {
    current = { given: rows, shown: merged(kept.shown, rows) };
    setKept(current);
  }
  return current.shown;
}

const fresh = <Row>(rows: readonly Row[]): Kept<Row> => ({ given: rows, shown: rows.map((row) => ({ ...row, isOver: false })) });

function merged<Row extends { id: string }>(shown: Kept<Row>['shown'], rows: readonly Row[]): Kept<Row>['shown'] {
  const given = new Map(rows.map((row) => [row.id, row]));
  const known = new Set(shown.map((row) => row.id));
  return [
    ...shown.map((old) => {
      const row = given.get(old.id);
      return row ? { ...row, isOver: false } : { ...old, isOver: true };
    }),
    ...rows.filter((row) => !known.has(row.id)).map((row) => ({ ...row, isOver: false })),
  ];
}
