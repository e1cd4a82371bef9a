import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withProofStack } from '../../chaos/src/stack.ts';
import type { BudgetStatementRequest } from './budget-statement.ts';
import type { BudgetStepsRequest } from './budget-steps.ts';
import { median } from './median.ts';
import { measure } from './process.ts';

/** What a step may cost, as a ratio to the fixed work, and by which share a measurement may be above that without anything having become dearer. */
interface Allowed {
  ratio: number;
  tolerance: number;
}

const file = join(import.meta.dirname, '..', 'budget.json');

/** Bounds of the tolerance: a step that hardly varied while the budget was written varies more on another day, and half as much again is dearer on any day. */
const toleranceMin = 0.1;
const toleranceMax = 0.5;

/** Compares the cost of each step with the budget, or writes the budget anew. Returns the exit code. */
export async function checkBudget({ write, quick, say }: { write: boolean; quick: boolean; say(line: string): void }): Promise<number> {
  const measured = await measureRatios({ processes: write ? 7 : 5, rounds: quick ? 5 : 25, say });
  if (write) {
    const budget = Object.fromEntries(Object.entries(measured).map(([step, ratios]) => [step, allowedBy(ratios)]));
    writeFileSync(file, `${JSON.stringify(budget, null, 2)}\n`);
    say(`wrote the budget of ${Object.keys(budget).length} steps to ${file}`);
    return 0;
  }
  if (!existsSync(file)) throw new Error('there is no bench/budget.json: write it with --budget --write');
  const budget: Record<string, Allowed> = JSON.parse(readFileSync(file, 'utf8'));
  let failed = false;
  for (const [step, ratios] of Object.entries(measured)) {
    const allowed = budget[step];
    const ratio = median(ratios);
    if (!allowed) {
      failed = true;
      console.log(`NOT IN THE BUDGET  ${step}: ${shown(ratio)} units of the fixed work`);
      continue;
    }
    const change = ratio / allowed.ratio - 1;
    const compared = `${step}: ${shown(ratio)} units of the fixed work, the budget is ${shown(allowed.ratio)} (${change > 0 ? '+' : ''}${Math.round(change * 100)} %, tolerance ${Math.round(allowed.tolerance * 100)} %)`;
    if (change > allowed.tolerance) {
      failed = true;
      console.log(`DEARER             ${compared}`);
    } else console.log(`${change < -allowed.tolerance ? 'cheaper, renew it  ' : 'within the budget  '}${compared}`);
  }
  for (const step of Object.keys(budget).filter((one) => !(one in measured))) {
    failed = true;
    console.log(`NOT MEASURED       ${step} is in the budget`);
  }
  console.log(
    failed
      ? '\nThe steps in capitals are outside of the budget. Make them cheaper, or renew the budget in the same change (npm run bench -- --budget --write) and say why.'
      : '\nEvery step is within the budget.',
  );
  return failed ? 1 : 0;
}

/** The ratios of every step, one for each process: V8 compiles each process differently. */
async function measureRatios({ processes, rounds, say }: { processes: number; rounds: number; say(line: string): void }) {
  const measured: Record<string, number[]> = {};
  const add = (ratios: Record<string, number>) => {
    for (const [step, ratio] of Object.entries(ratios)) measured[step] = [...(measured[step] ?? []), ratio];
  };
  await withProofStack(async ({ database, org, connections }) => {
    const of = ({ id, source, config, secrets }: (typeof connections)['hotmart']) => ({ id, type: source.type, config, secrets });
    const request: BudgetStatementRequest = {
      rounds,
      databaseUrl: database.apiUrl,
      org: { id: org.id, projectId: org.projectId },
      connections: { purchase: of(connections.hotmart), batch: of(connections.webhook) },
    };
    for (let n = 1; n <= processes; n++) {
      say(`measuring, process ${n} of ${processes}`);
      add(await measure<Record<string, number>>('budget-steps', { rounds } satisfies BudgetStepsRequest));
      add(await measure<Record<string, number>>('budget-statement', request));
    }
  });
  return measured;
}

/** The median, and a tolerance of twice the distance between the quartiles. */
function allowedBy(ratios: readonly number[]): Allowed {
  const sorted = ratios.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const ratio = median(ratios);
  const spread = (at(0.75) - at(0.25)) / ratio;
  const tolerance = Math.min(toleranceMax, Math.max(toleranceMin, 2 * spread));
  return { ratio: Number(ratio.toPrecision(4)), tolerance: Math.ceil(tolerance * 100) / 100 };
}

const shown = (ratio: number) => String(Number(ratio.toPrecision(3)));
