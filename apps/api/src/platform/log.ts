import { type DestinationStream, type Logger, pino } from 'pino';

/** When the reader of stdout does not read, at most this many bytes wait for it; further lines are dropped. */
const waitingMax = 16_777_216;
/** How long the exit of the process waits for that reader. */
const flushWithinMs = 500;

/**
 * Several processes write into one pipe. A write of this size is whole there, and a larger one may have lines of another process in its middle when the
 * reader is slow. (A single line that is longer than this can still be cut.)
 */
const wholeWriteMax = 4_096;

/** JSON lines on stdout, written in blocks so that a line never costs the hot path a system call; flushed every 200 ms and at exit. */
export function createLog(level: string): Logger {
  const destination = pino.destination({ fd: 1, sync: false, minLength: 3_072, maxWrite: wholeWriteMax, maxLength: waitingMax });
  // A closed pipe (EPIPE) must not stop ingestion: log lines are lost, events are not.
  destination.on('error', () => {});
  setInterval(() => destination.flush(), 200).unref();
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // A second line of defence, because no code logs headers, bodies or secrets. Only top-level names are redacted, because a
      // wildcard would search every log line on the hot path.
      redact: { paths: ['authorization', 'headers', 'body', 'secret', 'secrets', 'password', 'hottok', 'token'], censor: '[redacted]' },
      serializers: { err: serializeError },
    },
    destination,
  );
}

/** Ends the process when its last log lines are written, or when they cannot be written in time. */
export function exit(log: Logger, code: number): void {
  setTimeout(() => {
    // Otherwise pino would write the lines while the process exits, and wait for the reader for ever.
    (log as unknown as Record<symbol, DestinationStream & { destroy(): void }>)[pino.symbols.streamSym]?.destroy();
    process.exit(code);
  }, flushWithinMs);
  log.flush(() => process.exit(code));
}

/**
 * Database errors repeat row values in `detail` and `where`, and the message of a data error may quote the value: only name, code, position
 * and stack go out.
 */
function serializeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, constraint, table, schema, routine } = error as Error & Record<string, unknown>;
  const quoted = typeof code === 'string' && /^(22|23)/.test(code);
  return {
    type: error.name,
    message: quoted ? 'data refused by the database' : error.message,
    code,
    constraint,
    table,
    schema,
    routine,
    stack: quoted ? undefined : error.stack,
  };
}
