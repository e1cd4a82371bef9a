/**
 * Error classes of the dead-letter queue: why a record or a delivery could not become a canonical event. `retryable` says what a retry needs to
 * succeed: it cannot succeed (`no`), a person must fix something first (`after_fix`), or it only needs time (`yes`).
 */
export const errorClasses = {
  INVALID_HOTTOK: { retryable: 'after_fix', quarantine: true },
  INVALID_SIGNATURE: { retryable: 'after_fix', quarantine: true },
  TIMESTAMP_OUT_OF_TOLERANCE: { retryable: 'after_fix', quarantine: true },
  INVALID_PAYLOAD: { retryable: 'no', quarantine: false },
  MISSING_FIELD: { retryable: 'after_fix', quarantine: false },
  SCHEMA_DRIFT: { retryable: 'after_fix', quarantine: false },
  VALIDATION_FAIL: { retryable: 'no', quarantine: false },
  PII_HASH_ERROR: { retryable: 'yes', quarantine: false },
  DUPLICATE_EVENT: { retryable: 'no', quarantine: false },
  OLDER_REVISION: { retryable: 'no', quarantine: false },
  CONSTRAINT_VIOLATION: { retryable: 'no', quarantine: false },
  CONNECTION_ERROR: { retryable: 'yes', quarantine: false },
  SINK_TIMEOUT: { retryable: 'yes', quarantine: false },
  RATE_LIMITED: { retryable: 'yes', quarantine: false },
  CIRCUIT_OPEN: { retryable: 'yes', quarantine: false },
} as const satisfies Record<string, { retryable: 'no' | 'after_fix' | 'yes'; quarantine: boolean }>;

export type ErrorClass = keyof typeof errorClasses;
