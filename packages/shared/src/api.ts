import { z } from 'zod';
import { nextPage, pageQuery, pageRowsMax } from './pages.ts';
import { lines, oneLine } from './texts.ts';

// Wire contracts of the control plane. Times are ISO 8601 in UTC.

const Id = z.guid();
const Timestamp = z.iso.datetime();
const name = (what: string) =>
  oneLine(z.string().trim().min(1, `give the ${what} a name`).max(120, 'at most 120 characters')).describe(
    `Name of the ${what}, shown to people.`,
  );

const RateLimit = z
  .int()
  .min(1)
  .max(100_000)
  .nullable()
  .describe(
    'Records a second over all instances of the server; further deliveries are answered 429. The records of a delivery are known after it was read, so the deliveries after a large one wait for it. null: no limit.',
  );
const networks = [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()];
const AllowedIps = z
  .array(
    z
      .string()
      .trim()
      .refine(
        (text) => networks.some((schema) => schema.safeParse(text).success),
        'give an address or a network, for example 203.0.113.0/24',
      ),
  )
  .min(1, 'give at least one address, or null for every address')
  .max(100, 'at most 100 addresses and networks')
  .nullable()
  .describe(
    'The addresses and networks (CIDR) that may send to the connection; deliveries from others are answered 403 `address_not_allowed`. null: every address may.',
  );
const SuspendedReason = lines(z.string().trim().min(1, 'say why the connection is suspended').max(500, 'at most 500 characters'))
  .nullable()
  .describe('Why the connection is suspended: its deliveries are answered 403 `connection_suspended` and counted. null: it is not.');
const Priority = z
  .enum(['normal', 'low'])
  .describe('In a brownout only a share of the deliveries to connections of low priority is kept; the others are answered 429.');

/** A secret as people paste it: the source leaves out blanks around it where they cannot be part of it, and checks its form. */
const SecretValue = z.string().min(1, 'must not be empty').max(4096, 'at most 4096 characters');

/** The settings of a source. Each source has its own schema (`GET /api/sources`), which is checked after this one. */
const SourceConfig = z
  .record(z.string(), z.unknown())
  .describe('Settings in the JSON schema of the source in GET /api/sources. They never contain a secret.');

/** Public: the addresses and the key that a program needs to sign in. */
export const PublicConfig = z
  .object({
    supabaseUrl: z.string().describe('Supabase Auth is under /auth/v1, the Data API under /rest/v1.'),
    publishableKey: z.string().describe('Sent as the header `apikey`. It is public.'),
    version: z.string().describe('Version of the server.'),
  })
  .meta({ id: 'Config' });
export type PublicConfig = z.infer<typeof PublicConfig>;

/** One invalid field of a request, with a message for people and zod's code for programs. The sent value is never repeated. */
export const FieldError = z
  .object({
    path: z.string().describe('Dotted path of the field, for example `config.scheme`; empty for the whole body.'),
    message: z.string().describe('A message for people, in English.'),
    code: z
      .string()
      .describe(
        'For programs: `invalid_type`, `too_small`, `too_big`, `invalid_format`, `invalid_value`, …; `secret_not_hex`, `secret_not_base64`, `secret_not_whsec`, … for a secret in a form that the connection cannot use; with `custom`, only the message says what is wrong.',
      ),
    origin: z.string().optional().describe('What `minimum` or `maximum` counts: `string` (characters), `array` (items), `number`, …'),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    format: z.string().optional().describe('The expected format: `email`, `url`, `guid`, `datetime`, `regex`, …'),
  })
  .meta({ id: 'FieldError' });
export type FieldError = z.infer<typeof FieldError>;

/** The body of every error answer: RFC 9457 with a stable `code`. */
export const ProblemAnswer = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('A stable code for programs.'),
    detail: z.string().optional(),
    requestId: z.string(),
    errors: z.array(FieldError).max(100).optional(),
  })
  .meta({ id: 'Problem' });
export type ProblemAnswer = z.infer<typeof ProblemAnswer>;

/** The secrets of one connection: a source has a few, and five of each name are valid at most. */
const secretsMax = 50;

export const SecretState = z
  .object({
    name: z.string(),
    createdAt: Timestamp,
    expiresAt: Timestamp.nullable().describe('null: the current secret. A time: the secret was replaced and is valid until then.'),
  })
  .meta({ id: 'SecretState' });
export type SecretState = z.infer<typeof SecretState>;

export const Connection = z
  .object({
    id: Id,
    orgId: Id,
    projectId: Id,
    type: z.string(),
    name: z.string(),
    isActive: z.boolean(),
    suspendedReason: SuspendedReason,
    allowedIps: AllowedIps,
    rateLimitPerSecond: RateLimit,
    priority: Priority,
    config: SourceConfig,
    webhookUrl: z.string(),
    secrets: z.array(SecretState).max(secretsMax),
    missingSecrets: z
      .array(z.string())
      .max(secretsMax)
      .describe('Required secrets that are not set: until they are, every delivery is rejected.'),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    lastEventAt: Timestamp.nullable(),
  })
  .meta({ id: 'Connection' });
