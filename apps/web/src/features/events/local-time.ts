// What `datetime-local` inputs hold: times in the viewer's zone, without saying so.

/** A time as such an input shows it: to the minute, or to the second where it has seconds. */
export function toLocal(iso: string | undefined): string {
  if (iso === undefined) return '';
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace(/:00$/, '');
}

/** Whether there is such a time, or none at all: a year of six digits is none, though some browsers let one type it. */
export const isTime = (local: string): boolean => local === '' || (/^\d{4}-/.test(local) && !Number.isNaN(Date.parse(local)));

/**
 * The time that an input holds. One that shows still what it was opened with (`opened`) stays as it was: its fraction of a second, and
 * which of the two it is in the hour that comes twice when clocks are set back, stand in no input.
 */
export function toIso(local: string, opened: string | undefined): string | undefined {
  if (local === toLocal(opened)) return opened;
  return local !== '' && isTime(local) ? new Date(local).toISOString() : undefined;
}

/** Whether an end comes after a beginning; where one is open, it does. */
export const isAfter = (end: string | undefined, start: string | undefined): boolean =>
  end === undefined || start === undefined || Date.parse(end) > Date.parse(start);
