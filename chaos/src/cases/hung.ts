import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '@tributary/supabase/local/database.ts';
import type { CaseContext, CaseReport } from '../case.ts';
import { type Scene, type SceneOptions, underLoad } from '../scene.ts';
import { slowDownWrites } from '../slow-writes.ts';

const loops = 32;
const healsWithinMs = 10_000;
const bufferRecordsMax = 5_000;

/** How long the API waits for an answer of Postgres, in ms. Each hang lasts twice as long. */
const queryTimeoutMs = (context: CaseContext) => (context.long ? 15_000 : 2_500);

function options(context: CaseContext): SceneOptions {
  return { traffic: { loops }, api: { environment: { DATABASE_QUERY_TIMEOUT_MS: String(queryTimeoutMs(context)) } } };
}

/** Fault 5: every backend of the API is stopped (SIGSTOP) in the middle of its work. The sockets stay open and no answer comes. */
export async function hungBackends(context: CaseContext): Promise<CaseReport> {
  return underLoad(context, options(context), async (scene) => {
    await scene.ackMore(300);
    // Slow statements make sure that some backends are in the middle of one when they are stopped.
    const speedUp = await slowDownWrites(scene.stack, 50);
    await scene.ackMore(100);
    const backends = (where: string) =>
      scene.stack.query<{ pid: number }>(`select pid from pg_stat_activity where application_name = 'tributary ingest' and ${where}`);
    const stopped = await backends('true');
    for (const { pid } of stopped) process.kill(pid, 'SIGSTOP');
    // Read after all backends were stopped: these were in the middle of a statement.
    const busy = await backends(`state = 'active'`);
    try {
      await hang(scene, queryTimeoutMs(context));
    } finally {
      for (const { pid } of stopped) process.kill(pid, 'SIGCONT');
    }
    await scene.expectAck('the backends run again', healsWithinMs);
    scene.atLeast('backends that were stopped in the middle of a statement', busy.length, 1);
    await expectGone(
      scene,
      busy.map(({ pid }) => pid),
    );
    await speedUp();
  });
}

/** Fault 5: another session holds a lock that every batch needs. */
export async function lockedTable(context: CaseContext): Promise<CaseReport> {
  return underLoad(context, options(context), async (scene) => {
    const { figures } = scene.load;
    await scene.ackMore(300);
    await withClient(scene.stack.database.superuserUrl, async (client) => {
      await client.query('begin; lock table private.event_keys in access exclusive mode');
      await scene.acksEnded();
      const before = figures.acked;
      await hang(scene, queryTimeoutMs(context));
      scene.equal('deliveries acknowledged while the table was locked', figures.acked - before, 0);
      await client.query('rollback');
    });
    await scene.expectAck('the lock is gone', healsWithinMs);
  });
}

/** Fault 5: Postgres executes every statement, but its answers are lost on the network, so the API never learns of the commits. */
export async function lostAnswers(context: CaseContext): Promise<CaseReport> {
  return underLoad(context, { ...options(context), proxied: true }, async (scene) => {
    await scene.ackMore(300);
    scene.proxy?.loseAnswers();
    await scene.acksEnded();
    const before = scene.load.figures.acked;
    await hang(scene, queryTimeoutMs(context));
    scene.equal('deliveries acknowledged while answers were lost', scene.load.figures.acked - before, 0);
    scene.proxy?.heal();
    await scene.expectAck('answers arrive again', healsWithinMs);
    await scene.load.finish();
    const entries = await scene.journal.read();
    const unknown = new Set(entries.filter((entry) => entry.what === 'unknown').map((entry) => entry.key));
    const late = entries.filter((entry) => entry.what === 'acked' && entry.status === 'duplicate' && unknown.has(entry.key));
    scene.atLeast('unconfirmed commits that the retry found as duplicates', late.length, 1);
  });
}

/**
 * Holds the fault for twice the API's deadline, and longer when no request has been answered by then, until the time within which every request must be
 * answered. The buffer must not grow meanwhile.
 */
async function hang(scene: Scene, timeoutMs: number): Promise<void> {
  const { figures } = scene.load;
  const before = { ...figures };
  figures.slowestAnswerMs = 0;
  // A record may wait in the buffer behind a hanging batch and then in a hanging batch itself: twice the deadline.
  const answerMs = 2 * timeoutMs + 3_000;
  const startedAt = performance.now();
  const isOver = () => {
    const heldMs = performance.now() - startedAt;
    return heldMs >= (figures.unavailable > before.unavailable ? 2 * timeoutMs : answerMs);
  };
  let bufferMax = 0;
  while (!isOver()) {
    bufferMax = Math.max(bufferMax, await scene.metric('ingest_buffer_events'));
    await sleep(200);
  }
  scene.atLeast('requests refused meanwhile', figures.unavailable - before.unavailable, 1);
  scene.equal('requests without an answer meanwhile', figures.unknown - before.unknown, 0);
  scene.atMost('milliseconds until the slowest answer', figures.slowestAnswerMs, answerMs);
  scene.atMost('records in the buffer', bufferMax, bufferRecordsMax);
  scene.equal('/health meanwhile', await scene.statusOf('/health'), 200);
}

/** Expects that the API closed the connections it gave up: their backends find the socket closed, and end. */
async function expectGone(scene: Scene, pids: readonly number[]): Promise<void> {
  let left: { pid: number }[] = [];
  for (let tries = 0; tries < 50; tries++) {
    left = await scene.stack.query<{ pid: number }>('select pid from pg_stat_activity where pid = any ($1)', [pids]);
    if (left.length === 0) break;
    await sleep(100);
  }
  scene.none('backends that were busy when they were stopped, and are still there', left, pids.length);
}
