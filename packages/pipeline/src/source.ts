import type { ErrorClass } from '@tributary/shared/errors.ts';
import type { z } from 'zod';

/** One HTTP request from a platform, as it arrived (after content decoding such as gzip). */
export interface Delivery {
  method: string;
  /** The absolute URL that the platform called. Some schemes sign the URL, others carry the credential in its query. */
  url: string;
  /** Header names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  /** The exact bytes of the body. */
  raw: Uint8Array;
}

/** A secret of a connection in plaintext. Several secrets of one name are valid together during the grace period of a rotation. */
export interface Secret {
  /** One of the source's `secrets[].name`. */
  name: string;
  value: string;
}

/** A parsed JSON value. Integers beyond 2^53 are decimal strings, so that they are never rounded. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** The decoded body of a genuine delivery: what a source's split and read work on. */
export type Body =
  | { kind: 'json'; value: Json }
  | { kind: 'form'; value: JsonObject }
  | { kind: 'ndjson'; value: Json[] }
  | { kind: 'empty' };

export type RejectClass = Extract<ErrorClass, 'INVALID_HOTTOK' | 'INVALID_SIGNATURE' | 'TIMESTAMP_OUT_OF_TOLERANCE'>;

/**
 * Whether a delivery is genuine, or the reason why it is refused. The message is shown to the org's members, so it never repeats a
 * credential.
 */
export type Verdict = { ok: true } | { ok: false; error: RejectClass; message: string };

/** Plaintext identifiers of the person whom the record is about. Only process.ts sees them: it normalises and hashes them. */
export interface Subject {
  email?: string | undefined;
  phone?: string | undefined;
  document?: string | undefined;
  external_id?: string | undefined;
}

/** What a source reads from one record, before hashing. */
export interface Reading {
  /** Canonical type (`order.paid`) or `<source>.<event>` for an event the vocabulary does not know. */
  type: string;
  /** The platform's own name of the event. */
  sourceEventType: string;
  /** The platform's own id of the event, where it has one. */
  sourceEventId?: string | undefined;
  /** The source's time in milliseconds since the epoch; undefined only where the source sends no time. */
  eventTimeMs?: number | undefined;
  /** The platform's id or a documented composite, at most 255 characters. Without a key the record's fingerprint is the key. */
  idempotencyKey?: string | undefined;
  subject?: Subject | undefined;
  /** Integer minor units of `currency` (cents for BRL, yen for JPY). */
  amountMinor?: bigint | undefined;
  /** ISO 4217, upper case. */
  currency?: string | undefined;
  /** The platform's order or transaction reference. */
  orderRef?: string | undefined;
  /** Campaign parameters: utm_source, utm_medium, utm_campaign, utm_term, utm_content, src, sck, xcod, … */
  attribution?: Record<string, string> | undefined;
  /** Sent by a platform's test button or in its sandbox. */
  isTest?: boolean | undefined;
  /** What a person should know about how the record was read. Shown with a sample of the connection, never stored. */
  notes?: readonly ReadingNote[] | undefined;
}

/** Something in a record that was read differently than its sender may have meant. */
export interface ReadingNote {
  /**
   * `time_unreadable`: a field that should be the time is in a form that is not known. `time_in_future`: the time has not come yet, so that the
   * next field was taken. `time_without_zone`: the time has no zone and was read as UTC, since the connection names no zone.
   * `time_of_arrival`: no field gave a time, so that the time of arrival is the event's time.
   */
  code: 'time_unreadable' | 'time_in_future' | 'time_without_zone' | 'time_of_arrival';
  /** Path of the field, or `header:<name>`; absent for `time_of_arrival`. */
  path?: string;
  /** The value with `0` for each digit and `a` for each letter, so that its form can be shown. */
  form?: string;
}

/** Why a record could not be read. The record becomes a dead letter. */
export class RecordError extends Error {
  readonly errorClass: ErrorClass;
  /** Path of the field that is wrong, such as `data.purchase.transaction`. */
  readonly path: string | undefined;
  constructor(errorClass: ErrorClass, message: string, path?: string) {
    super(message);
    this.name = 'RecordError';
    this.errorClass = errorClass;
    this.path = path;
  }
}

/**
 * What of a record may be stored readable. Everything that is not named here or kept by its form stays in the sealed delivery only. Paths are
 * dotted, and `*` matches any key or array index (`data.plans.*.name`). A path names a leaf or a whole branch; of two paths the longer one decides.
 */
