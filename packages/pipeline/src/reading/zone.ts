const dayMs = 86_400_000;

/** Making a formatter takes a thousand times as long as using it. There are some 600 zones, and connections use a few of them. */
const formatters = new Map<string, Intl.DateTimeFormat>();

/** Whether the text is the name of a time zone in the IANA database, such as America/Sao_Paulo. */
export function isZoneName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_+/-]{1,59}$/.test(name) && formatterOf(name) !== undefined;
}

/**
 * The moment at which the clocks of a zone show a local time, which is given as if it were UTC. Where clocks are set back and show the time
 * twice, the first of the two moments; where they are set forward past the time, the moment that they would have shown it at.
 */
export function momentInZone(localMs: number, zone: string): number {
  // Clocks change at most once in two days, so these are the offsets before and after a change near the local time.
  const before = localMs - offsetMs(localMs - dayMs, zone);
  const after = localMs - offsetMs(localMs + dayMs, zone);
  if (before === after || before + offsetMs(before, zone) === localMs) return before;
  return after + offsetMs(after, zone) === localMs ? after : before;
}

/** How far the clocks of the zone are ahead of UTC at a moment. */
function offsetMs(ms: number, zone: string): number {
  const parts = formatterOf(zone)?.formatToParts(ms) ?? [];
  const shownOf = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.find((part) => part.type === type)?.value ?? Number.NaN);
  const shown = Date.UTC(shownOf('year'), shownOf('month') - 1, shownOf('day'), shownOf('hour'), shownOf('minute'), shownOf('second'));
  return shown - Math.floor(ms / 1000) * 1000;
}

function formatterOf(zone: string): Intl.DateTimeFormat | undefined {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    try {
      formatter = new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      });
    } catch {
      return undefined;
    }
    if (formatters.size < 600) formatters.set(zone, formatter);
  }
  return formatter;
}
