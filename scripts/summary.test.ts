import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { printSummary, type Result } from './summary.ts';
import { readPlaywrightReport, type TestReport } from './test-report.ts';

const report: TestReport = { passed: 3, failed: 0, failures: [], skipped: [], flaky: [], times: [] };
const step = (more: Partial<Result> = {}): Result => ({ name: 'tests', passed: 3, failed: 0, seconds: 61, note: '', report, ...more });

function summarize(results: Result[], seconds = 61, budgetMinutes = 2): { code: number; lines: string[] } {
  const lines: string[] = [];
  const code = printSummary(results, seconds, { budgetMinutes, print: (line) => lines.push(...line.split('\n')) });
  return { code, lines: lines.filter(Boolean) };
}

describe('the summary', () => {
  it('lists each step with its minutes, and ends in the counts of all steps', () => {
    const { code, lines } = summarize([step(), step({ name: 'lint', passed: 0, failed: 1, note: 'exit code 1', seconds: 5 })]);
    expect(code).toBe(1);
    expect(lines.at(-1)).toBe('3 passed, 1 failed');
    expect(lines[1]).toMatch(/^✓ tests +1:01 min {3}3 passed, 0 failed$/);
    expect(lines[2]).toMatch(/^✗ lint +0:05 min {3}0 passed, 1 failed {3}\(exit code 1\)$/);
  });

  it('lists the ten slowest tests of all steps', () => {
    const times = (from: number) => Array.from({ length: 8 }, (_, n) => ({ name: `test ${from + n}`, seconds: from + n }));
    const { lines } = summarize([step({ report: { ...report, times: times(1) } }), step({ report: { ...report, times: times(9) } })]);
    const slow = lines.slice(lines.indexOf('The slowest tests:') + 1, -1);
    expect(slow.map((line) => line.trim())).toEqual(Array.from({ length: 10 }, (_, n) => `${16 - n}.0 s  test ${16 - n}`));
  });

  it('says when a run is above its budget, without failing the run', () => {
    const { code, lines } = summarize([step()], 150);
    expect(code).toBe(0);
    expect(lines.at(-2)).toBe('The run took 2.5 minutes, which is above its budget of 2 minutes.');
    expect(summarize([step()], 119).lines.join()).not.toContain('budget');
  });

  it('names two flaky tests and counts them as passed, and fails the run for a third', () => {
    const two = summarize([step({ report: { ...report, flaky: ['one', 'two'] } })]);
    expect(two.code).toBe(0);
    expect(two.lines).toContain('2 flaky (failed first, passed when repeated):');
    expect(two.lines).toContain('  two');
    expect(two.lines.at(-1)).toBe('3 passed, 0 failed');
    const three = summarize([step({ report: { ...report, flaky: ['one', 'two'] } }), step({ report: { ...report, flaky: ['three'] } })]);
    expect(three.code).toBe(1);
    expect(three.lines.at(-1)).toBe('6 passed, 1 failed');
  });

  it('names the failed tests of all steps after everything else, because a long output is often cut at its beginning', () => {
    const failing = (name: string) =>
      step({ passed: 2, failed: 1, report: { ...report, failed: 1, failures: [`${name}: expected 1 to be 2`] } });
    const { lines } = summarize([failing('one'), failing('two')]);
    expect(lines.slice(-4)).toEqual(['Failed:', '  one: expected 1 to be 2', '  two: expected 1 to be 2', '4 passed, 2 failed']);
  });

  it('names each skipped test with its reason, and fails the run for one without a reason', () => {
    const reasoned = { name: 'captured deliveries', reason: 'there are none in this clone' };
    const explained = summarize([step({ report: { ...report, skipped: [reasoned] } })]);
    expect(explained.code).toBe(0);
    expect(explained.lines).toContain('  captured deliveries: there are none in this clone');
    const silent = summarize([step({ report: { ...report, skipped: [reasoned, { name: 'another', reason: undefined }] } })]);
    expect(silent.code).toBe(1);
    expect(silent.lines.at(-1)).toBe('3 passed, 1 failed');
  });
});

describe('the report of Playwright', () => {
  const directory = mkdtempSync(join(tmpdir(), 'playwright-report-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('counts a flaky journey as passed and names it, with the time of all its runs', () => {
    const test = (status: string, durations: number[], annotations: object[] = []) => ({
      status,
      annotations,
      results: durations.map((duration) => ({ duration })),
    });
    const specs = [
      { title: 'opens', tests: [test('expected', [1_000])] },
      { title: 'closes', tests: [test('flaky', [2_000, 1_000])] },
      { title: 'breaks', tests: [test('unexpected', [1_000, 1_000])] },
      { title: 'waits', tests: [test('skipped', [], [{ type: 'skip', description: 'there is no door' }])] },
    ];
    const file = join(directory, 'report.json');
    writeFileSync(file, JSON.stringify({ suites: [{ title: 'door.e2e.ts', suites: [{ title: 'the door', specs }] }] }));
    expect(readPlaywrightReport(file)).toEqual({
      passed: 2,
      failed: 1,
      failures: ['door.e2e.ts > the door > breaks'],
      skipped: [{ name: 'door.e2e.ts > the door > waits', reason: 'there is no door' }],
      flaky: ['door.e2e.ts > the door > closes'],
      times: [
        { name: 'door.e2e.ts > the door > opens', seconds: 1 },
        { name: 'door.e2e.ts > the door > closes', seconds: 3 },
        { name: 'door.e2e.ts > the door > breaks', seconds: 2 },
      ],
    });
    expect(readPlaywrightReport(join(directory, 'none.json'))).toBeUndefined();
  });
});
