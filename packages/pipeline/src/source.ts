import type { ErrorClass } from '@tributary/shared/errors.ts';
import type { z } from 'zod';

/** One HTTP request from a platform, as it arrived (after content decoding such as gzip). */
export interface Delivery {
  method: string;
  /** Absolute URL as the platform called it; some schemes sign it, some carry the credential in its query. */
  url: string;
  /** Header names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  /** The exact bytes of the body. */
  raw: Uint8Array;
}

/** A secret of a connection in plaintext. Several of one name are valid together while a rotation's grace lasts. */
export interface Secret {
  /** One of the source's `secrets[].name`. */
  name: string;
  value: string;
}

/** JSON as the pipeline sees it: integers beyond 2^53 are kept as decimal strings, never rounded. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** The decoded body of a genuine delivery: what a source's split and read work on. */
export type Body =
  | { kind: 'json'; value: Json }
  | { kind: 'form'; value: JsonObject }
  | { kind: 'ndjson'; value: Json[] }
  | { kind: 'empty' };

export type RejectClass = Extract<ErrorClass, 'INVALID_HOTTOK' | 'INVALID_SIGNATURE' | 'TIMESTAMP_OUT_OF_TOLERANCE'>;

/** Genuine, or the reason why not. The message is for the org's people: it never repeats a credential. */
export type Verdict = { ok: true } | { ok: false; error: RejectClass; message: string };

/** Identifiers of the person the record is about, in plaintext: process.ts normalises and hashes them, nothing else sees them. */
export interface Subject {
  email?: string | undefined;
  phone?: string | undefined;
  document?: string | undefined;
  external_id?: string | undefined;
}

/** What a source makes of one record, before hashing. */
export interface Reading {
  /** Canonical type (`order.paid`) or `<source>.<event>` for an event the vocabulary does not know. */
  type: string;
  /** The platform's own name of the event. */
  sourceEventType: string;
  /** The platform's own id of the event, where it has one. */
  sourceEventId?: string | undefined;
  /** Milliseconds since the epoch, from the source; undefined only where the source gives no time. */
  eventTimeMs?: number | undefined;
  /** The platform's id or documented composite, at most 255 characters; undefined falls back to the record's fingerprint. */
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
}

/** A record that could not be read, and why; it waits in the dead-letter queue. */
export class RecordError extends Error {
  readonly errorClass: ErrorClass;
  /** Path of the field concerned, as `data.purchase.transaction`. */
  readonly path: string | undefined;
  constructor(errorClass: ErrorClass, message: string, path?: string) {
    super(message);
    this.name = 'RecordError';
    this.errorClass = errorClass;
    this.path = path;
  }
}

/**
 * What of a record is personal. Paths are dotted, `*` matches any key or array index (`data.buyer.address.*`).
 * A path names a leaf or a whole branch. Everything matched is removed from `properties`, and its value is removed
 * wherever else in the record it is repeated.
 */
export interface PersonalData {
  /** Paths that are personal: removed. */
  remove: readonly string[];
  /** Paths that look personal by their key (`name`) but are not: product and plan names, say. Kept. */
  keep: readonly string[];
  /**
   * Where it is given, nothing else of the record is kept: paths of what cannot be about a person, by themselves or with everything below
   * them, less what `remove` names. For platforms whose records may carry anybody anywhere.
   */
  only?: readonly string[];
}

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
  /** Stored name, e.g. `hottok`. */
  name: string;
  label: string;
  help: string;
  /** `platform`: copied from the platform's panel. `tributary`: we can generate it and the user pastes it there. */
  issuedBy: 'platform' | 'tributary';
  required: boolean;
}

/** What people read of a source, in another language. Secrets and samples by their names; the label where it is no brand. */
export interface Translation {
  label?: string;
  setup: readonly string[];
  secrets: Readonly<Record<string, { label: string; help: string }>>;
  samples: Readonly<Record<string, string>>;
  /**
   * What stands beside each setting of `config` that has a description: its name and the description, by its dotted path; a constant by
   * `<path>=<value>`. Names that are not given are made of the key.
   */
  settings: Readonly<Record<string, { label?: string; help: string }>>;
}

