import { spawn } from 'node:child_process';
import { StackError } from '../local/errors.ts';

/** Postgres 17 is what we run; its clients dump servers of their own version and older ones. */
const versionMin = 17;

type Program = 'pg_dump' | 'pg_restore' | 'pg_basebackup';

/** Runs one of PostgreSQL's client programs, which are not npm packages, and returns what it wrote. Throws StackError when it fails. */
export async function runProgram(program: Program, args: readonly string[]): Promise<string> {
  const { code, output, errors } = await run(program, args);
  if (code !== 0) throw new StackError(`${program} failed: ${errors.trim().split('\n').slice(0, 3).join(' ')}`);
  return output;
}

/** Throws StackError, with what to install, when one of the programs is missing or too old. */
export async function requirePrograms(programs: readonly Program[]): Promise<void> {
  for (const program of programs) {
    const { output } = await run(program, ['--version']).catch(() => ({ output: '' }));
    const version = Number(/\) (\d+)/.exec(output)?.[1] ?? 0);
    if (version < versionMin) {
      const found = version === 0 ? 'is not on PATH' : `is of version ${version}`;
      throw new StackError(
        `${program} ${found}; install the client programs of PostgreSQL ${versionMin} or newer (package postgresql-client-${versionMin}).`,
      );
    }
  }
}

function run(program: Program, args: readonly string[]): Promise<{ code: number | null; output: string; errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
    let [output, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output, errors }));
  });
}
