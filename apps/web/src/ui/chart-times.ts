import type { Language } from '../lib/i18n.ts';

const dayMs = 86_400_000;

/**
 * Formats the times of points for the axis and exactly, with as many parts as it takes to tell them apart. Days that start at midnight UTC
 * are named in UTC.
 */
export function timeWords(times: readonly number[], language: Language) {
  const [first = 0, second = 0] = times;
  const spanMs = (times.at(-1) ?? first) - first;
  const stepMs = times.length > 1 ? second - first : dayMs;
  const areDays = stepMs >= dayMs && times.every((time) => time % dayMs === 0);
  const seconds = stepMs < 60_000 && { second: '2-digit' as const };
  const axis = new Intl.DateTimeFormat(language, {
    ...(spanMs > 2 * dayMs ? { month: 'short', day: 'numeric' } : { hour: '2-digit', minute: '2-digit', ...seconds }),
    ...(areDays && { timeZone: 'UTC' }),
  });
  const exact = new Intl.DateTimeFormat(
    language,
    areDays ? { dateStyle: 'medium', timeZone: 'UTC' } : { dateStyle: 'medium', timeStyle: seconds ? 'medium' : 'short' },
  );
  return {
    onAxis: (at: string) => axis.format(new Date(at)),
    exactly: (at: string) => exact.format(new Date(at)) + (areDays ? ' (UTC)' : ''),
  };
}
