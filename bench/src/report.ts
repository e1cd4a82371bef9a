import { markdownTable, replaceFigures } from './document.ts';
import { roundsOf } from './figures.ts';
import type { BenchResult } from './measure-all.ts';
import { median } from './median.ts';
import type { Round } from './rounds.ts';

const names: Record<Round['scenario'], string> = {
  a: '(a) bare route that reads the body',
  b: '(b) durable Hotmart purchase',
  c: '(c) record of 100 in a request',
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
  const { indexes = {}, ...settings } = postgres ?? {};
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
  const all: Section[] = [
    {
      title: `Processor time and log of Postgres for one event, median of ${result.rounds} interleaved rounds of ${result.secondsEach} s`,
      head: [
        '',
        'server',
        'connections',
        'main thread µs',
        'server µs',
        'Postgres µs',
        'server + Postgres µs',
        'WAL bytes',
        'full-page images',
        'rows in Postgres at the last answer',
      ],
      rows: groups(result).map(([first, middle]) => [
        names[first.scenario],
        first.contestant,
        first.connections,
        first.scenario === 'd' ? '' : middle(({ cost }) => cost.mainUs),
        first.scenario === 'd' ? '' : middle(({ cost }) => cost.serverUs),
        first.scenario === 'a' ? '' : middle(({ cost }) => cost.postgresUs),
        middle(({ cost }) => cost.sumUs),
        first.scenario === 'a' ? '' : Math.round(middle(({ cost }) => cost.walBytes)),
        first.scenario === 'a' ? '' : middle(({ cost }) => cost.fullPageImages),
        first.cost.storedShare === undefined ? '' : `${Math.round(middle(({ cost }) => cost.storedShare ?? 0) * 100)} %`,
      ]),
    },
    {
      title: 'Closed loop, the same rounds',
      head: ['', 'server', 'connections', 'events/s', 'p50 ms', 'p95 ms', 'p99 ms', 'longest pause ms', 'refused'],
      rows: groups(result).map(([first, middle, rounds]) => [
        names[first.scenario],
        first.contestant,
        first.connections,
        Math.round(middle(({ eventsPerSecond }) => eventsPerSecond)),
        middle(({ latencyMs }) => latencyMs.p50),
        middle(({ latencyMs }) => latencyMs.p95),
        middle(({ latencyMs }) => latencyMs.p99),
        Math.max(...rounds.map(({ longestPauseMs }) => longestPauseMs)),
        rounds.reduce(
          (sum, { statuses }) =>
            sum + Object.entries(statuses).reduce((all, [status, count]) => all + (status.startsWith('2') ? 0 : count), 0),
          0,
        ),
      ]),
    },
    {
      title: 'Open loop, latency from the moment a request was due',
      head: ['', 'server', 'offered/s', 'accepted/s', 'p50 ms', 'p95 ms', 'p99 ms', 'answers'],
      rows: openLoop(result),
    },
    {
      title: 'A run past 100,000 purchases, 64 connections, and large deliveries of 1 MiB and 10,000 records',
      head: [
        'server',
        'purchases',
        'server + Postgres µs',
        'longest pause ms',
        'slowest answer ms',
        'large: µs per record',
        'small: µs per record',
        'longest answer of /health ms',
        'without load ms',
      ],
      rows: result.contestants.flatMap((name) => {
        const { long, large } = result.after[name] ?? {};
        if (!long && !large) return [];
        return [
          [
            name,
            long?.events ?? '',
            long?.cost.sumUs ?? '',
            long?.longestPauseMs ?? '',
            long?.latencyMs.max ?? '',
            large?.large.sumUs ?? '',
            large?.small.sumUs ?? '',
            large?.longestAnswerMs ?? '',
            large?.longestAnswerIdleMs ?? '',
          ],
        ];
      }),
    },
    {
      title: 'Overload at twice the capacity, memory of all processes of the server',
      head: ['server', 'goodput ÷ peak', 'peak MB', 'last third ÷ middle third', 'acknowledged', 'lost', 'refused without Retry-After'],
      rows: result.contestants.flatMap((name) => {
        const overload = result.after[name]?.overload;
        if (!overload) return [];
        const peak = overload.offeredPerSecond / 2;
        return [
          [
            name,
            Math.round((overload.acceptedPerSecond / peak) * 1000) / 1000,
            overload.memory.peakMb,
            overload.memory.growth,
            overload.acked,
            overload.lost ?? 'unknown',
            overload.withoutRetryAfter,
          ],
        ];
      }),
    },
    {
      title: 'Processor time of the steps of one delivery, µs of one core, in a loop',
      head: ['', 'purchase', 'batch of 100', 'per record'],
      rows: (result.steps?.purchase ?? []).map(({ step, usPerDelivery }, index) => {
        const batch = result.steps?.batch[index]?.usPerDelivery ?? 0;
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
  return all.filter(({ rows }) => rows.length > 0);
}

type Middle = (of: (one: Round) => number) => number;

/** The rounds of each server, scenario and number of connections, with their medians. */
function groups({ measured, contestants }: BenchResult): [Round, Middle, Round[]][] {
  const keys = new Map(measured.map((one) => [`${one.scenario} ${one.connections} ${one.contestant}`, one]));
  const order = ['bare', ...contestants];
  return [...keys.values()]
    .sort(
      (one, other) =>
        one.scenario.localeCompare(other.scenario) ||
        one.connections - other.connections ||
        order.indexOf(one.contestant) - order.indexOf(other.contestant),
    )
    .map((first) => {
      const rounds = roundsOf(measured, first);
      return [first, (of) => Math.round(median(rounds.map(of)) * 100) / 100, rounds];
    });
}

function openLoop({ contestants, after }: BenchResult): Section['rows'] {
  return contestants.flatMap((name) => {
    const { open, overload } = after[name] ?? {};
    const runs = [
      { what: `${names.b}, at 70 %`, run: open?.b },
      { what: '(c) 100 records a request, at 70 %', run: open?.c },
      { what: `${names.b}, at 200 %`, run: overload },
    ];
    return runs.flatMap(({ what, run }) =>
      run === undefined
        ? []
        : [
            [
              what,
              name,
              run.offeredPerSecond,
              run.acceptedPerSecond,
              run.latencyMs.p50,
              run.latencyMs.p95,
              run.latencyMs.p99,
              Object.entries({ ...run.statuses, ...run.errors })
                .map(([status, count]) => `${count} × ${status}`)
                .join(', '),
            ],
          ],
    );
  });
}