export type Connection = z.infer<typeof Connection>;

export const ConnectionQuery = z.strictObject({
  orgId: Id.optional().describe('All orgs of the caller when left out.'),
  projectId: Id.optional(),
  search: z.string().trim().min(1).max(120).optional().describe('Only connections whose name or id contains this text, in any case.'),
  ...pageQuery(pageRowsMax),
});
export type ConnectionQuery = z.input<typeof ConnectionQuery>;

/** A page of connections. The header `link` names the next page. */
export const ConnectionList = z.array(Connection).max(pageRowsMax);

export const CreateConnection = z
  .strictObject({
    projectId: Id,
    type: z.string().min(1).max(40).describe('A type of GET /api/sources, for example `hotmart`.'),
    name: name('connection'),
    secret: SecretValue.optional().describe('The source\u2019s first secret.'),
    secrets: z.record(z.string(), SecretValue).optional().describe('Secrets by name, for sources with several.'),
    config: SourceConfig.optional(),
  })
  .meta({ id: 'CreateConnection' });
export type CreateConnection = z.input<typeof CreateConnection>;

export const CreatedConnection = z
  .object({
    id: Id,
    webhookUrl: z.string().describe('The URL to paste into the platform.'),
    secret: z.string().optional().describe('The source\u2019s first secret when it was generated. It is only shown in this answer.'),
    secrets: z.record(z.string(), z.string()).optional().describe('Every generated secret by name. They are only shown in this answer.'),
    missingSecrets: z
      .array(z.string())
      .max(secretsMax)
      .describe('Secrets that the platform issues and that were not given yet: until they are, every delivery is rejected.'),
  })
  .meta({ id: 'CreatedConnection' });
export type CreatedConnection = z.infer<typeof CreatedConnection>;

export const UpdateConnection = z
  .strictObject({
    name: name('connection').optional(),
    isActive: z.boolean().optional(),
    config: SourceConfig.optional(),
    rateLimitPerSecond: RateLimit.optional(),
    priority: Priority.optional(),
    allowedIps: AllowedIps.optional(),
    suspendedReason: SuspendedReason.optional(),
  })
  .refine(
    (body) => Object.values(body).some((value) => value !== undefined),
    'give at least one of name, isActive, config, rateLimitPerSecond, priority, allowedIps and suspendedReason',
  )
  .meta({ id: 'UpdateConnection' });
export type UpdateConnection = z.input<typeof UpdateConnection>;

const graceSecondsMax = 30 * 24 * 3600;

export const RotateSecret = z
  .strictObject({
    name: z.string().min(1).max(64).optional().describe('Name of the secret; the source\u2019s first secret when left out.'),
    secret: SecretValue.optional().describe('The new value. Generated when left out, unless the platform issues it.'),
    graceSeconds: z
      .int()
      .min(0)
      .max(graceSecondsMax)
      .default(0)
      .describe('How long the old secret stays valid, in seconds. It ends earlier when four newer secrets follow.'),
  })
  .meta({ id: 'RotateSecret' });
export type RotateSecret = z.input<typeof RotateSecret>;

export const RotatedSecret = z
  .object({
    name: z.string(),
    secret: z.string().optional().describe('The new secret when it was generated. It is only shown in this answer.'),
    secrets: z.array(SecretState).max(secretsMax),
  })
  .meta({ id: 'RotatedSecret' });
export type RotatedSecret = z.infer<typeof RotatedSecret>;

export const TestConnection = z
  .strictObject({
    sample: z.string().min(1).max(100).optional().describe('Name of a sample of the source; the first sample when left out.'),
  })
  .meta({ id: 'TestConnection' });
export type TestConnection = z.input<typeof TestConnection>;

export const TestedConnection = z
  .object({
    sample: z.string(),
    request: z.object({
      method: z.string(),
      url: z.string(),
      headers: z.record(z.string(), z.string()).describe('Credentials are masked.'),
      body: z.string().describe('Credentials are masked.'),
    }),
    response: z.object({ status: z.int(), body: z.unknown() }),
    durationMs: z.number(),
  })
  .meta({ id: 'TestedConnection' });
export type TestedConnection = z.infer<typeof TestedConnection>;

/** A language of the dashboard, and of answers that people read. */
export const Language = z.enum(['en', 'pt-BR']);
export type Language = z.infer<typeof Language>;

/** The texts of the catalogue exist in both languages of the dashboard. */
export const SourceQuery = z.strictObject({ language: Language.default('en') });

