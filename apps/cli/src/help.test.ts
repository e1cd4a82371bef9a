import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Bin, binFile, runInside, runProcess } from './test/programs.ts';

const bins: Bin[] = ['tributary', 'replayctl', 'dlqtriage'];
const workspace = join(import.meta.dirname, '..');

const home = '/nonexistent';
const call = (bin: Bin, ...args: string[]) => runInside(bin, args, { env: { LOCAL_DIR: home }, home });
/** Runs the bin file as a shell does, with the Node that its first line finds. */
const execute = (bin: Bin, ...args: string[]) =>
  runProcess(binFile(bin), args, { PATH: process.env.PATH, NO_COLOR: '1', HOME: home, LOCAL_DIR: home });

describe.each(bins)('%s', (bin) => {
  it('is a command of the package and prints its version', async () => {
    const manifest = JSON.parse(readFileSync(join(workspace, 'package.json'), 'utf8'));
    expect(join(workspace, manifest.bin[bin])).toBe(binFile(bin));
    expect(await execute(bin, '--version')).toEqual({ code: 0, stdout: `${bin} ${manifest.version}\n`, stderr: '' });
  });

  it('has a help text with examples for the program and for each command', async () => {
    const { code, stdout } = await call(bin, '--help');
    expect(code).toBe(0);
    expect((await execute(bin, '--help')).stdout).toBe(stdout);
    expect(stdout).toMatch(new RegExp(`^Examples:\n  \\$ ${bin} `, 'm'));
    const commands = [...stdout.slice(stdout.indexOf('\nCommands:')).matchAll(/^ {2}([a-z]+) /gm)].flatMap(([, name = '']) =>
      name === 'help' ? [] : [name],
    );
    expect(commands.length).toBeGreaterThan(5);
    const helps = await Promise.all(commands.map(async (name) => ({ name, help: await call(bin, name, '--help') })));
    for (const { name, help } of helps) {
      expect(help, name).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout, name).toMatch(new RegExp(`^Usage: ${bin} ${name} `));
      expect(help.stdout, name).toMatch(/^ {2}--json /m);
      const examples = help.stdout.split('\nExamples:\n')[1]?.trim().split('\n') ?? [];
      expect(examples.length, name).toBeGreaterThan(0);
      for (const line of examples) expect(line.trim()).toMatch(new RegExp(`^\\$ ${bin} ${name}(?!\\w)`));
    }
  }, 60_000);

  it('exits with 2 for an unknown command, an unknown option and a missing command', async () => {
    for (const args of [['frobnicate'], ['--frobnicate'], []]) {
      const { code, stdout, stderr } = await call(bin, ...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(args.length === 0 ? /^Usage: / : /^error: unknown (command|option) '(--)?frobnicate'/);
    }
  });

  it('exits with 2 when it finds no server', async () => {
    const name = { tributary: 'whoami', replayctl: 'list', dlqtriage: 'summary' }[bin];
    const ended = await call(bin, name);
    expect(ended).toEqual({
      code: 2,
      stdout: '',
      stderr: 'No server is known: give --url or TRIBUTARY_URL, run `tributary login --url …`, or start one with `npm start`.\n',
    });
    expect(await execute(bin, name)).toEqual(ended);
  });
});

it.each([
  ['replayctl', ['plan'], "error: required option '--from <moment>' not specified"],
  ['replayctl', ['plan', '--from', 'yesterday'], 'It must be a time such as 2026-11-24'],
  ['replayctl', ['plan', '--from', '2026-02-31'], 'It must be a time such as 2026-11-24'],
  ['replayctl', ['plan', '--from', '1h', '--throttle', '0'], 'It must be a whole number from 1 to 1000.'],
  ['replayctl', ['plan', '--from', '1h', '--mode', 'rewrite'], 'Allowed choices are replay, reprocess.'],
  ['replayctl', ['plan', '--from', '1h', '--outcomes', 'rejected'], 'rejected is not one of accepted, duplicate'],
  ['replayctl', ['run'], "error: required option '--plan <plan>' not specified"],
  ['replayctl', ['approve'], "error: missing required argument 'plan'"],
  ['dlqtriage', ['redrive', '--reason', 'NOPE'], 'NOPE is not one of INVALID_HOTTOK,'],
  ['dlqtriage', ['redrive', '--reason', ','], 'Give at least one value; separate several with commas.'],
  ['dlqtriage', ['purge', '--older-than', '-1'], 'It must be a number of days, at most 3650.'],
  ['dlqtriage', ['sample', '--limit', '1e1'], 'It must be a whole number from 1 to 100.'],
  ['tributary', ['brownout'], "error: required option '--rate <share>' not specified"],
  ['tributary', ['brownout', '--rate', '1.5'], 'It must be a share above 0 and up to 1, for example 0.1.'],
  ['tributary', ['send', 'a', 'b', 'c'], 'error: too many arguments'],
] as const)('%s %o exits with 2 and says what is wrong', async (bin, args, reason) => {
  const { code, stdout, stderr } = await call(bin, ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(reason);
});
