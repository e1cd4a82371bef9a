// The values of `datetime-local` inputs: times in the viewer's time zone, without the zone being written.

/** Formats a time for such an input: to the minute, or to the second where the time has seconds. */
export function toLocal(iso: string | undefined): string {
  if (iso === undefined) return '';
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace(/:00$/, '');
}

/** Whether the value is empty or a valid time. A year of six digits is invalid, though some browsers let people type one. */
export const isTime = (local: string): boolean => local === '' || (/^\d{4}-/.test(local) && !Number.isNaN(Date.parse(local)));

/**
 * The time that an input contains. If the input still shows the time it was opened with (`opened`), that time is returned unchanged: the
 * input shows neither its fraction of a second nor which of the two hours it is in when clocks are set back.
 */
export function toIso(local: string, opened: string | undefined): string | undefined {
  if (local === toLocal(opened)) return opened;
  return local !== '' && isTime(local) ? new Date(local).toISOString() : undefined;
}

/** Whether an end comes after a start; true when either is open. */
export const isAfter = (end: string | undefined, start: string | undefined): boolean =>
  end === undefined || start === undefined || Date.parse(end) > Date.parse(start);
