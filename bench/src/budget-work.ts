import { hash } from 'node:crypto';

// The work that the budget divides by. It uses nothing of Tributary and must never change, or every ratio changes.

const record = Object.fromEntries(
  Array.from({ length: 40 }, (_, n) => [
    `field_${n}`,
    n % 4 === 0 ? { id: n, name: `name of ${n}`, tags: [`a${n}`, `b${n}`] } : `value ${n * 7919}`,
  ]),
);
const text = JSON.stringify(record);

/** About as much work as a delivery is: parses, walks and writes JSON of 2 KB, and hashes it. */
export function fixedWork(): number {
  const parsed: Record<string, unknown> = JSON.parse(text);
  let found = 0;
  for (const key of Object.keys(parsed).sort()) {
    const value = parsed[key];
    if (typeof value === 'string' && /\d{3}/.test(value.normalize('NFC').toLowerCase())) found++;
  }
  return found + hash('sha256', JSON.stringify(parsed)).length;
}

/** The same for a session of Postgres. */
export const fixedSql = `select count(md5(i::text || 'fixed')) from generate_series(1, 2000) as i`;
