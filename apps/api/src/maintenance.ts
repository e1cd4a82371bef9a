import type { Logger } from 'pino';
import type { Db } from './db.ts';

/**
 * What must happen by the clock: partitions made ahead and dropped after their retention (hourly), `last_event_at` of connections
 * (every 10 s). Every process does it; the SQL takes a lock, so that doing it twice does nothing.
 */
export function startMaintenance(db: Db, log: Logger): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  function every(periodMs: number, name: string, run: () => Promise<Record<string, unknown> | undefined>): NodeJS.Timeout {
    const tick = () => {
      running = running.then(async () => {
        if (stopped) return;
        try {
          const done = await run();
          if (done) log.info({ job: name, ...done }, 'job');
        } catch (error) {
          log.error({ job: name, err: error }, 'job');
        }
      });
    };
    tick();
    const timer = setInterval(tick, periodMs);
    timer.unref();
    return timer;
  }

  const timers = [
    every(3_600_000, 'partitions', async () => {
      const [made] = await db.maintenance((sql) => sql<{ made: number }>('select private.ensure_partitions() as made'));
      const dropped = await db.maintenance((sql) => sql<{ name: string }>('select private.drop_expired_partitions() as name'));
      return made?.made || dropped.length > 0 ? { made: made?.made, dropped: dropped.map((row) => row.name) } : undefined;
    }),
    every(10_000, 'last_event_at', async () => {
      await db.maintenance((sql) => sql('select private.refresh_last_event_at()'));
      return undefined;
    }),
  ];
  return {
    async stop() {
      stopped = true;
      for (const timer of timers) clearInterval(timer);
      await running;
    },
  };
}
