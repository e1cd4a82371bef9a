import type { ProofStack } from './stack.ts';

/** Makes every batch of events take `ms` longer, by a trigger on the table of keys; resolves with the function that removes the trigger. */
export async function slowDownWrites(stack: ProofStack, ms: number): Promise<() => Promise<void>> {
  await stack.query(`
    create function private.delay_batch() returns trigger language plpgsql as $$ begin perform pg_sleep(${ms / 1_000}); return null; end $$;
    create trigger delay_batch after insert on private.event_keys for each statement execute function private.delay_batch()`);
  return async () => {
    await stack.query('drop function private.delay_batch() cascade');
  };
}
