import { type DestinationStream, type Logger, pino } from 'pino';

/** Bytes that wait for a reader of stdout who does not read; what is more is dropped. */
const waitingMax = 16_777_216;
/** At exit it is waited this long for that reader. */
const flushWithinMs = 500;

/** JSON lines on stdout, written in blocks so that a line never costs the hot path a system call; flushed every 200 ms and at exit. */
export function createLog(level: string): Logger {
  const destination = pino.destination({ fd: 1, sync: false, minLength: 8_192, maxWrite: 65_536, maxLength: waitingMax });
  // A closed pipe (EPIPE) must not stop ingestion: lines are lost, events are not.
  destination.on('error', () => {});
  setInterval(() => destination.flush(), 200).unref();
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Second line of defence: nothing above logs headers, bodies or secrets in the first place. Top-level names only:
      // a wildcard would walk every line on the hot path.
      redact: { paths: ['authorization', 'headers', 'body', 'secret', 'secrets', 'password', 'hottok', 'token'], censor: '[redacted]' },
      serializers: { err: serializeError },
    },
    destination,
  );
}

/** Ends the process when its last lines are written, or cannot be. */
export function exit(log: Logger, code: number): void {
  setTimeout(() => {
    // Or pino would write them while the process exits, and wait for the reader for ever.
    (log as unknown as Record<symbol, DestinationStream & { destroy(): void }>)[pino.symbols.streamSym]?.destroy();
    process.exit(code);
  }, flushWithinMs);
  log.flush(() => process.exit(code));
}

/** Database errors repeat row values in `detail` and `where`, and the message of a data error may quote the value: only name, code, position and stack go out. */
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
