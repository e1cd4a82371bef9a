import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { createTotals } from '../processes/totals.ts';
import { startTestApi, type TestApi } from '../test/api.ts';

const root = resolve(import.meta.dirname, '../../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** The alerts of the service objectives with their levels, and the alerts besides them. */
const levels: Record<string, string[]> = {
  IngestLagHigh: ['warning'],
  IngestLagCritical: ['critical'],
  ConnectionSilent: ['critical'],
  ConnectionLag: ['warning', 'critical'],
  IngestDLQRateHigh: ['info', 'warning', 'critical'],
  IngestDLQSpike: ['warning'],
  DuplicateRateHigh: ['warning', 'critical'],
  IngestBackpressureStuck: ['warning'],
  IngestCircuitBreakerOpen: ['critical', 'warning'],
  PersistenceStalled: ['critical'],
  BufferNotFlushing: ['warning'],
  BatchStuck: ['warning'],
  PendingListGrows: ['warning'],
  TributaryDown: ['critical'],
  ProcessFails: ['warning', 'critical'],
  ReloadFails: ['warning'],
  WebhookLatencyHigh: ['warning'],
  WebhookErrorBudgetBurn: ['critical', 'critical', 'warning'],
  WorkerStalled: ['critical'],
  WorkerJobFailing: ['warning'],
};

interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}
interface RuleTest {
  alert_rule_test: { alertname: string; exp_alerts: { exp_labels: Record<string, string> }[] }[];
}
interface Panel {
  id: number;
  type: string;
  title: string;
  datasource?: { uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; datasource: { uid: string } }[];
}

