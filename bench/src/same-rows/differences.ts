/** The paths at which two JSON texts differ, with both values, at most twelve lines. */
export function differencesOf(before: string, after: string): string[] {
  const lines: string[] = [];
  const compare = (path: string, old: unknown, current: unknown): void => {
    if (lines.length >= 12 || JSON.stringify(old) === JSON.stringify(current)) return;
    if (typeof old !== 'object' || typeof current !== 'object' || old === null || current === null) {
      lines.push(`${path}: ${shown(old)} became ${shown(current)}`);
      return;
    }
    for (const key of new Set([...Object.keys(old), ...Object.keys(current)])) {
      compare(path === '' ? key : `${path}.${key}`, (old as Record<string, unknown>)[key], (current as Record<string, unknown>)[key]);
    }
  };
  compare('', JSON.parse(before), JSON.parse(after));
  return lines;
}

const shown = (value: unknown) => (JSON.stringify(value) ?? 'nothing').slice(0, 300);
