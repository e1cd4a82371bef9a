import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One line of the client's journal: what a sender knows about one key. The oracle relies on this file alone. */
export type Entry =
  | { what: 'attempted'; key: string; connectionId: string; sha256: string }
  | { what: 'acked'; key: string; eventId: string; status: string }
  | { what: 'rejected'; key: string; status: number }
  | { what: 'unknown'; key: string; code: string };

export interface ClientJournal {
  /** Resolves once the line is on disk. Lines that wait at the same time share one fdatasync. */
  note(entry: Entry): Promise<void>;
  read(): Promise<Entry[]>;
  remove(): Promise<void>;
}

export async function openClientJournal(): Promise<ClientJournal> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-journal-'));
  const path = join(directory, 'client.jsonl');
  const file = await open(path, 'a');
  let lines: string[] = [];
  let waiting: { resolve(): void; reject(error: unknown): void }[] = [];
  let writing: Promise<void> | undefined;

  async function write(): Promise<void> {
    while (lines.length > 0) {
      const text = lines.join('');
      const served = waiting;
      lines = [];
      waiting = [];
      try {
        await file.appendFile(text);
        await file.datasync();
        for (const { resolve } of served) resolve();
      } catch (error) {
        for (const { reject } of served) reject(error);
      }
    }
    writing = undefined;
  }

  return {
    note(entry) {
      return new Promise((resolve, reject) => {
        lines.push(`${JSON.stringify(entry)}\n`);
        waiting.push({ resolve, reject });
        writing ??= write();
      });
    },
    async read() {
      await writing;
      return (await readFile(path, 'utf8'))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Entry);
    },
    async remove() {
      await writing;
      await file.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
