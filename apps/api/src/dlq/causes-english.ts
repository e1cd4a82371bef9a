import type { ErrorClass } from '@tributary/shared/errors.ts';

/** The names that an explanation contains, in the language of its reader. */
export interface Words {
  /** The platform's name. */
  label: string;
  /** The name of the source's first secret. */
  secret: string;
  /** The platform's own name for the events. */
  eventType: string | null;
  fieldPath: string | null;
}

export interface Explanation {
  cause: string;
  fix: string;
}

export type Explanations = Record<ErrorClass, Explanation>;

const thenRedrive = 'then redrive these entries';
const thenReverify = 'then re-verify the quarantine: deliveries that are genuine become events';

/** The explanations in English. */
export function explainInEnglish({ label, secret, eventType, fieldPath }: Words): Explanations {
  const events = eventType === null ? `${label} deliveries` : `${label} events ${eventType}`;
  const field = fieldPath === null ? 'a field' : `the field ${fieldPath}`;
  return {
    INVALID_HOTTOK: {
      cause: `The ${secret} that ${label} sends is not the one stored for this connection: it was copied wrongly, belongs to another account, or a stranger found the URL.`,
      fix: `Copy the ${secret} from ${label} (Tools → Webhook → Authentication) into the connection, ${thenReverify}. Deliveries that still fail were not sent by your account: discard them.`,
    },
    INVALID_SIGNATURE: {
      cause: `The signature or credential does not match this connection: the ${secret} is of another endpoint or account, it was rotated in ${label}, a proxy changes the body, or a stranger found the URL.`,
      fix: `Copy the current ${secret} of exactly this webhook from ${label} into the connection (the old one can stay valid for a grace period), ${thenReverify}.`,
    },
    TIMESTAMP_OUT_OF_TOLERANCE: {
      cause:
        'The delivery was signed long before or after it arrived: the clock of one of the two machines is wrong, the delivery waited in a queue on its way, or somebody is replaying an old one.',
      fix: `Check the clocks of the sender and of this server. If the sender really is slow, raise toleranceSeconds of the connection, ${thenReverify}.`,
    },
    INVALID_PAYLOAD: {
      cause: `The body of these ${label} deliveries is not what its content type says (broken JSON or form, invalid UTF-8, nested too deep, text the database cannot hold).`,
      fix: 'Look at a sample and fix the sender: no retry makes such a body readable. Discard these entries once their cause is known.',
    },
    MISSING_FIELD: {
      cause: `${events} arrive without ${field}, which the source always sends: the platform changed its format, an older webhook version is configured there, or the field has another name in this connection's mapping.`,
      fix: `Choose the documented webhook version in ${label}, or correct the path in the connection's settings; with a newer version of Tributary that knows the change, ${thenRedrive}.`,
    },
    SCHEMA_DRIFT: {
      cause: `${events} have a shape the reader does not know: ${field} is new, renamed, or of another type than documented.`,
      fix: `Compare a sample with ${label}'s changelog. Adjust the connection's mapping, or update Tributary to a version that reads the new shape, ${thenRedrive}.`,
    },
    VALIDATION_FAIL: {
      cause: `${events} carry a value in ${field} that cannot be true, for example an amount out of range or an event time more than five minutes in the future.`,
      fix: `Correct the value in ${label} or in the connection's settings (units of amounts and times). An event time in the future becomes valid once it has passed: redrive these entries then.`,
    },
    PII_HASH_ERROR: {
      cause:
        "The org's key that hashes or opens personal data is missing or cannot be opened with the configured MASTER_KEY, so nothing may be stored.",
      fix: 'Restore the MASTER_KEY that was in use when the key was made (see .env.example). The entries are then retried automatically. A hash key that is lost for good can be replaced under Settings, Privacy.',
    },
    DUPLICATE_EVENT: {
      cause: `${label} sent two different bodies with the same id. The first one is stored as the event; these entries are the other bodies.`,
      fix: `Compare the sample with the stored event. If the stored event is right, discard these entries. If the bodies differ in an attempt counter or the time of sending, name these fields as volatile in the connection's settings, where it has that setting. If ${label} reuses ids for updates, set another id or one of several parts there. Then redrive these entries.`,
    },
    OLDER_REVISION: {
      cause: `${events} are older than the state that is stored for the same entity: they arrived late or out of order.`,
      fix: 'Nothing is lost: the newer state is stored. Purge these entries.',
    },
    CONSTRAINT_VIOLATION: {
      cause: `The database refused these rows of ${label}: a value is beyond what a column may hold.`,
      fix: `The message names the rule. Report it with a sample; with a version that handles it, ${thenRedrive}.`,
    },
    CONNECTION_ERROR: {
      cause: 'A system that these events are written to could not be reached.',
      fix: 'Check whether that system is up and reachable. The entries are retried automatically; redrive those that are exhausted.',
    },
    SINK_TIMEOUT: {
      cause: 'A system that these events are written to did not answer in time.',
      fix: 'Find out what slows that system down. The entries are retried automatically; redrive those that are exhausted.',
    },
    RATE_LIMITED: {
      cause: 'A system that these events are written to accepts fewer events than arrive.',
      fix: 'Raise the limit of that system, or wait. The entries are retried automatically; redrive those that are exhausted.',
    },
    CIRCUIT_OPEN: {
      cause: 'A system that these events are written to failed so often that no write to it is attempted for a while.',
      fix: 'Find out why that system fails. The circuit closes automatically when the system answers again, and the entries are retried; redrive those that are exhausted.',
    },
  };
}