export interface ReadContext<Config> {
  config: Config;
  headers: Readonly<Record<string, string | undefined>>;
  receivedAtMs: number;
}

/** A record cut out of a delivery, with what it shares with its neighbours. */
export interface RawRecord {
  value: JsonObject;
  /** For sources whose records live in an envelope (Meta's `object` and `entry`). */
  envelope?: JsonObject | undefined;
}

/** A synthetic payload of our own, in the platform's shape. `{{id}}` and times are filled in so that each send is a new event. */
export interface Sample {
  name: string;
  label: string;
  /** Canonical type of every record of it. */
  becomes: string;
  contentType: string;
  body(fill: { id: string; nowMs: number }): string;
}

/** Headers and query parameters that make `body` a genuine delivery. */
export interface Signed {
  headers: Record<string, string>;
  query?: Record<string, string> | undefined;
  /** The body, where the credential goes inside it. */
  body?: string | undefined;
}

/**
 * Everything about one platform. Pure: no clock, key, database or network but an argument.
 * `Config` is the connection's `config_json` after parsing: never a secret.
 */
export interface Source<Config = unknown> {
  type: string;
  label: string;
  /** Steps for a person setting the webhook up in the platform's panel. `{{url}}` stands for the webhook URL. */
  setup: readonly string[];
  secrets: readonly SecretField[];
  /** Of `label`, `setup`, `secrets` and `samples`. */
  portuguese: Translation;
  config: z.ZodType<Config>;
  /** A config to begin with, as a person writes it, where the empty one is not valid. */
  exampleConfig?: Readonly<Record<string, unknown>>;
  samples: readonly Sample[];
  personal: PersonalData;
  /** Top-level or dotted paths and query parameters that carry credentials: redacted before anything is stored or logged. */
  credentials: Credentials;
  /** In place of `personal`, where a connection's config decides. The same object for the same config. */
  personalFor?(config: Config): PersonalData;
  /** In place of `personal`, where the record decides. One of a few objects, never a new one. */
  personalOf?(record: JsonObject): PersonalData;
  /** In place of `credentials`, where a connection's config decides. */
  credentialsFor?(config: Config): Credentials;
  /** What proves a secret where a delivery writes it out, or a signature made with it, as one value; absent: the secret as it is. */
  credentialForms?(secret: string, config: Config, delivery: Delivery): readonly string[];
  /** Paths that change between two deliveries of one event (attempt counters): left out of the record's fingerprint. */
  volatile: readonly string[];
  /** Answer to a GET handshake; undefined where there is none for this request. */
  handshake?(query: URLSearchParams, secrets: readonly Secret[]): { status: 200 | 403; body: string } | undefined;
  /**
   * Proves the delivery genuine on its raw bytes. Fails closed: without a secret nothing is accepted. The body is not parsed for it: a credential
   * that stands in the body is found by `findBodyField`.
   */
  verify(delivery: Delivery, secrets: readonly Secret[], config: Config, nowMs: number): Verdict;
  /**
   * Cuts the body into records, where many of them share something one at a time: records.ts stops when it is too much.
   * Throws RecordError when the body is not this platform's at all.
   */
  split(body: Body, config: Config): Iterable<RawRecord>;
  /** Reads one record. Throws RecordError (MISSING_FIELD, SCHEMA_DRIFT, VALIDATION_FAIL). */
  read(record: RawRecord, context: ReadContext<Config>): Reading;
  /** A new secret in the form that the config's scheme asks for, from 32 random bytes. Without it, any text can be a secret. */
  newSecret?(config: Config, random: Uint8Array): string;
  /** Signs a body as the platform would, for test sends and the demo. `url` is where it is sent. Throws when the secrets cannot sign. */
  sign(body: string, secrets: readonly Secret[], config: Config, nowMs: number, url?: string): Signed;
}
