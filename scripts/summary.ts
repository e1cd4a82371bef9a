import type { TestReport } from './test-report.ts';

export interface Result {
  name: string;
  passed: number;
  failed: number;
  seconds: number;
  note: string;
  report?: TestReport;
}

/** The run fails when more tests than this passed only when they were repeated, because then a change has made something unreliable. */
const flakyMax = 2;
const slowestShown = 10;

/** Prints the time and the counts of every step, what was slow, flaky or skipped, and as the last line `N passed, N failed`. Returns the exit code. */
export function printSummary(
  results: readonly Result[],
  seconds: number,
  options: { budgetMinutes?: number; print?: (line: string) => void } = {},
): number {
  const { budgetMinutes, print = console.log } = options;
  const reports = results.flatMap(({ report }) => report ?? []);
  const flaky = reports.flatMap((report) => report.flaky);
  const skipped = reports.flatMap((report) => report.skipped);
  const silent = skipped.filter(({ reason }) => !reason);
  const list = (title: string, lines: readonly string[]) => {
    if (lines.length > 0) for (const line of [title, ...lines.map((one) => `  ${one}`), '']) print(line);
  };

  print(`\n${'─'.repeat(80)}`);
  for (const result of results) print(lineOf(result));
  print(`  ${'the whole run'.padEnd(32)} ${minutes(seconds)}\n`);

  const slowest = reports.flatMap((report) => report.times).sort((a, b) => b.seconds - a.seconds);
  list(
    'The slowest tests:',
    slowest.slice(0, slowestShown).map((test) => `${test.seconds.toFixed(1).padStart(6)} s  ${test.name}`),
  );
  list(
    `${skipped.length} skipped:`,
    skipped.map(({ name, reason }) => `${name}: ${reason ?? 'no reason is given'}`),
  );
  list(`${flaky.length} flaky (failed first, passed when repeated):`, flaky);
  list(
    'Failed:',
    reports.flatMap((report) => report.failures),
  );

  const problems = [
    ...(flaky.length > flakyMax ? [`${flaky.length} tests are flaky, and at most ${flakyMax} may be: the run fails.`] : []),
    ...(silent.length > 0 ? [`${silent.length} tests are skipped without a reason: the run fails. Give each a reason (skipReason).`] : []),
  ];
  for (const problem of problems) print(`✗ ${problem}`);
  if (budgetMinutes !== undefined && seconds > budgetMinutes * 60)
    print(`The run took ${(seconds / 60).toFixed(1)} minutes, which is above its budget of ${budgetMinutes} minutes.`);

  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, problems.length);
  print(`${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

function lineOf({ name, passed, failed, seconds, note, report }: Result): string {
  const counts = [
    `${passed} passed`,
    `${failed} failed`,
    ...(report?.flaky.length ? [`${report.flaky.length} of them flaky`] : []),
    ...(report?.skipped.length ? [`${report.skipped.length} skipped`] : []),
  ];
  return `${failed > 0 ? '✗' : '✓'} ${name.padEnd(32)} ${minutes(seconds)}   ${counts.join(', ')}${note && `   (${note})`}`;
}

const minutes = (seconds: number) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')} min`.padStart(10);
