import { explainTask } from './connections/fields.ts';
import { prepareAgainTask } from './deliveries/prepare-again.ts';
import { retryTask } from './dlq/run.ts';
import { searchTask } from './erasures/about.ts';
import { takeTask } from './ingest/take.ts';
import { packAll } from './platform/packed-list.ts';
import type { Task, ThreadCall } from './platform/threads.ts';

type AnyTask = Task<unknown, unknown>;
const tasks = new Map<string, AnyTask>(
  [takeTask, prepareAgainTask, retryTask, searchTask, explainTask].map((task) => [task.name, task as unknown as AnyTask]),
);

/** The program of a thread: runs one task, and sends the records in its output ahead, as bytes. */
export function runTask({ name, packed, port }: ThreadCall): unknown {
  const task = tasks.get(name);
  if (!task) throw new Error(`there is no task ${name}`);
  const output = task.run(task.unpack(packed as never));
  const records = task.holderIn?.(output)?.records;
  if (Array.isArray(records)) for (const piece of packAll(records)) port.postMessage(piece, [piece.bytes.buffer]);
  return output;
}
