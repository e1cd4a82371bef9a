import { parseUnixSeconds } from './verdicts.ts';

/** How a sender writes the time of signing. `iso` is RFC 3339, the profile of ISO 8601 that has a zone. */
export type TimeUnit = 'seconds' | 'milliseconds' | 'iso';

const names: Record<TimeUnit, string> = {
  seconds: 'a number of seconds',
  milliseconds: 'a number of milliseconds',
  iso: 'an ISO 8601 time',
};

const iso = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?(Z|z|[+-]\d{2}(?::?\d{2})?)$/;

/** The time of signing in seconds since the epoch; undefined when the text is not written in this unit. */
export function parseSigningTime(text: string, unit: TimeUnit): number | undefined {
  if (unit === 'seconds') return parseUnixSeconds(text);
  if (unit === 'milliseconds') return /^\d{1,15}$/.test(text) ? Number(text) / 1000 : undefined;
  const [, date, time, fraction = '0', zone = ''] = iso.exec(text) ?? [];
  if (date === undefined) return undefined;
  const offset = zone.length === 3 ? `${zone}:00` : zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  const milliseconds = Date.parse(`${date}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}${offset}`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}

/** The time as the sender writes it. */
export function writeSigningTime(nowMs: number, unit: TimeUnit): string {
  if (unit === 'iso') return new Date(nowMs).toISOString();
  return String(unit === 'milliseconds' ? Math.floor(nowMs) : Math.floor(nowMs / 1000));
}

/** Why a text is not a time of signing in this unit, with the unit that it seems to have. */
export function timeProblem(text: string, unit: TimeUnit): string {
  const looksLike: TimeUnit | undefined = /^\d{9,10}$/.test(text)
    ? 'seconds'
    : /^\d{12,13}$/.test(text)
      ? 'milliseconds'
      : iso.test(text)
        ? 'iso'
        : undefined;
  const hint = looksLike !== undefined && looksLike !== unit ? `; it looks like ${names[looksLike]}: change the unit of the time` : '';
  return `is not ${names[unit]}${hint}`;
}
