import type { Task } from '../platform/threads.ts';
import type { Connection } from './connection-cache.ts';
import { isHeavyEntry } from './heavy.ts';
import { type PackedConnection, packConnection, unpackConnection } from './packed.ts';
import { prepareWrite } from './prepare.ts';
import { bodyOf, type Reopened, reopen } from './reopen.ts';
import type { WriteItem } from './rows.ts';
import type { JournalEntry } from './store.ts';

/** A stored delivery with the connection that reads it now. */
interface Stored {
  entry: JournalEntry;
  connection: Connection;
  nowMs: number;
}

/** A delivery that is ready to be written again, or the reason why it cannot be run again, which is shown to people. */
export type Prepared = { item: WriteItem } | { reason: string /** For the log. */; cause?: string };

/** Runs a journal entry through the pipeline as it is now, under a new journal entry. */
export const prepareAgainTask: Task<Stored, Prepared> = {
  name: 'replay',
  isHeavy: ({ entry, connection }) => isHeavyEntry(entry, connection.keys),
  run: prepareAgain,
  pack: ({ connection, ...stored }) => ({ ...stored, connection: packConnection(connection) }),
  unpack: ({ connection, ...stored }: Omit<Stored, 'connection'> & { connection: PackedConnection }) => ({
    ...stored,
    connection: unpackConnection(connection),
  }),
  holderIn: (prepared) => ('item' in prepared ? prepared.item : undefined),
};

function prepareAgain({ entry, connection, nowMs }: Stored): Prepared {
  let reopened: Reopened;
  try {
    reopened = reopen(entry, connection, nowMs);
  } catch (error) {
    const cause = error instanceof Error ? error.message : 'unknown';
    return { reason: 'the sealed body of this delivery cannot be opened with the keys of the org', cause };
  }
  const body = bodyOf(reopened.arrival.delivery);
  return body ? { item: prepareWrite(reopened.arrival, body) } : { reason: 'the body of this delivery cannot be read' };
}
