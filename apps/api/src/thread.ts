import { explainTask } from './connections/fields.ts';
import { prepareAgainTask } from './deliveries/prepare-again.ts';
import { retryTask } from './dlq/run.ts';
import { searchTask } from './erasures/about.ts';
import { takeTask } from './ingest/take.ts';
import type { Task, ThreadCall } from './platform/threads.ts';

/** Items in one slice of a list: about a millisecond of reading. */
const sliceItems = 50;

type AnyTask = Task<unknown, unknown>;
const tasks = new Map<string, AnyTask>(
  [takeTask, prepareAgainTask, retryTask, searchTask, explainTask].map((task) => [task.name, task as unknown as AnyTask]),
);

/** The program of a thread: runs one task, and sends the list in its output ahead, in slices. */
export function runTask({ name, packed, port }: ThreadCall): unknown {
  const task = tasks.get(name);
  if (!task) throw new Error(`there is no task ${name}`);
  const output = task.run(task.unpack(packed as never));
  const list = task.listIn?.(output);
  while (list && list.length > 0) port.postMessage(list.splice(0, sliceItems));
  return output;
}
