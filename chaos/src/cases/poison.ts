import { createHmac, randomUUID } from 'node:crypto';
import type { CaseContext, CaseReport } from '../case.ts';
import { createClient } from '../client.ts';
import { createFindings, type Findings } from '../findings.ts';
import { createRandom } from '../random.ts';
import { openStored } from '../sealed.ts';
import { type ProofConnection, signed } from '../seed.ts';
import { bodyOf, sha256 } from '../sender.ts';
import { type ProofStack, withProofStack } from '../stack.ts';

const batchRecords = 250;
/** The most characters of `properties` read back from the database: numbers such as 1e308 grow when jsonb prints them. */
const readBackMax = 131_072;

type Fate = 'accepted' | 'dead_lettered';

/** Poison inside one record: the other records of the same delivery must not be affected. */
const records: { name: string; json: string; fate: Fate }[] = [
  { name: 'U+0000', json: '"product_name":"nul \\u0000 inside"', fate: 'dead_lettered' },
  { name: 'a lone surrogate', json: '"product_name":"half \\ud800"', fate: 'dead_lettered' },
  { name: 'a lone surrogate in a key', json: '"\\udfff":1', fate: 'accepted' },
  { name: '1e400', json: '"total":1e400', fate: 'dead_lettered' },
  { name: '1e131071, a thousand times', json: `"list":[${Array(1_000).fill('1e131071').join(',')}]`, fate: 'dead_lettered' },
  { name: '1e308, a thousand times', json: `"list":[${Array(1_000).fill('1e308').join(',')}]`, fate: 'accepted' },
  { name: '2^53 + 1', json: '"order_id":9007199254740993', fate: 'accepted' },
  { name: 'duplicate keys', json: '"twice":1,"twice":2', fate: 'accepted' },
  { name: '__proto__', json: '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}', fate: 'accepted' },
  { name: 'a key of 10 KB', json: `"${'k'.repeat(10_000)}":1`, fate: 'accepted' },
  { name: 'an idempotency key of 10 KB', json: `"id":"${'i'.repeat(10_000)}"`, fate: 'accepted' },
  { name: 'a text of 100 KB', json: `"product_name":"${'t'.repeat(100_000)}"`, fate: 'accepted' },
];

/** Poison that makes a whole body unreadable, sent together with deliveries that the writer puts into the same batch. */
const bodies: { name: string; body: Buffer; status: number }[] = [
  { name: 'invalid UTF-8', body: Buffer.from('{"id":"\xc3\x28"}', 'latin1'), status: 400 },
  { name: '10,000 levels', body: Buffer.from(`${'['.repeat(10_000)}${']'.repeat(10_000)}`), status: 400 },
  { name: 'half a JSON text', body: Buffer.from('{"id":"cut"'), status: 400 },
  { name: 'a text of 10 MB', body: Buffer.from(`{"id":"${'x'.repeat(10_000_000)}"}`), status: 413 },
];

/** Fault 13: values that break a parser, a serialiser or jsonb, in the middle of 250 good records. */
export async function poison({ seed, say }: CaseContext): Promise<CaseReport> {
  const random = createRandom(seed);
  const findings = createFindings();
  const client = createClient(64);
  return withProofStack(async (stack) => {
    const api = await stack.startApi({ environment: { QUARANTINE_PER_HOUR: '1000' } });
    const { webhook } = stack.connections;
    const sent = new Set<string>();
    const post: Post = async (connection, headers, body) => {
      sent.add(sha256(body));
      const answer = await client.post(api.url + connection.path, headers, body);
      if (answer.kind !== 'answered') return { status: 0, records: [] };
      const { records: outcomes = [] } = JSON.parse(answer.body) as { records?: RecordAnswer[] };
      return { status: answer.status, records: outcomes };
    };

    const dead = await sendRecords(webhook, post, random, findings);
    await sendBodies(webhook, post, findings);
    await judgeStored(stack, sent, dead, findings);
    findings.equal('/health of the same process', (await fetch(`${api.url}/health`)).status, 200);
    const { code } = await api.terminate();
    findings.equal('its exit code at the end', code, 0);
    say(`${records.length} kinds of poison inside a record, ${bodies.length} of whole bodies`);
    client.close();
    return findings.report();
  });
}

