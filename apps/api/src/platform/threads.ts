import { setFlagsFromString } from 'node:v8';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Logger } from 'pino';
import { Piscina } from 'piscina';
import type { Metrics } from './metrics.ts';
import { allOf, type List, listOf, type Piece } from './packed-list.ts';
import { Refusal } from './refusal.ts';
import { createTurns, type TurnLimits } from './turns.ts';

/** The connection whose delivery the work is for, and its org. */
interface Owner {
  id: string;
  orgId: string;
}

/**
 * Work on one delivery, whose cost its sender decides. What is light runs at once, on the event loop, and what is heavy runs on a thread, by the
 * same function. Only plain data goes to a thread and comes back.
 */
export interface Task<Input, Output> {
  name: string;
  run(input: Input): Output;
  /** Whether the work could keep the event loop busy for longer than some milliseconds. */
  isHeavy(input: Input): boolean;
  /** The input as data that can be cloned, and back again. */
  pack(input: Input): unknown;
  unpack(packed: never): Input;
  /**
   * What in the output has as many records as the sender decides. From a thread they come as bytes, and are read only in the parts that are asked for,
   * since all of them at once would hold the event loop.
   */
  holderIn?(output: Output): Holder | undefined;
}

interface Holder {
  records: List<unknown>;
}

export interface Threads {
  /**
   * Runs the task on a thread, where the owner waits for its turn. Throws what the task throws, ThreadFailure when the thread
   * ran out of memory or time, and Refusal `overloaded` when too much work waits already.
   */
  run<Input, Output>(task: Task<Input, Output>, input: Input, owner: Owner): Promise<Output>;
  stop(): Promise<void>;
}

/** A task that its thread could not end. Other tasks are not affected: the thread is replaced. */
export class ThreadFailure extends Error {
  override readonly name = 'ThreadFailure';
  readonly reason: 'memory' | 'time';
  constructor(reason: 'memory' | 'time') {
    super(
      reason === 'memory'
        ? 'The delivery needs more memory than a thread has.'
        : 'The delivery takes longer to read than a thread may take.',
    );
    this.reason = reason;
  }
}

export interface ThreadLimits {
  threadsMax: number;
  /** The heap of one thread. A task that needs more ends with its thread. */
  heapMegabytes: number;
  /** How long a task may run. */
  taskMs: number;
  /** How long a thread without work stays, so that its memory is free again. */
  idleMs: number;
}

/**
 * A process has 512 MB. Two threads are enough that one delivery never stops another tenant's, because an owner has one thread at a time. The
 * largest body that is accepted takes about a third of the heap.
 */
const threadLimits: ThreadLimits = { threadsMax: 2, heapMegabytes: 96, taskMs: 30_000, idleMs: 60_000 };

/** What a thread is given. The records in the output come through `port`, before the output. */
export interface ThreadCall {
  name: string;
  packed: unknown;
  port: MessagePort;
}

/** An org has one thread at a time, so that a thread is left for another org. */
const waits: Omit<TurnLimits, 'running'> = { waiting: { all: 1_000, org: 128, member: 32 }, waitMs: 60_000 };
const busy = new Refusal('overloaded', undefined, { retryAfterSeconds: 2 });

/** Runs heavy tasks in `entry`, the program of the threads, which exports `runTask`. Threads are started when they are needed. */
export function createThreads(given: { entry: URL; metrics: Metrics; log: Logger; limits?: ThreadLimits }): Threads {
  const { metrics, log, limits = threadLimits } = given;
  const running = { all: limits.threadsMax, org: 1, member: 1 };
  const turns = createTurns({ running, ...waits }, () => {
    metrics.shed.inc({ reason: 'threads' });
    return busy;
  });
  let pool: Piscina | undefined;
  const startPool = (): Piscina => {
    clearHeapFlags();
    const started = new Piscina({
      filename: given.entry.href,
      name: 'runTask',
      minThreads: 0,
      maxThreads: limits.threadsMax,
      concurrentTasksPerWorker: 1,
      idleTimeout: limits.idleMs,
      // The event loop goes first when there are fewer processors than threads. With 10 a thread got so little of a busy machine that a delivery of some
      // hundred records did not end within its time.
      niceIncrement: 4,
      resourceLimits: { maxOldGenerationSizeMb: limits.heapMegabytes, maxYoungGenerationSizeMb: 16 },
      recordTiming: false,
    });
    // The failure of a thread that has a task is also the failure of its task. Without a listener, that of an idle thread would end the process.
    started.on('error', (error: unknown) => log.error({ err: error }, 'a thread without a task failed'));
    return started;
  };

  async function runNow<Input, Output>(task: Task<Input, Output>, input: Input, owner: Owner): Promise<Output> {
    const startedAt = performance.now();
    const { port1: port, port2: thread } = new MessageChannel();
    let outcome = 'failed';
    try {
      pool ??= startPool();
      const call: ThreadCall = { name: task.name, packed: task.pack(input), port: thread };
      const signal = AbortSignal.timeout(limits.taskMs);
      const output = (await pool.run(call, { transferList: [thread], signal })) as Output;
      outcome = 'done';
      const holder = task.holderIn?.(output);
      if (holder) holder.records = listOf(piecesFrom(port));
      return output;
    } catch (error) {
      const reason = failureOf(error);
      if (!reason) throw error;
      outcome = reason;
      log.error({ task: task.name, orgId: owner.orgId, connectionId: owner.id, reason }, 'a thread could not read a delivery');
      throw new ThreadFailure(reason);
    } finally {
      port.close();
      metrics.threadTasks.observe({ task: task.name, outcome }, (performance.now() - startedAt) / 1000);
    }
  }

  return {
    run: (task, input, owner) => turns.run({ org: owner.orgId, member: owner.id }, () => runNow(task, input, owner)),
    stop: async () => pool?.destroy(),
  };
}

/**
 * The sizes in node-flags.txt are meant for the heap of the process, but V8 would give them to each thread too, in place of the thread's own limits (measured:
 * a thread could take 304 MB, and now takes 120; the case `value-bombs` took 577 MB of the process, and now takes 500). V8 reads them when it makes a heap,
 * so that the heap of the process keeps them.
 */
function clearHeapFlags(): void {
  for (const flag of ['max-old-space-size', 'min-semi-space-size', 'max-semi-space-size']) setFlagsFromString(`--${flag}=0`);
}

/** The turn that all background work shares, so that a thread is left for deliveries that arrive. */
const background: Owner = { id: 'background', orgId: 'background' };

/**
 * Runs a task of a background job: at once when it is light, and on a thread when it is heavy. Records in the output are an array in both cases. Throws
 * ThreadFailure.
 */
export async function runBehind<Input, Output>(threads: Threads, task: Task<Input, Output>, input: Input): Promise<Output> {
  if (!task.isHeavy(input)) return task.run(input);
  const output = await threads.run(task, input, background);
  const holder = task.holderIn?.(output);
  if (holder) holder.records = await allOf(holder.records);
  return output;
}

/** The pieces that the thread sent before its output. */
function piecesFrom(port: MessagePort): Piece[] {
  const pieces: Piece[] = [];
  for (;;) {
    const received = receiveMessageOnPort(port) as { message: Piece } | undefined;
    if (!received) return pieces;
    pieces.push(received.message);
  }
}

function failureOf(error: unknown): ThreadFailure['reason'] | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'AbortError') return 'time';
  return (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : undefined;
}
