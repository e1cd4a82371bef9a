import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { StackError } from '../local/errors.ts';

const firstDifference = (was: string[], is: string[]) => is.findIndex((line, index) => line !== was[index]);

/** The lines around the first difference of two texts, marked as in a diff. '' when they are equal. */
export function shortDiff(was: string, is: string, lines = 8): string {
  if (was === is) return '';
  const [before, after] = [was.split('\n'), is.split('\n')];
  const start = firstDifference(before, after);
  const from = start < 0 ? after.length : start;
  // The equal lines at the end of both texts are left out.
  let tail = 0;
  while (tail < Math.min(before.length, after.length) - from && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const excerpt = (text: string[], mark: string) => {
    const changed = text.slice(from, text.length - tail);
    const more = changed.length > lines ? [`${mark} … ${changed.length - lines} more lines`] : [];
    return [...changed.slice(0, lines).map((line) => `${mark} ${line}`), ...more];
  };
  return [`line ${from + 1}:`, ...excerpt(before, '-'), ...excerpt(after, '+')].join('\n');
}

/** Writes a generated file, or with `check` throws a `StackError` that says how to renew it when it is stale. */
export function writeOrCheck(path: string, content: string, options: { check: boolean; command: string }): void {
  const name = relative(process.cwd(), path);
  const current = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (!options.check) {
    if (current !== content) writeFileSync(path, content);
    console.log(current === content ? `${name} is up to date.` : `${name} written.`);
    return;
  }
  if (current !== content)
    throw new StackError(`${name} does not match the migrations; run \`${options.command}\`.\n${shortDiff(current, content)}`);
  console.log(`${name} matches the migrations.`);
}
