import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrationsDirectory } from '../local/database.ts';
import { StackError } from '../local/errors.ts';
import { runTool } from './database.ts';

const header = (
  name: string,
) => `-- ${name.replaceAll('_', ' ').replace(/^./, (first) => first.toUpperCase())}: what this migration is for, in one sentence.
--
-- A table brings in the same file: org_id and composite foreign keys, row level security, grants by role, command and column,
-- one policy per command. A function sets an empty search_path and names every schema. Each says in \`comment on\` what it is for.
-- Applied migrations are never edited.
`;

/** Creates an empty migration that sorts after all others and returns its path. Throws `StackError` for a name that is not snake_case. */
export function createMigration(name: string | undefined, options: { directory?: string; now?: Date } = {}): string {
  const directory = options.directory ?? migrationsDirectory;
  if (!name) throw new StackError('Say what the migration does: npm run db:new -- add_alert_rules');
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name) || name.length > 60)
    throw new StackError(
      `"${name}" is not a valid migration name: use up to 60 lower-case letters, digits and single underscores, such as add_alert_rules.`,
    );
  const existing = readdirSync(directory).filter((file) => /^\d{14}_.+\.sql$/.test(file));
  const namesake = existing.find((file) => file.slice(15) === `${name}.sql`);
  if (namesake) throw new StackError(`There is a migration of that name already: supabase/migrations/${namesake}.`);
  const stamp = (options.now ?? new Date()).toISOString().replace(/\D/g, '').slice(0, 14);
  // With a clock behind the newest file, the migration would run before that file, or Supabase would refuse to push it.
  const newest =
    existing
      .map((file) => file.slice(0, 14))
      .sort()
      .at(-1) ?? '';
  const version = stamp > newest ? stamp : String(BigInt(newest) + 1n);
  const path = join(directory, `${version}_${name}.sql`);
  if (existsSync(path)) throw new StackError(`${path} exists already.`);
  writeFileSync(path, header(name));
  return path;
}

if (import.meta.main) await runTool(async () => console.log(createMigration(process.argv[2])));
