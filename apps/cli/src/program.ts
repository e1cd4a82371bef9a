import { Command, CommanderError, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import manifest from '../package.json' with { type: 'json' };
import { type Client, createClient } from './client.ts';
import { credentialsFile, type Flags, findTarget, type Target } from './config.ts';
import { Failure } from './errors.ts';
import type { Host } from './host.ts';
import { createOutput, type Output, printable } from './output.ts';

export interface Context {
  host: Host;
  client: Client;
  target: Target;
  output: Output;
  /** Aborted when the user presses Ctrl-C. */
  signal: AbortSignal;
}

/** The hosts of the running programs, each under its root command. */
const hosts = new WeakMap<Command, Host>();

/** Creates a program with the options that every command shares; each of `groups` adds its commands. */
export function createProgram(name: string, summary: string, ...groups: ((program: Command) => void)[]): Command {
  const program = new Command(name);
  program
    .description(summary)
    .version(`${name} ${manifest.version}`)
    .option('--json', 'print JSON, for scripts')
    .option('--url <url>', 'the server (TRIBUTARY_URL; else the login, else the local stack)')
    .option('--token <token>', 'access token of a Supabase user (safer in TRIBUTARY_TOKEN, because other users can see command lines)')
    .configureHelp({ showGlobalOptions: true, helpWidth: 120 })
    .showHelpAfterError('(--help shows how it is used)')
    .configureOutput({
      writeOut: (text) => void hostOf(program).stdout.write(text),
      writeErr: (text) => void hostOf(program).stderr.write(text),
    })
    .exitOverride();
  for (const add of groups) add(program);
  return program;
}

/** Runs the program on the host and returns its exit code: 0 for success, 1 for a failure, 2 for a wrong command line. */
export async function run(program: Command, host: Host): Promise<number> {
  hosts.set(program, host);
  try {
    await program.parseAsync(host.args, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error, program.opts().json === true, host);
  }
}

/** The host of the program that the command belongs to. */
export function hostOf(command: Command): Host {
  let root = command;
  while (root.parent) root = root.parent;
  const host = hosts.get(root);
  if (!host) throw new Error(`${root.name()} is not running`);
  return host;
}

function report(error: unknown, json: boolean, { stderr }: Host): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const failure = error instanceof Failure ? error : new Failure(`Something went wrong in this program: ${(error as Error).message}`);
  const { message, code, status, requestId } = failure;
  if (json) stderr.write(`${JSON.stringify({ error: { message, code, status, requestId } })}\n`);
  else stderr.write(`${pc.red(printable(message))}\n`);
  return failure.exitCode;
}

/** Creates the context of an action that needs the server. Throws UsageError when no server is known. */
export function open(command: Command): Context {
  const flags = command.optsWithGlobals<Flags>();
  const host = hostOf(command);
  const target = findTarget(flags, host);
  return { host, client: createClient(target, credentialsFile(host), host.signal), target, ...openOffline(command) };
}

/** Creates the context of an action that needs no server. */
export function openOffline(command: Command): Pick<Context, 'output' | 'signal'> {
  const host = hostOf(command);
  return { output: createOutput(command.optsWithGlobals<{ json?: boolean }>().json === true, host), signal: host.signal };
}

/** Adds examples below a command's help. */
export function examples(command: Command, ...lines: string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`);
}

/** Creates the parser of an option that takes a whole number. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };
}
