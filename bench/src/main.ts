import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checkBudget } from './budget.ts';
import { type Contestant, isCheckout, startBare, startCheckout } from './contestants.ts';
import { measureAll, type Part, parts } from './measure-all.ts';
import { startPeer } from './peer.ts';
import { printReport, writeDocument } from './report.ts';

const usage = `Usage: npm run bench -- [--quick] [--rounds <n>] [--seconds <n>] [--connections <n,n>] [--only <part,part>] [--against <name>=<server>] [--requests <name>=<json>] [--json <file>] [--docs]
       npm run bench -- --budget [--write]
--rounds, --seconds    interleaved rounds (4), and the seconds of one measurement (10)
--connections          the numbers of connections of a closed loop (32,128)
--only                 some of: ${parts.join(', ')}
--against              puts another server into the same rounds, and may be given several times. A folder is another checkout of Tributary with its
                       packages installed. Anything else is a command for a shell: it gets PORT, on which it must listen, and DATABASE_URL of an empty
                       database, of which it is the superuser, on a Postgres with the settings of Tributary's.
--requests             how requests to that command are sent, as JSON or the name of a file with it: {"path": "/", "ready": "/", "headers": {},
                       "batches": false, "verification": {"scheme": "standard-webhooks"}, "secret": "whsec_...", "count": "select ..."}.
                       Without it, the command writes that JSON into the file REQUESTS when the server is ready. See docs/benchmarks.md.
--quick                measures 2 s in one round: for trying the bench, not for figures to quote
--docs                 also writes the tables into docs/benchmarks.md
--budget               compares what each step costs with bench/budget.json, as ratios to fixed work of the same process, and names the steps that became
                       dearer. Exit code 1 if there are any. --write renews the file.`;

const root = join(import.meta.dirname, '..', '..');

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        connections: { type: 'string', default: '32,128' },
        only: { type: 'string', default: parts.join(',') },
        against: { type: 'string', multiple: true, default: [] },
        requests: { type: 'string', multiple: true, default: [] },
        json: { type: 'string' },
        docs: { type: 'boolean', default: false },
        budget: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean' },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const { quick } = values;
    return {
      ...values,
      json: values.json ? resolve(values.json) : join(resolve(root, process.env.LOCAL_DIR || '.local'), 'bench.json'),
      rounds: wholeNumber('--rounds', values.rounds ?? (quick ? '1' : '4')),
      seconds: wholeNumber('--seconds', values.seconds ?? (quick ? '2' : '10')),
      connections: values.connections.split(',').map((one) => wholeNumber('--connections', one)),
      only: new Set(values.only.split(',').map(partNamed)),
      against: named('--against', values.against),
      requests: named('--requests', values.requests),
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Error(`${option} takes whole numbers above 0`);
  return Number(text);
}

function partNamed(name: string): Part {
  const part = parts.find((one) => one === name);
  if (!part) throw new Error(`--only takes some of ${parts.join(', ')}`);
  return part;
}

function named(option: string, texts: readonly string[]): Map<string, string> {
  return new Map(
    texts.map((text) => {
      const at = text.indexOf('=');
      const name = text.slice(0, at);
      if (at < 1 || !/^[\w.-]{1,30}$/.test(name) || name === 'here' || name === 'bare')
        throw new Error(`${option} takes <name>=<value>, with a name other than here and bare`);
      return [name, text.slice(at + 1)];
    }),
  );
}

const options = readArguments();
const say = (line: string) => console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`);
if (options.budget) process.exit(await checkBudget({ write: options.write, quick: options.quick, say }));

const started: Contestant[] = [];
const start = async (contestant: Promise<Contestant>) => {
  const one = await contestant;
  started.push(one);
  return one;
};
try {
  const bare = await start(startBare());
  const here = await start(startCheckout('here', root));
  const others: Contestant[] = [];
  for (const [name, server] of options.against) {
    say(`starting ${name}`);
    others.push(
      await start(isCheckout(server) ? startCheckout(name, resolve(server)) : startPeer(name, server, options.requests.get(name))),
    );
  }
  const result = await measureAll(bare, [here, ...others], { ...options, say });
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
  printReport(result);
  if (options.docs) writeDocument(result, join(root, 'docs', 'benchmarks.md'));
  console.log(`\nEverything measured is in ${options.json}`);
  // A slow machine may miss a target, but no machine may lose an acknowledged event.
  process.exitCode = (result.after.here?.overload?.lost ?? 0) === 0 ? 0 : 1;
} finally {
  for (const one of started.reverse()) await one.stop();
}