type Post = (
  connection: ProofConnection,
  headers: Record<string, string>,
  body: string | Buffer,
) => Promise<{ status: number; records: RecordAnswer[] }>;

/** Sends every poison record among good ones, each in one delivery; returns how many dead letters that made. */
async function sendRecords(webhook: ProofConnection, post: Post, random: () => number, findings: Findings): Promise<number> {
  let dead = 0;
  for (const { name, json, fate } of records) {
    const at = Math.floor(random() * batchRecords);
    const texts = Array.from({ length: batchRecords }, (_, n) =>
      n === at && json.startsWith('"id"') ? `{${json}}` : `{"id":"${randomUUID()}"${n === at ? `,${json}` : ''}}`,
    );
    const { headers, body } = signed(webhook, `[${texts.join(',')}]`);
    const answer = await post(webhook, headers, body);
    const outcomes = answer.records;
    findings.equal(`${name}: neighbours accepted`, outcomes.filter((o, n) => n !== at && o.status === 'accepted').length, batchRecords - 1);
    findings.equal(`${name}: the record itself`, outcomes[at]?.status ?? `answered ${answer.status}`, fate);
    if (fate === 'dead_lettered') {
      dead++;
      findings.equal(`${name}: its reason`, outcomes[at]?.code, 'INVALID_PAYLOAD');
    }
  }
  return dead;
}

/** Sends every unreadable body together with good deliveries. */
async function sendBodies(webhook: ProofConnection, post: Post, findings: Findings): Promise<void> {
  for (const { name, body, status } of bodies) {
    // The deliveries are sent at the same moment, so that the writer puts them into one batch.
    const neighbours = Array.from({ length: batchRecords - 1 }, () => signed(webhook, bodyOf(webhook, randomUUID(), Date.now())));
    const signature = createHmac('sha256', webhook.secrets[0]?.value ?? '')
      .update(body)
      .digest('hex');
    const headers = { 'content-type': 'application/json', 'x-signature-256': `sha256=${signature}` };
    const answers = neighbours.map((one) => post(webhook, one.headers, one.body));
    const own = post(webhook, headers, body);
    const outcomes = await Promise.all(answers);
    const accepted = outcomes.filter((answer) => answer.status === 200 && answer.records[0]?.status === 'accepted');
    findings.equal(`${name}: neighbours accepted`, accepted.length, batchRecords - 1);
    const { status: found } = await own;
    // When a body is refused before it was read, the reset of the connection may discard the answer.
    findings.equal(`${name}: answered`, found === 0 && status === 413 ? 413 : found, status);
  }
}

/** Expects that the database keeps the sent bytes, the reasons, and no value that would break a reader. */
async function judgeStored(stack: ProofStack, sent: ReadonlySet<string>, dead: number, findings: Findings): Promise<void> {
  const journal = await openStored(stack);
  findings.none(
    'stored bytes that differ from the sent ones',
    // Of a body that is larger than the limit nothing is stored.
    journal.filter((one) => one.digest === undefined || (!sent.has(one.digest) && one.digest !== sha256(''))),
    journal.length,
  );
  const kept = await stack.query<{ error_class: string; quarantine: boolean }>(
    'select error_class, is_quarantine as quarantine from public.dlq_events',
  );
  findings.equal(
    'dead letters with their reason',
    kept.filter((row) => !row.quarantine && row.error_class === 'INVALID_PAYLOAD').length,
    dead,
  );
  findings.equal('unreadable bodies in the quarantine', kept.filter((row) => row.quarantine).length, bodies.length);
  const [row] = await stack.query<{ largest: number }>(`select max(length(properties::text)) as largest from public.canonical_events`);
  findings.atMost('characters of the largest properties, read back', row?.largest ?? 0, readBackMax);
  const big = await stack.query(`select 1 from public.canonical_events where properties ->> 'order_id' = '9007199254740993'`);
  findings.equal('events that keep every digit of 2^53 + 1', big.length, 1);
  const polluted = await stack.query(
    `select 1 from public.canonical_events where properties::text like '%polluted%' and properties::text like '%\\_\\_proto\\_\\_%'`,
  );
  findings.none('events that carry __proto__', polluted, journal.length);
}

interface RecordAnswer {
  status: string;
  code?: string;
}
