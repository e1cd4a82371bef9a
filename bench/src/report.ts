import { markdownTable, replaceFigures } from './document.ts';
import type { BenchResult } from './measure-all.ts';
import { median } from './median.ts';
import type { Round } from './rounds.ts';

const names: Record<Round['scenario'], string> = {
  a: '(a) bare route that reads the body',
  b: '(b) durable Hotmart purchase',
  c: '(c) 100 records a request',
  d: '(d) raw ceiling, the writer’s SQL',
};

interface Section {
  title: string;
  head: readonly string[];
  rows: readonly (readonly (string | number)[])[];
}

/** Prints the tables that people read; the JSON file has every figure. */
export function printReport(result: BenchResult): void {
  console.log(`\n${describe(result).join('\n')}`);
  for (const { title, head, rows } of sections(result)) {
    console.log(`\n${title}`);
    const cells = [head, ...rows].map((row) => row.map(String));
    const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
    for (const row of cells) {
      console.log(row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '));
    }
  }
}

/** Writes the same tables into the document, between its marks. */
export function writeDocument(result: BenchResult, file: string): void {
  const tables = sections(result).map(({ title, head, rows }) => `### ${title}\n\n${markdownTable(head, rows)}`);
  const facts = describe(result).map((fact) => `- ${fact}`);
  replaceFigures(file, 'npm run bench', [facts.join('\n'), ...tables].join('\n\n'));
}

function describe({ machine, postgres, payload, writer, measuredAt, quick }: BenchResult): string[] {
  const { indexes, ...settings } = postgres;
  const written = (some: object) => Object.entries(some).map(([name, value]) => `${name} ${value}`);
  return [
    `Measured ${measuredAt.slice(0, 16).replace('T', ' ')} UTC${quick ? ' with --quick: not for quoting' : ''}`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}; ${machine.shared}`,
    `Node ${machine.node}; Postgres ${written(settings).join(', ')}`,
    `Indexes per table: ${written(indexes).join(', ')}`,
    `Purchase ${payload.purchaseBytes} bytes; batch ${payload.batchBytes} bytes of ${payload.recordsPerBatch} records; writer: up to ${writer.batchRecordsMax} records a batch, ${writer.batchesInFlightMax} batches in flight`,
  ];
}

function sections(result: BenchResult): Section[] {
  return [
    {
      title: `Closed loop, median of ${result.rounds} interleaved rounds of ${result.secondsEach} s`,
      head: ['', 'connections', 'requests/s', 'records/s', 'p50 ms', 'p95 ms', 'p99 ms', 'server cores', 'Postgres cores', 'shed'],
      rows: closedLoop(result),
    },
    {
      title: 'Open loop, latency from the moment a request was due',
      head: ['', 'offered/s', 'accepted/s', 'p50 ms', 'p95 ms', 'p99 ms', 'answers'],
      rows: openLoop(result),
    },
    {
      title: 'Processor time of the steps of one delivery, µs of one core',
      head: ['', 'purchase', 'batch of 100', 'per record'],
      rows: result.costs.purchase.map(({ step, usPerDelivery }, index) => {
        const batch = result.costs.batch[index]?.usPerDelivery ?? 0;
        return [step, usPerDelivery, batch, Math.round(batch) / 100];
      }),
    },
    {
      title: 'Targets',
      head: ['', 'measured', 'wanted', ''],
      rows: result.targets.map(({ what, value, kind, bound, reached }) => [
        what,
        value,
        `${kind} ${bound}`,
        reached ? 'reached' : `missed by ${Math.round(Math.abs(1 - value / bound) * 100)} %`,
      ]),
    },
  ];
}

function closedLoop({ measured, payload }: BenchResult): Section['rows'] {
  return [...Map.groupBy(measured, (one) => `${one.scenario}${one.connections}`).values()].map((rounds) => {
    const [first] = rounds as [Round, ...Round[]];
    const middle = (of: (one: Round) => number) => Math.round(median(rounds.map(of)) * 100) / 100;
    const perSecond = middle((one) => one.perSecond);
    const records = first.scenario === 'a' ? '' : Math.round(perSecond * (first.scenario === 'b' ? 1 : payload.recordsPerBatch));
    const shed = rounds.reduce((sum, one) => sum + (one.statuses['503'] ?? 0) + (one.statuses['429'] ?? 0), 0);
    return [
      names[first.scenario],
      first.connections,
      first.scenario === 'd' ? '' : Math.round(perSecond),
      records,
      middle((one) => one.latencyMs.p50),
      middle((one) => one.latencyMs.p95),
      middle((one) => one.latencyMs.p99),
      first.scenario === 'd' ? '' : middle((one) => one.serverCores),
      first.scenario === 'a' ? '' : middle((one) => one.postgresCores),
      first.scenario === 'd' ? '' : shed,
    ];
  });
}

function openLoop({ openLoop: steady, overload }: BenchResult): Section['rows'] {
  return [
    ...(['b', 'c'] as const).map((scenario) => ({ name: `${names[scenario]}, at 70 %`, ...steady[scenario] })),
    { name: `${names.b}, at 200 %`, ...overload },
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
  ]);
}
