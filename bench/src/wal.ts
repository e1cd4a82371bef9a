import { withClient } from '@tributary/supabase/local/database.ts';

/** What Postgres has written to its write-ahead log so far. */
export interface WalPosition {
  bytes: number;
  /** Pages that were written whole, since each page is when it first changes after a checkpoint. */
  fullPageImages: number;
}

export async function walPosition(superuserUrl: string): Promise<WalPosition> {
  return withClient(superuserUrl, async (client) => {
    const { rows } = await client.query<{ bytes: string; images: string }>(
      `select pg_current_wal_insert_lsn() - '0/0' as bytes, (select wal_fpi from pg_stat_wal) as images`,
    );
    return { bytes: Number(rows[0]?.bytes), fullPageImages: Number(rows[0]?.images) };
  });
}

/**
 * Fills a gigabyte of the log with messages and lets a checkpoint make its files free, so that the measurements write into files that exist, as a server
 * does that has run for a while.
 */
export async function recycleWal(superuserUrl: string): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    await client.query(`select count(pg_logical_emit_message(false, 'bench', repeat('x', 4194304))) from generate_series(1, 256)`);
    await client.query('select pg_switch_wal()');
    await client.query('checkpoint');
  });
}
