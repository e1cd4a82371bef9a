import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import pc from 'picocolors';
import { UsageError } from './errors.ts';
import type { Host } from './host.ts';
import { ask, canAsk } from './prompt.ts';

export type Cell = string | number | boolean | null | undefined;

interface Progress {
  show(done: number, total: number, note: string): void;
  end(): void;
}

/** Results go to stdout and notes about them to stderr, so that a pipe carries results only. */
export interface Output {
  readonly json: boolean;
  /** Prints `result` as JSON with --json, otherwise the text that `render` returns. */
  print(result: unknown, render: () => string): void;
  /** Like `print`, with the JSON on one line. */
  printLine(result: unknown, render: () => string): void;
  note(text: string): void;
  /** A progress bar on a terminal; does nothing with --json or without a terminal. */
  progress(total: number): Progress;
  /** Asks for a yes or no. Throws UsageError when the terminal is not interactive. */
  confirm(question: string): Promise<boolean>;
}

export function createOutput(json: boolean, host: Host): Output {
  const { stdout, stderr } = host;
  const printJson = (value: unknown, indent?: number) => stdout.write(`${escapeControls(JSON.stringify(value, null, indent))}\n`);
  return {
    json,
    print: (result, render) => void (json ? printJson(result, 2) : stdout.write(`${render()}\n`)),
    printLine: (result, render) => void (json ? printJson(result) : stdout.write(`${render()}\n`)),
    note: (text) => void stderr.write(`${text}\n`),
    progress(total) {
      if (json || !stderr.isTTY) return { show() {}, end() {} };
      const bar = new SingleBar({
        format: '{bar} {percentage}%  {value}/{total}  {note}',
        barCompleteChar: '█',
        barIncompleteChar: '░',
        hideCursor: true,
        barsize: 30,
        fps: 10,
        stream: stderr,
        gracefulExit: false,
        emptyOnZero: true,
      });
      bar.start(total, 0, { note: '' });
      return {
        show(done, total, note) {
          bar.setTotal(total);
          bar.update(done, { note });
        },
        end: () => bar.stop(),
      };
    },
    async confirm(question) {
      if (json || !canAsk(host))
        throw new UsageError('This terminal is not interactive: give --yes to go ahead, or --dry-run to count only.');
      return /^y(es)?$/i.test((await ask(host, `${question} [y/N] `)).trim());
    },
  };
}

const borderless = {
  chars: Object.fromEntries(
    [
      'top',
      'top-mid',
      'top-left',
      'top-right',
      'bottom',
      'bottom-mid',
      'bottom-left',
      'bottom-right',
      'left',
      'left-mid',
      'mid',
      'mid-mid',
      'right',
      'right-mid',
    ].map((name) => [name, '']),
  ),
};

/** A bold title above a text. */
export const section = (title: string, text: string) => `${pc.bold(title)}\n${text}`;

/** Renders a table; columns of numbers are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[], empty = 'Nothing.'): string {
  if (rows.length === 0) return empty;
  const isNumeric = head.map((_, column) => rows.every((row) => typeof row[column] === 'number'));
  const grid = new Table({
    chars: { ...borderless.chars, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    head: head.map((title) => pc.bold(title)),
    colAligns: isNumeric.map((numeric) => (numeric ? 'right' : 'left')),
  });
  grid.push(...rows.map((row) => row.map(printable)));
  return trimLines(grid.toString());
}

/** Renders names and values, one pair a line; pairs with an undefined value are left out. */
export function details(pairs: readonly (readonly [name: string, value: Cell])[]): string {
  const given = pairs.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...given.map(([name]) => name.length));
  return given.map(([name, value]) => `${pc.dim(name.padEnd(width))}  ${printable(value)}`.trimEnd()).join('\n');
}

// Text that senders chose must not control the terminal: these are control characters and marks that change the direction of writing.
const steering = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

export function printable(value: Cell): string {
  if (value === null || value === undefined || value === '') return '–';
  return String(value).replaceAll(steering, '\ufffd');
}

/** Escapes the control characters that JSON.stringify leaves as they are. */
function escapeControls(text: string): string {
  return text.replaceAll(/[\u007f-\u009f\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const trimLines = (text: string) => text.replaceAll(/[^\S\n]+$/gm, '');

/** Formats a time as 2026-11-24 19:20:26, in UTC. */
export function time(iso: string | null | undefined): string | undefined {
  return iso?.replace('T', ' ').replace(/(\.\d+)?Z$/, '');
}

const heights = '▁▂▃▄▅▆▇█';

/** Draws one character for each figure; zero is a dot. */
export function sparkline(figures: readonly number[]): string {
  const max = Math.max(...figures);
  return figures.map((figure) => (figure === 0 ? '·' : heights[Math.ceil((figure / max) * heights.length) - 1])).join('');
}

/** Formats a duration: 42 s · 3 min 20 s · 2 h 5 min */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