const rules = (parse(read('ops/prometheus/tributary.rules.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);
const alerts = rules.filter((rule) => rule.alert !== undefined);
const ruleTests = (parse(read('ops/prometheus/tributary.test.yml')) as { tests: RuleTest[] }).tests.flatMap((test) => test.alert_rule_test);
const dashboard = JSON.parse(read('ops/grafana/tributary.json')) as {
  templating: { list: { name: string; type: string }[] };
  panels: Panel[];
};
const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);

const promtool = spawnSync('promtool', ['--version']).status === 0;
const skipsPromtool = !promtool && !process.env.CI;
const withPromtool = { meta: { skipReason: 'promtool is not on PATH (Debian and Ubuntu: apt-get install prometheus)' } };

/** What the primary counts, where several processes share the port. */
const ofPrimary = createTotals(() => 1).registry;
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api?.close());

describe('the Prometheus rules', () => {
  it('contain every alert of the objectives at each of its levels', () => {
    const found = Object.groupBy(alerts, (rule) => rule.alert ?? '');
    expect(Object.fromEntries(Object.entries(found).map(([name, all = []]) => [name, all.map((rule) => rule.labels?.severity)]))).toEqual(
      levels,
    );
  });

  it('each describe the problem and link to the runbook', () => {
    const headings = [...read('docs/runbook.md').matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading);
    for (const { alert = '', annotations = {} } of alerts) {
      expect(annotations.summary, alert).toMatch(/\S/);
      expect(annotations.description, alert).toMatch(/\S/);
      expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
      expect(headings).toContain(alert);
    }
  });

  it('each have a test in which they fire, and one in which they do not', () => {
    for (const { alert, labels = {} } of alerts) {
      const tests = ruleTests.filter((test) => test.alertname === alert);
      const fires = (test: (typeof tests)[number]) =>
        test.exp_alerts.some(({ exp_labels }) => Object.entries(labels).every(([name, value]) => exp_labels[name] === value));
      expect(tests.some(fires), `${alert} ${JSON.stringify(labels)} fires`).toBe(true);
      expect(
        tests.some((test) => !fires(test)),
        `${alert} ${JSON.stringify(labels)} keeps quiet`,
      ).toBe(true);
    }
  });

  it('use only metrics and labels that the API has', () => {
    const recorded = rules.map((rule) => rule.record).filter((name) => name !== undefined);
    expect(rules.flatMap((rule) => unknownIn(rule.expr, ['up', ...recorded]))).toEqual([]);
  });

  it.skipIf(skipsPromtool)('are valid, as is the example that loads them', withPromtool, async () => {
    expect(await runPromtool('check', 'rules', 'ops/prometheus/tributary.rules.yml')).toContain('SUCCESS');
    expect(await runPromtool('check', 'config', 'ops/prometheus/prometheus.yml')).toContain('SUCCESS');
  });

  it.skipIf(skipsPromtool)('fire when they should and not otherwise', withPromtool, async () => {
    expect(await runPromtool('test', 'rules', 'ops/prometheus/tributary.test.yml')).toContain('SUCCESS');
  });
});

describe('the Grafana dashboard', () => {
  it('shows only metrics of the API, from the data source that is chosen', () => {
    expect(targets.length).toBeGreaterThan(30);
    expect(targets.flatMap(({ expr }) => unknownIn(expr))).toEqual([]);
    expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' });
    const panels = dashboard.panels.filter((panel) => panel.type !== 'row');
    const chosen = [...panels.map((panel) => panel.datasource), ...targets.map((target) => target.datasource)];
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's variable
    expect(new Set(chosen.map((datasource) => datasource?.uid))).toEqual(new Set(['${datasource}']));
  });

  it('has a row for each part of the system, and its panels do not overlap', () => {
    expect(dashboard.panels.filter((panel) => panel.type === 'row').map((panel) => panel.title)).toEqual([
      'Pipeline',
      'Lag',
      'Dead letters',
      'Buffer and backpressure',
      'Circuits and database',
      'Background jobs',
      'Replays',
      'Processes',
      'Node.js',
    ]);
    expect(new Set(dashboard.panels.map((panel) => panel.id)).size).toBe(dashboard.panels.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.x + gridPos.w))).toBe(24);
  });

  it.skipIf(skipsPromtool)('uses valid PromQL', withPromtool, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tributary-dashboard-'));
    try {
      const file = join(directory, 'dashboard.yml');
      const asked = targets.map(({ expr }, n) => ({
        record: `dashboard:target:${n}`,
        expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
      }));
      writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules: asked }] }));
      expect(await runPromtool('check', 'rules', file)).toContain('SUCCESS');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

/** Returns the output of promtool, or throws its complaint. */
async function runPromtool(...args: string[]): Promise<string> {
  if (!promtool) throw new Error('promtool is not on PATH, and CI must run its checks: .ci/run fetches promtool.');
  return new Promise((done, fail) => {
    execFile('promtool', args, { cwd: root }, (error, stdout, stderr) => (error ? fail(new Error(`${stdout}${stderr}`)) : done(stdout)));
  });
}

/** Metrics and labels in a PromQL expression that the API does not have, except for the names in `known`. */
function unknownIn(expr: string, known: readonly string[] = []): string[] {
  const bare = expr
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(by|without|on|ignoring)\s*\([^)]*\)/g, '')
    .replace(/"(?:[^"\\]|\\.)*"/g, '""');
  return [...bare.matchAll(/([a-zA-Z_:][\w:]*)\s*(\{[^}]*\}|\()?/g)].flatMap(([, name = '', after = '']) => {
    if (after === '(' || ['and', 'or', 'unless'].includes(name) || known.includes(name)) return [];
    const metric = [name, name.replace(/_(bucket|sum|count)$/, '')]
      .flatMap((one) => [api.metrics.registry, ofPrimary].map((registry) => registry.getSingleMetric(one)))
      .find((one) => one !== undefined);
    if (!metric) return [name];
    const { labelNames } = metric as unknown as { labelNames: string[] };
    const labels = [...after.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => label);
    return labels.filter((label) => ![...labelNames, 'instance', 'job', 'le'].includes(label)).map((label) => `${name}{${label}}`);
  });
}