export interface KeptFields {
  /**
   * Words that the platform or the sender's program defines: states, kinds, methods, reasons. Kept unchanged when the value is one word without
   * spaces; any other text there is dropped.
   */
  words: readonly string[];
  /** Ids of things. Kept unchanged in the form `idForm`; any other text there is dropped, and an identifier of the person is replaced by its digest. */
  ids: readonly string[];
  /** The form of the platform's ids, tested on the whole text. */
  idForm: RegExp;
  /** Names and texts of things: products, plans, offers, campaigns. Kept; identifiers of people within them are masked. */
  texts: readonly string[];
  /** Branches about a person. Nothing in them is kept, and the identifiers and full names in them are searched for in the kept texts. */
  people: readonly string[];
  /** Branches about staff of the org's own account (closers, attendants, affiliates). Treated as `texts` when the connection's setting keeps staff, else as `people`. */
  staff: readonly string[];
  /**
   * Where numbers, booleans, times and currency codes are kept by their form: in every field outside of `people`, or only at these paths and below.
   * Paths are needed for platforms that name people by numbers in fields that nobody announced.
   */
  plain: 'everywhere' | readonly string[];
  /**
   * Says by the name of a field what its value is, for a source whose records have no fixed shape. The function is asked for every field that no
   * path above names, outside of branches about people and staff. `holder` is the key of the object around the field, or of the list that holds
   * that object. `around` is the object itself, so that the value of a pair such as `{ label, value }` can be judged by its label.
   * `word`, `id` and `text` decide about a text and about the texts of a list, and the fields of an object are asked about by their own names.
   * `person` and `staff` decide about the whole branch; a path above that reaches into the branch goes first there. Undefined: only what has the
   * form of `plain` is kept.
   */
  byName?(key: string, holder: string | undefined): NamedAs;
}

/**
 * What the name of a field says. The name is asked once for each place of a source's records; a function, which is asked for each record, decides
 * where the value or the object around it counts too.
 */
export type NamedAs = KeptAs | undefined | ((value: Json, around: JsonObject) => KeptAs | undefined);

/** What a field is by its name: see the lists of the same names in {@link KeptFields}. */
export type KeptAs = 'word' | 'id' | 'text' | 'person' | 'staff';

/**
 * Where a delivery carries its credential: top-level fields of the body (dotted paths are redacted, but cannot be verified again), query
 * parameters, headers in lower case.
 */
export interface Credentials {
  body: readonly string[];
  query: readonly string[];
  headers?: readonly string[];
}

export interface SecretField {
  /** The name under which the secret is stored, such as `hottok`. */
  name: string;
  label: string;
  help: string;
  /**
   * `platform`: the user copies the secret from the platform's panel. `tributary`: Tributary can generate it, and the user pastes it there.
   */
  issuedBy: 'platform' | 'tributary';
  required: boolean;
}

/** Why a text cannot be a secret of a connection. The message completes a sentence that begins with the name of the field. */
export interface SecretProblem {
  code: 'secret_not_hex' | 'secret_not_base64' | 'secret_not_whsec' | 'secret_not_sendable' | 'secret_of_another_kind';
  message: string;
}

/** The texts of a source in another language. Secrets and samples go by their names; a label that is a brand is not translated. */
export interface Translation {
  label?: string;
  setup: readonly string[];
  secrets: Readonly<Record<string, { label: string; help: string }>>;
  samples: Readonly<Record<string, string>>;
  /**
   * Label and description of each setting of `config` that has a description, by the setting's dotted path; one of several constants goes by
   * `<path>=<value>`. A setting without a label here is labelled by its key.
   */
  settings: Readonly<Record<string, { label?: string; help: string }>>;
}

export interface ReadContext<Config> {
  config: Config;
  headers: Readonly<Record<string, string | undefined>>;
  receivedAtMs: number;
}

/** One record of a delivery, with the data that it shares with the other records. */
export interface RawRecord {
  value: JsonObject;
  /** For sources whose records live in an envelope (Meta's `object` and `entry`). */
  envelope?: JsonObject | undefined;
}

/** A synthetic payload of our own in the platform's shape. Each id makes a new event. */
export interface Sample {
  name: string;
  label: string;
  /** Canonical type of every record in the payload. */
  becomes: string;
  contentType: string;
  body(fill: { id: string; nowMs: number }): string;
}

