import type { BenchResult, Round } from './main.ts';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

const names: Record<Round['scenario'], string> = {
  a: '(a) bare route that reads the body',
  b: '(b) durable Hotmart purchase',
  c: '(c) 100 records a request',
  d: '(d) raw ceiling, the writer’s SQL',
};

/** The tables a person reads; the JSON file has everything. */
export function printReport(result: BenchResult): void {
  const { machine, postgres, payload } = result;
  console.log(`\n${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}; ${machine.shared}`);
  console.log(`Node ${machine.node}, ${JSON.stringify(postgres)}`);
  console.log(`Purchase ${payload.purchaseBytes} bytes, batch ${payload.batchBytes} bytes of ${payload.recordsPerBatch} records`);

  console.log(`\nClosed loop, median of ${result.rounds} interleaved rounds of ${result.secondsEach} s`);
  table(
    ['', 'connections', 'requests/s', 'records/s', 'p50 ms', 'p95 ms', 'p99 ms'],
    [...Map.groupBy(result.measured, (one) => `${one.scenario}${one.connections}`).values()].map((rounds) => {
      const [first] = rounds as [Round, ...Round[]];
      const perSecond = median(rounds.map((one) => one.perSecond));
      const records = first.scenario === 'a' ? '' : Math.round(perSecond * (first.scenario === 'b' ? 1 : payload.recordsPerBatch));
      const percentile = (name: 'p50' | 'p95' | 'p99') => median(rounds.map((one) => one.latencyMs[name]));
      const requests = first.scenario === 'd' ? '' : Math.round(perSecond);
      return [names[first.scenario], first.connections, requests, records, percentile('p50'), percentile('p95'), percentile('p99')];
    }),
  );

  console.log('\nOpen loop, latency from the moment a request was due');
  table(
    ['', 'offered/s', 'accepted/s', 'p50 ms', 'p95 ms', 'p99 ms', 'answers'],
    [
      ...(['b', 'c'] as const).map((scenario) => ({ name: `${names[scenario]}, 70 %`, ...result.openLoop[scenario] })),
      { name: `${names.b}, 200 %`, ...result.overload },
    ].map((one) => [
      one.name,
      one.offeredPerSecond,
      one.acceptedPerSecond,
      one.latencyMs.p50,
      one.latencyMs.p95,
      one.latencyMs.p99,
      Object.entries({ ...one.statuses, ...one.errors })
        .map(([status, count]) => `${count} × ${status}`)
        .join(', '),
    ]),
  );

  console.log('\nCost of the steps of one delivery, µs of one core');
  table(
    ['', 'purchase', 'batch of 100', 'per record'],
    result.costs.purchase.map(({ step, usPerDelivery }, index) => {
      const batch = result.costs.batch[index]?.usPerDelivery ?? 0;
      return [step, usPerDelivery, batch, Math.round(batch) / 100];
    }),
  );

  console.log('\nTargets');
  table(
    ['', 'reached', 'wanted', ''],
    result.targets.map(({ what, value, kind, bound, reached }) => [what, value, `${kind} ${bound}`, reached ? 'reached' : 'MISSED']),
  );
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => String(row[column] ?? '').length)));
  for (const row of [head, ...rows]) {
    console.log(
      row
        .map((cell, column) => (column === 0 ? String(cell).padEnd(widths[0] ?? 0) : String(cell).padStart(widths[column] ?? 0)))
        .join('  '),
    );
  }
}
