/**
 * Error classes of the dead-letter queue: why a record or a delivery could not become a canonical event.
 *
 * - `retryable` says what a retry needs to succeed: it cannot succeed (`no`), a person must fix something first (`after_fix`), or it only
 *   needs time (`yes`).
 * - `remedy` is what a person does first: run the entries again (`redrive`), correct the secret, the settings or the org's key, or look at
 *   them and give them up (`discard`). After a correction, entries of the quarantine are re-verified and the others are redriven.
 * - `quarantine` is true for classes of deliveries that were not proved genuine.
 */
export const errorClasses = {
  INVALID_HOTTOK: { retryable: 'after_fix', remedy: 'fix_secret', quarantine: true },
  INVALID_SIGNATURE: { retryable: 'after_fix', remedy: 'fix_secret', quarantine: true },
  TIMESTAMP_OUT_OF_TOLERANCE: { retryable: 'after_fix', remedy: 'fix_settings', quarantine: true },
  INVALID_PAYLOAD: { retryable: 'no', remedy: 'discard', quarantine: false },
  MISSING_FIELD: { retryable: 'after_fix', remedy: 'fix_settings', quarantine: false },
  SCHEMA_DRIFT: { retryable: 'after_fix', remedy: 'fix_settings', quarantine: false },
  VALIDATION_FAIL: { retryable: 'no', remedy: 'discard', quarantine: false },
  PII_HASH_ERROR: { retryable: 'yes', remedy: 'fix_key', quarantine: false },
  DUPLICATE_EVENT: { retryable: 'no', remedy: 'discard', quarantine: false },
  OLDER_REVISION: { retryable: 'no', remedy: 'discard', quarantine: false },
  CONSTRAINT_VIOLATION: { retryable: 'no', remedy: 'discard', quarantine: false },
  CONNECTION_ERROR: { retryable: 'yes', remedy: 'redrive', quarantine: false },
  SINK_TIMEOUT: { retryable: 'yes', remedy: 'redrive', quarantine: false },
  RATE_LIMITED: { retryable: 'yes', remedy: 'redrive', quarantine: false },
  CIRCUIT_OPEN: { retryable: 'yes', remedy: 'redrive', quarantine: false },
} as const satisfies Record<string, { retryable: 'no' | 'after_fix' | 'yes'; remedy: Remedy; quarantine: boolean }>;

export const remedies = ['redrive', 'fix_secret', 'fix_settings', 'fix_key', 'discard'] as const;
export type Remedy = (typeof remedies)[number];

export type ErrorClass = keyof typeof errorClasses;

/** What a person does first about dead letters of a class. A class that this version does not know is looked at, and redriven by a newer one. */
export const remedyOf = (errorClass: string): Remedy =>
  Object.hasOwn(errorClasses, errorClass) ? errorClasses[errorClass as ErrorClass].remedy : 'discard';