/** Headers and query parameters that make `body` a genuine delivery. */
export interface Signed {
  headers: Record<string, string>;
  query?: Record<string, string> | undefined;
  /** The body with the credential, for sources that carry their credential in the body. */
  body?: string | undefined;
}

/**
 * Everything about one platform. A source is pure: clocks and keys are arguments, and there is no database or network.
 * `Config` is the connection's parsed `config_json`, which never holds a secret.
 */
export interface Source<Config = unknown> {
  type: string;
  label: string;
  /** Steps for a person setting the webhook up in the platform's panel. `{{url}}` stands for the webhook URL. */
  setup: readonly string[];
  secrets: readonly SecretField[];
  /** The Portuguese texts of `label`, `setup`, `secrets`, `samples` and `config`. */
  portuguese: Translation;
  config: z.ZodType<Config>;
  /** A valid config to start from, for sources whose empty config is not valid. */
  exampleConfig?: Readonly<Record<string, unknown>>;
  samples: readonly Sample[];
  /**
   * What is kept of a record. Returns one of a few fixed objects, the same for the same config and kind of record: tables are compiled once. With
   * `staff: 'keep'` in the config, the fields about staff are kept as texts.
   */
  keptFor(config: Config, record: JsonObject): KeptFields;
  /** Finds ids of the platform that contain a person's identifier (a `wamid` contains the number). They are replaced by their digest in every column. */
  personalIds?: RegExp;
  /** Where deliveries carry credentials, which are redacted before anything is stored or logged. */
  credentials: Credentials;
  /** Replaces `credentials` where a connection's config decides. */
  credentialsFor?(config: Config): Credentials;
  /** Every value by which a delivery may present this secret, or a signature made with it. Without the method: the secret itself. */
  credentialForms?(secret: string, config: Config, delivery: Delivery): readonly string[];
  /** Paths that change between two deliveries of one event (attempt counters). They are left out of the record's fingerprint. */
  volatile: readonly string[];
  /** Replaces `volatile` where the config or the record decides. Returns the same list for the same config and kind of record. */
  volatileFor?(config: Config, record: JsonObject): readonly string[];
  /**
   * The event's name where the delivery carries it beside the records, in a header. It is part of the records' fingerprints, since one body under
   * two names is two events.
   */
  nameOutside?(config: Config, headers: Delivery['headers']): string | undefined;
  /** The answer to a GET handshake; undefined where the request is not a handshake. */
  handshake?(query: URLSearchParams, secrets: readonly Secret[]): { status: 200 | 403; body: string } | undefined;
  /**
   * Proves the delivery genuine on its raw bytes. Fails closed: without a secret nothing is accepted. The body is not parsed for it: a credential
   * that stands in the body is found by `findBodyField`.
   */
  verify(delivery: Delivery, secrets: readonly Secret[], config: Config, nowMs: number): Verdict;
  /**
   * Splits the body into records. Records that share large parts are yielded one at a time, since records.ts stops at a limit.
   * Throws RecordError when the body is not one of this platform's.
   */
  split(body: Body, config: Config): Iterable<RawRecord>;
  /** Reads one record. Throws RecordError (MISSING_FIELD, SCHEMA_DRIFT, VALIDATION_FAIL). */
  read(record: RawRecord, context: ReadContext<Config>): Reading;
  /** A new secret in the form that the config's scheme asks for, from 32 random bytes. Without this method, any text can be a secret. */
  newSecret?(config: Config, random: Uint8Array): string;
  /**
   * The secret as it is stored: without blanks that were pasted with it, unless they can be part of it. Returns the problem instead where deliveries
   * could not be verified with the secret. Without this method, blanks are left out and any other text is a secret.
   */
  readSecret?(secret: Secret, config: Config): { value: string } | { problem: SecretProblem };
  /**
   * The bytes of the largest body that the platform documents, or that the connection's settings ask for. Undefined where the platform documents
   * none: the default of the installation then holds.
   */
  bodyBytesMax?(config: Config): number | undefined;
  /** Signs a body as the platform would, for test sends and the demo. `url` is where it is sent. Throws when the secrets cannot sign. */
  sign(body: string, secrets: readonly Secret[], config: Config, nowMs: number, url?: string): Signed;
}
