import { InvalidArgumentError } from 'commander';

/** Parses an option that takes several: with commas, or given again. */
export function list(text: string, before: string[] | undefined): string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.some((item) => item === '')) throw new InvalidArgumentError('Name at least one; put commas between several.');
  return [...(before ?? []), ...items];
}

/** {@link list} of known words. */
export function listOf<Word extends string>(words: readonly Word[]): (text: string, before: Word[] | undefined) => Word[] {
  return (text, before) => {
    const items = list(text, before);
    const wrong = items.find((item) => !words.some((word) => word === item));
    if (wrong !== undefined) throw new InvalidArgumentError(`There is no ${wrong}; there are ${words.join(', ')}.`);
    return items as Word[];
  };
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Parses a moment: ISO 8601, in UTC where it names no zone, `now`, or how long ago, as 90m, 24h or 7d. */
export function moment(text: string): string {
  if (text === 'now') return new Date().toISOString();
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  if (ago) return new Date(Date.now() - Number(ago[1]) * unitMs[ago[2] as keyof typeof unitMs]).toISOString();
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(text);
  const date = iso ? new Date(`${iso[1]}T${iso[2] ?? '00:00'}${iso[3] ?? 'Z'}`) : undefined;
  // 31 February is a day in March to Date
  const isDay = iso && new Date(`${iso[1]}T00:00Z`).getUTCDate() === Number(iso[1]?.slice(-2));
  if (!date || !isDay || Number.isNaN(date.getTime()))
    throw new InvalidArgumentError(
      'It is a moment as 2026-11-24, 2026-11-24T10:30 (UTC) or 2026-11-24T10:30-03:00, `now`, or an age as 24h or 7d.',
    );
  return date.toISOString();
}
