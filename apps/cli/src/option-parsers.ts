import { InvalidArgumentError } from 'commander';

/** Parses an option that takes several values, separated by commas or given by repeating the option. */
export function list(text: string, before: string[] | undefined): string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.some((item) => item === '')) throw new InvalidArgumentError('Give at least one value; separate several with commas.');
  return [...(before ?? []), ...items];
}

/** {@link list} that only accepts the given words. */
export function listOf<Word extends string>(words: readonly Word[]): (text: string, before: Word[] | undefined) => Word[] {
  return (text, before) => {
    const items = list(text, before);
    const wrong = items.find((item) => !words.some((word) => word === item));
    if (wrong !== undefined) throw new InvalidArgumentError(`${wrong} is not one of ${words.join(', ')}.`);
    return items as Word[];
  };
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Parses a point in time: ISO 8601 (UTC when it has no zone), `now`, or an age such as 90m, 24h or 7d. */
export function moment(text: string): string {
  if (text === 'now') return new Date().toISOString();
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  if (ago) return new Date(Date.now() - Number(ago[1]) * unitMs[ago[2] as keyof typeof unitMs]).toISOString();
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(text);
  const date = iso ? new Date(`${iso[1]}T${iso[2] ?? '00:00'}${iso[3] ?? 'Z'}`) : undefined;
  // Date turns 31 February into a day in March, so the day of the month is compared.
  const isDay = iso && new Date(`${iso[1]}T00:00Z`).getUTCDate() === Number(iso[1]?.slice(-2));
  if (!date || !isDay || Number.isNaN(date.getTime()))
    throw new InvalidArgumentError(
      'It must be a time such as 2026-11-24, 2026-11-24T10:30 (UTC) or 2026-11-24T10:30-03:00, `now`, or an age such as 24h or 7d.',
    );
  return date.toISOString();
}
