import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withProofStack } from '../../chaos/src/stack.ts';
import type { BudgetStatementRequest } from './budget-statement.ts';
import type { BudgetStepsRequest } from './budget-steps.ts';
import { type Allowed, allowedBy, compareWithBudget, isOutside, type Ratios, type Verdict } from './budget-verdicts.ts';
import { measure } from './process.ts';

const file = join(import.meta.dirname, '..', 'budget.json');

/** Compares the cost of each step with the budget, or writes the budget anew. Returns the exit code. */
export async function checkBudget({ write, quick, say }: { write: boolean; quick: boolean; say(line: string): void }): Promise<number> {
  if (!write && !existsSync(file)) throw new Error('there is no bench/budget.json: write it with --budget --write');
  const rounds = quick ? 5 : 25;
  return withMeasuring(rounds, say, async (measureAgain) => {
    const measured = await measureAgain({}, write ? 7 : 5);
    if (write) {
      const budget = Object.fromEntries(Object.entries(measured).map(([step, ratios]) => [step, allowedBy(ratios)]));
      writeFileSync(file, `${JSON.stringify(budget, null, 2)}\n`);
      say(`wrote the budget of ${Object.keys(budget).length} steps to ${file}`);
      return 0;
    }
    const budget: Record<string, Allowed> = JSON.parse(readFileSync(file, 'utf8'));
    let verdicts = compareWithBudget(measured, budget);
    if (verdicts.some(({ verdict }) => verdict === 'dearer')) {
      // Other load on the machine makes a step dearer for some seconds: it is named when it is dearer in ten processes together.
      say('measuring again, because a step seems to be dearer');
      verdicts = compareWithBudget(await measureAgain(measured, 5), budget);
    }
    for (const one of verdicts) console.log(describe(one));
    const failed = verdicts.some(isOutside);
    console.log(
      failed
        ? '\nThe steps in capitals are outside of the budget. Make them cheaper, or renew the budget in the same change (npm run bench -- --budget --write) and say why.'
        : '\nEvery step is within the budget.',
    );
    return failed ? 1 : 0;
  });
}

function describe({ step, verdict, ratio, allowed }: Verdict): string {
  const shown = (value: number) => String(Number(value.toPrecision(3)));
  if (!allowed) return `NOT IN THE BUDGET  ${step}: ${shown(ratio)} units of the fixed work`;
  if (verdict === 'not measured') return `NOT MEASURED       ${step} is in the budget`;
  const change = Math.round((ratio / allowed.ratio - 1) * 100);
  const words = { within: 'within the budget', cheaper: 'cheaper, renew it', dearer: 'DEARER', 'not in the budget': '' }[verdict];
  return `${words.padEnd(17)}  ${step}: ${shown(ratio)} units of the fixed work, the budget is ${shown(allowed.ratio)} (${change > 0 ? '+' : ''}${change} %, tolerance ${Math.round(allowed.tolerance * 100)} %)`;
}

/** Adds the ratios of some more processes, one for each: V8 compiles each process differently. */
type MeasureAgain = (known: Ratios, processes: number) => Promise<Ratios>;

async function withMeasuring<T>(rounds: number, say: (line: string) => void, run: (measureAgain: MeasureAgain) => Promise<T>): Promise<T> {
  return withProofStack(async ({ database, org, connections }) => {
    const of = ({ id, source, config, secrets }: (typeof connections)['hotmart']) => ({ id, type: source.type, config, secrets });
    const request: BudgetStatementRequest = {
      rounds,
      databaseUrl: database.apiUrl,
      org: { id: org.id, projectId: org.projectId },
      connections: { purchase: of(connections.hotmart), batch: of(connections.webhook) },
    };
    return run(async (known, processes) => {
      const measured = structuredClone(known);
      for (let n = 1; n <= processes; n++) {
        say(`measuring, process ${n} of ${processes}`);
        const steps = await measure<Record<string, number>>('budget-steps', { rounds } satisfies BudgetStepsRequest);
        const statements = await measure<Record<string, number>>('budget-statement', request);
        for (const [step, ratio] of Object.entries({ ...steps, ...statements })) measured[step] = [...(measured[step] ?? []), ratio];
      }
      return measured;
    });
  });
}
