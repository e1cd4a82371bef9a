import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../source.ts';
import { finishKept, keep, prepareSearch } from './keep.ts';
import { compileKept } from './kept-paths.ts';
import { placeOfKey, placesFor } from './places.ts';
import { idDigests } from './record.ts';
import { newRecordPerson } from './record-person.ts';

const ids = idDigests({}, new Uint8Array(32).fill(8));
const table = () =>
  placesFor(
    compileKept(
      { words: ['*.status', 'items.0.code'], ids: [], idForm: /^$/, texts: [], people: ['buyer'], staff: [], plain: 'everywhere' },
      [],
      false,
    ),
  );

function kept(record: JsonObject, places: ReturnType<typeof table>): JsonObject {
  const one = keep(record, places, newRecordPerson());
  prepareSearch(one, []);
  return finishKept(one, ids);
}

describe('the remembered places of a table', () => {
  test('stay bounded for a sender who invents keys, at one place and at many', () => {
    const places = table();
    for (let n = 0; n < 5; n++) kept(Object.fromEntries(Array.from({ length: 3_000 }, (_, k) => [`key_${n}_${k}`, 1])), places);
    for (let n = 0; n < 5_000; n++) kept({ [`branch${n}`]: { [`leaf${n}`]: 1 } }, places);
    expect(places.count).toBeLessThanOrEqual(2_000);
    expect(places.top.inner?.size ?? 0).toBeLessThanOrEqual(2_000);
  });
  test('decide the same after the table was emptied, also in the middle of a record', () => {
    const places = table();
    const record = {
      ...Object.fromEntries(Array.from({ length: 2_500 }, (_, k) => [`key_${k}`, { status: 'PAID', note: 'Zulmira Ávila' }])),
      buyer: { name: 'Zulmira Ávila' },
      items: [{ code: 'gold' }, { code: 'gold' }],
    };
    const first = kept(record, places);
    expect(kept(record, places)).toEqual(first);
    expect(kept(record, table())).toEqual(first);
    expect(first.key_2499).toEqual({ status: 'PAID' });
  });
  test('do not remember a key that is no field name', () => {
    const places = table();
    expect(placeOfKey(places, places.top, 'Zulmira Ávila')).toBeUndefined();
    expect(places.top.inner).toBeUndefined();
  });
  test('leave the record as it is, and replace only in a copy', () => {
    const record = {
      order: { total: 5, text: '2026-10-31', status: 'zulmira_avila' },
      buyer: { first_name: 'Zulmira', last_name: 'Ávila' },
    };
    const before = structuredClone(record);
    expect(kept(record, table())).toEqual({ order: { total: 5, text: '2026-10-31' } });
    expect(record).toEqual(before);
  });
});
