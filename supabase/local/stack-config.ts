import { isAbsolute, join } from 'node:path';
import { StackError } from './errors.ts';
import type { StackConfig } from './stack.ts';

type Environment = Readonly<Record<string, string | undefined>>;

function port(environment: Environment, variable: string, fallback: number): number {
  const text = environment[variable]?.trim() || String(fallback);
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 65_535)
    throw new StackError(`${variable} must be a port number between 1 and 65535, not "${text}".`);
  return value;
}

export function localDirectory(environment: Environment, root: string): string {
  const path = environment.LOCAL_DIR || '.local';
  return isAbsolute(path) ? path : join(root, path);
}

/** Reads the settings of the local stack from the environment. Throws one sentence about the first wrong setting. */
export function readStackConfig(environment: NodeJS.ProcessEnv, root: string, apiEntry: string): StackConfig {
  const ports = {
    PORT: port(environment, 'PORT', 8787),
    SUPABASE_PORT: port(environment, 'SUPABASE_PORT', 54321),
    DB_PORT: port(environment, 'DB_PORT', 54322),
  };
  const entries = Object.entries(ports);
  for (const [index, [name, value]] of entries.entries()) {
    const duplicate = entries.slice(0, index).find(([, other]) => other === value);
    if (duplicate) throw new StackError(`${duplicate[0]} and ${name} are both ${value}; give each a different port.`);
  }
  return {
    port: ports.PORT,
    supabasePort: ports.SUPABASE_PORT,
    dbPort: ports.DB_PORT,
    host: environment.HOST || '127.0.0.1',
    isPrivate: /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i.test(environment.HOST || '127.0.0.1'),
    localDirectory: localDirectory(environment, root),
    apiEntry,
    environment,
  };
}
