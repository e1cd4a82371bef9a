import { withClient } from '../local/database.ts';
import { StackError } from '../local/errors.ts';
import { runTool, supabaseCli, withFreshDatabase } from './database.ts';

export type Finding = { name: string; level: 'INFO' | 'WARN' | 'ERROR'; detail: string };

/**
 * Supabase's advisors, security and performance, on a database. Throws when they could not be run, because that must not look like "nothing
 * found".
 */
export async function advise(databaseUrl: string): Promise<Finding[]> {
  const { code, stdout, stderr } = await supabaseCli([
    'db',
    'advisors',
    '--remote',
    databaseUrl,
    '--type',
    'all',
    '--level',
    'info',
    '--fail-on',
    'none',
    '--output-format',
    'json',
  ]);
  const answer = code === 0 ? (JSON.parse(stdout) as { results?: Finding[] }) : undefined;
  if (!answer?.results) throw new StackError(`supabase db advisors could not be run (exit code ${code}):\n${stderr}${stdout}`);
  return answer.results;
}

// One fault that the security rules must report, and one that the performance rules must report.
const canaries = `
  create table public.canary (id integer primary key);
  grant select on public.canary to anon;
  create table public.slow_canary (id uuid primary key);
  alter table public.slow_canary enable row level security;
  create policy slow_canary_select on public.slow_canary for select to authenticated using (id = auth.uid());`;
const expectedFindings = [
  { rule: '0013', name: 'rls_disabled_in_public', level: 'ERROR', about: 'public.canary' },
  { rule: '0003', name: 'auth_rls_initplan', level: 'WARN', about: 'public.slow_canary' },
];

/**
 * Findings of level ERROR and WARN on `database`. The advisors do not report exposed tables when they do not know which schemas are exposed.
 * So they must first report two faulty tables, which are created on `clone` and stay there.
 */
export async function lint(database: { adminUrl: string }, clone: { adminUrl: string }): Promise<Finding[]> {
  await withClient(clone.adminUrl, (client) => client.query(canaries));
  const found = await advise(clone.adminUrl);
  for (const { rule, name, level, about } of expectedFindings)
    if (!found.some((finding) => finding.name === name && finding.level === level && finding.detail.includes(about)))
      throw new StackError(
        `The advisors did not report the faulty table ${about} (rule ${rule}), so a report without findings would prove nothing.`,
      );
  return (await advise(database.adminUrl)).filter(({ level }) => level !== 'INFO');
}

if (import.meta.main)
  await runTool(() =>
    withFreshDatabase(async (database, cluster) => {
      const findings = await lint(database, await cluster.createDatabase());
      for (const { level, name, detail } of findings) console.error(`${level} ${name}: ${detail}`);
      if (findings.length > 0) throw new StackError(`${findings.length} findings of supabase db advisors.`);
      console.log('supabase db advisors: no ERROR, no WARN; the canary tables were reported.');
    }),
  );