export const SourceEntry = z
  .object({
    type: z.string(),
    label: z.string(),
    setup: z.array(z.string()).max(50).describe('Setup steps for a person; {{url}} stands for the webhook URL.'),
    secrets: z
      .array(
        z.object({
          name: z.string(),
          label: z.string(),
          help: z.string(),
          issuedBy: z.enum(['platform', 'tributary']),
          required: z.boolean(),
        }),
      )
      .max(secretsMax),
    configSchema: z.record(z.string(), z.unknown()).describe('JSON Schema (2020-12) of `config`.'),
    exampleConfig: z.record(z.string(), z.unknown()).describe('A `config` that POST /api/connections accepts.'),
    samples: z.array(z.object({ name: z.string(), label: z.string() })).max(500),
    handshake: z.boolean().describe('Whether the platform first checks the URL with a GET request.'),
  })
  .meta({ id: 'Source' });
export type SourceEntry = z.infer<typeof SourceEntry>;

export const Org = z
  .object({
    id: Id,
    name: z.string(),
    slug: z.string(),
    role: z.enum(['owner', 'admin', 'analyst']).describe('The caller\u2019s role.'),
    rateLimitPerSecond: RateLimit,
    createdAt: Timestamp,
  })
  .meta({ id: 'Org' });
export type Org = z.infer<typeof Org>;

export const UpdateOrg = z
  .strictObject({ name: name('org').optional(), rateLimitPerSecond: RateLimit.optional() })
  .refine((body) => Object.values(body).some((value) => value !== undefined), 'give at least one of name and rateLimitPerSecond')
  .meta({ id: 'UpdateOrg' });
export type UpdateOrg = z.input<typeof UpdateOrg>;

export const OrgKey = z
  .object({
    kind: z.enum(['data', 'hash']).describe('data: seals bodies and secrets. hash: hashes the identifiers of people.'),
    version: z.int(),
    createdAt: Timestamp,
    retiredAt: Timestamp.nullable(),
    current: z.boolean().describe('Whether new data is written with this key.'),
  })
  .meta({ id: 'OrgKey' });
export type OrgKey = z.infer<typeof OrgKey>;

export const RotateKey = z.strictObject({ kind: z.enum(['data', 'hash']).default('data') }).meta({ id: 'RotateKey' });
export type RotateKey = z.input<typeof RotateKey>;

export const OrgKeyQuery = z.strictObject(pageQuery(pageRowsMax));

export const OrgKeys = z
  .object({ keys: z.array(OrgKey).max(pageRowsMax).describe('By kind, the newest version first.'), ...nextPage })
  .meta({ id: 'OrgKeys' });
export type OrgKeys = z.infer<typeof OrgKeys>;

export const Invite = z
  .object({
    id: Id,
    orgId: Id,
    email: z.string(),
    role: z.enum(['admin', 'analyst']),
    createdAt: Timestamp,
    expiresAt: Timestamp,
    acceptedAt: Timestamp.nullable(),
  })
  .meta({ id: 'Invite' });
export type Invite = z.infer<typeof Invite>;

export const InviteQuery = z.strictObject({ orgId: Id, ...pageQuery(pageRowsMax) });
export type InviteQuery = z.input<typeof InviteQuery>;

/** A page of invites. The header `link` names the next page. */
export const InviteList = z.array(Invite).max(pageRowsMax);

export const CreateInvite = z
  .strictObject({ orgId: Id, email: z.string().trim().toLowerCase().max(254).pipe(z.email()), role: z.enum(['admin', 'analyst']) })
  .meta({ id: 'CreateInvite' });
export type CreateInvite = z.input<typeof CreateInvite>;

export const CreatedInvite = z
  .object({
    id: Id,
    token: z.string().describe('Only shown in this answer; the server keeps its SHA-256.'),
    acceptUrl: z.string().describe('The link to send to the invited person.'),
    expiresAt: Timestamp,
  })
  .meta({ id: 'CreatedInvite' });
export type CreatedInvite = z.infer<typeof CreatedInvite>;

export const AcceptInvite = z.strictObject({ token: z.string().min(1).max(200) }).meta({ id: 'AcceptInvite' });
export type AcceptInvite = z.input<typeof AcceptInvite>;

export const AcceptedInvite = z.object({ orgId: Id }).meta({ id: 'AcceptedInvite' });
export type AcceptedInvite = z.infer<typeof AcceptedInvite>;

const Outcome = z.enum(['accepted', 'duplicate', 'dead_lettered']);

/** The answer to a delivery, sent after its records are committed. */
export const DeliveryAnswer = z
  .object({
    status: z.enum([...Outcome.options, 'mixed']),
    records: z
      .array(
        z.object({
          status: Outcome,
          eventId: Id.optional().describe('The canonical event; for a duplicate, the event that was stored first.'),
          dlqId: Id.optional().describe('The dead-letter entry.'),
          code: z.string().optional().describe('Error class of the dead-letter entry, for example SCHEMA_DRIFT.'),
        }),
      )
      .max(200_000)
      .describe('One for each record of the delivery. A delivery has at most 200,000 JSON values.'),
  })
  .meta({ id: 'DeliveryAnswer' });
export type DeliveryAnswer = z.infer<typeof DeliveryAnswer>;
