import { isCanonicalType, sourceTypePattern } from '@tributary/shared/canonical.ts';
import { z } from 'zod';
import { timeUnits } from '../../reading/time.ts';
import { isZoneName } from '../../reading/zone.ts';

const headerName = (description: string) =>
  z
    .string()
    .max(100)
    .toLowerCase()
    .regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/)
    .describe(description);

const path = (description: string) =>
  z
    .string()
    .max(200)
    .regex(/^[^.\s]([^.]*[^.\s])?(\.[^.\s]([^.]*[^.\s])?)*$/)
    .describe(`${description} Dotted path within a record, for example data.order.id.`);

const pathOrHeaderPattern = /^(header:[A-Za-z0-9!#$%&'*+.^_`|~-]+|[^.\s=]([^.]*[^.\s])?(\.[^.\s]([^.]*[^.\s])?)*)$/;

const pathOrHeader = (description: string) =>
  z
    .string()
    .max(200)
    .regex(pathOrHeaderPattern)
    .describe(`${description} Dotted path within a record, for example data.order.id, or a header, for example header:x-event.`);

/** What stands between the parts of an id that is made of several fields. */
export const idJoint = ' + ';

const joinedId = (description: string) =>
  z
    .string()
    .max(500)
    .refine(
      (text) => text.split(idJoint).every((part) => part.length <= 200 && pathOrHeaderPattern.test(part)),
      'not dotted paths or headers that are joined by " + "',
    )
    .describe(`${description} Dotted path within a record, for example data.order.id, or a header, for example header:x-event.`);

const toleranceSeconds = z
  .int()
  .min(1)
  .max(86_400)
  .default(300)
  .describe('Largest difference between the signed time and ours, in seconds, in either direction.');

const placeholders = ['body', 'timestamp', 'id', 'url', 'method'];

const hmac = z
  .strictObject({
    scheme: z.literal('hmac').describe('The sender signs each delivery with a shared secret.'),
    header: headerName('Header that carries the signature, for example x-signature.'),
    algorithm: z.enum(['sha1', 'sha256', 'sha512']).default('sha256').describe('Hash function of the HMAC.'),
    encoding: z.enum(['hex', 'base64']).default('hex').describe('How the signature is written. Hexadecimal is expected in lower case.'),
    prefix: z.string().min(1).max(50).optional().describe('Text before the signature, for example sha256= or v0=.'),
    combined: z
      .strictObject({
        timestampKey: z.string().min(1).max(20).default('t').describe('Key of the timestamp.'),
        signatureKey: z.string().min(1).max(20).default('v1').describe('Key of the signature; it may occur several times.'),
        separator: z.enum([',', ';']).default(',').describe('What stands between the pairs.'),
      })
      .optional()
      .describe('Set when one header carries timestamp and signatures together, for example t=1700000000,v1=….'),
    secretEncoding: z
      .enum(['utf-8', 'base64', 'whsec'])
      .default('utf-8')
      .describe('How the secret becomes the key: as text, decoded from base64, or decoded after whsec_.'),
    timestampHeader: headerName('Header that carries the time of signing.').optional(),
    timestampUnit: z.enum(['seconds', 'milliseconds']).default('seconds').describe('Unit of the time of signing.'),
    idHeader: headerName('Header that carries the id of the delivery.').optional(),
    template: z
      .string()
      .max(200)
      .default('{body}')
      .describe('What is signed: text with {body}, {timestamp}, {id}, {url} and {method}, for example {timestamp}.{body}.'),
    toleranceSeconds,
  })
  .superRefine((scheme, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const used = [...scheme.template.matchAll(/\{([a-z]*)\}/g)].map((match) => match[1] ?? '');
    const unknown = used.find((name) => !placeholders.includes(name));
    if (unknown !== undefined) refuse('template', `{${unknown}} is not a placeholder`);
    // A signature that does not cover the body would make every body genuine.
    if (used.filter((name) => name === 'body').length !== 1) refuse('template', 'the template must contain {body} exactly once');
    const hasTimestamp = scheme.combined !== undefined || scheme.timestampHeader !== undefined;
    if (scheme.combined && scheme.timestampHeader) refuse('timestampHeader', 'the combined header already carries the timestamp');
    if (scheme.combined && scheme.prefix) refuse('prefix', 'a combined header has no prefix');
    // A timestamp that is not signed proves nothing, and a signed one has to be sent in a header.
    if (used.includes('timestamp') !== hasTimestamp)
      refuse('template', 'a timestamp has to be both sent in a header and signed by the template');
    if (used.includes('id') !== (scheme.idHeader !== undefined))
      refuse('template', 'an id has to be both sent in a header and signed by the template');
  });

const standardWebhooks = z.strictObject({
  scheme: z.literal('standard-webhooks').describe('Standard Webhooks (also Svix): webhook-id, webhook-timestamp, webhook-signature.'),
  toleranceSeconds,
});

const apiKey = z.strictObject({
  scheme: z.literal('api-key').describe('The sender adds the secret itself to each request.'),
  in: z
    .enum(['header', 'query'])
    .describe('Where the secret is. A secret in the URL may end up in the logs of other systems: prefer a header.'),
  name: z
    .string()
    .max(100)
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/)
    .describe('Name of the header or query parameter, for example authorization or api_key.'),
  prefix: z.string().min(1).max(50).optional().describe('Text before the secret, for example "Bearer ".'),
});

const basic = z.strictObject({
  scheme: z.literal('basic').describe('HTTP Basic; the secret is the password.'),
  username: z
    .string()
    .max(255)
    .regex(/^[^:\p{Cc}]*$/u)
    .describe('User name.'),
});

const typePattern = /^webhook\.[a-z0-9_]{1,100}$/;

const schema = z
  .strictObject({
    verification: z
      .discriminatedUnion('scheme', [hmac, standardWebhooks, apiKey, basic])
      .describe('How a delivery proves that it is genuine.'),
    records: z
      .strictObject({ path: path('Array that holds the records of a delivery.').optional() })
      .optional()
      .describe('How a delivery is cut into records. Unset: a top-level array or NDJSON is cut, an object is one record.'),
    fields: z
      .strictObject({
        id: joinedId(
          'Id of the event, the same whenever it is sent again and another one for each event. Several parts are joined by " + ", for example order_id + status. Unset: the id of a known platform, or an id beside the event’s name; where that id may be of a thing (an order whose changes are sent), each different record is an event.',
        ).optional(),
        type: z
          .string()
          .max(200)
          .regex(/^(=[^\s].*|header:[A-Za-z0-9!#$%&'*+.^_`|~-]+|[^.\s=]([^.]*[^.\s])?(\.[^.\s]([^.]*[^.\s])?)*)$/)
          .optional()
          .describe(
            'Name of the event: a dotted path, a header such as header:x-event, or a constant such as =lead.created. Unset: the header of a known platform, then type, event, event_type, eventType, topic, event_name, action.',
          ),
        time: z
          .strictObject({
            path: pathOrHeader('Time of the event.'),
            unit: z
              .enum(timeUnits)
              .default('auto')
              .describe(
                'Unit or form of the time. auto decides by form and magnitude; dates such as 31/12/2026 need day-month-year or month-day-year.',
              ),
          })
          .optional()
          .describe(
            'When the event happened. Unset: the first of event_time, occurred_at, timestamp, time, updated_at, created_at, created and their like that holds a time which has come, otherwise the time of arrival.',
          ),
        email: path('E-mail address of the person concerned; stored as a hash only.').optional(),
        phone: path('Phone number of the person concerned; stored as a hash only.').optional(),
        document: path('Document number (CPF, CNPJ) of the person concerned; stored as a hash only.').optional(),
        externalId: path('Id of the person concerned in the sending system; stored as a hash only.').optional(),
        amount: z
          .strictObject({
            path: path('Amount.'),
            unit: z.enum(['major', 'minor']).describe('major: 19.90. minor: 1990.'),
          })
          .optional()
          .describe('Amount of money the event is about.'),
        currency: z
          .string()
          .max(200)
          .regex(/^[^.\s]([^.]*[^.\s])?(\.[^.\s]([^.]*[^.\s])?)*$/)
          .optional()
          .describe('Currency of the amount: a code in capitals, for example BRL, or a dotted path to a code.'),
        orderRef: path('Order or transaction reference.').optional(),
      })
      .refine((fields) => fields.amount === undefined || fields.currency !== undefined, {
        path: ['currency'],
        message: 'an amount needs a currency',
      })
      .optional()
      .describe('Where the fields of an event are in a record.'),
    typeMap: z
      .record(
        z.string().max(255),
        z
          .string()
          .refine(
            (type) => isCanonicalType(type) || (typePattern.test(type) && sourceTypePattern.test(type)),
            'neither in the vocabulary nor webhook.<event>',
          ),
      )
      .optional()
      .describe('Canonical type for each name of an event, for example { "venda_aprovada": "order.paid" }.'),
    timeZone: z
      .string()
      .max(60)
      .refine(isZoneName, 'not the name of a time zone, such as America/Sao_Paulo')
      .optional()
      .describe('Time zone of times that name no zone, for example America/Sao_Paulo (IANA). Unset: UTC.'),
    volatile: z
      .array(path('A field that differs between two deliveries of one event; * stands for any key.'))
      .max(50)
      .optional()
      .describe(
        'Fields that change when the sender repeats an event, for example attempt or meta.sent_at. Two records that differ only in them are one event.',
      ),
    keep: z
      .array(path('A text that is about no one; * stands for any key.'))
      .max(200)
      .optional()
      .describe(
        'Texts to keep that are not kept by themselves, for example data.lesson.summary. E-mail addresses, phone numbers, documents and the person’s full name within them are masked.',
      ),
    personal: z
      .array(path('Personal data to remove; * stands for any key.'))
      .max(200)
      .optional()
      .describe('Further paths that hold personal data. Nothing below them is kept.'),
    staff: z
      .enum(['remove', 'keep'])
      .optional()
      .describe(
        'Names of your own staff, such as sellers, attendants and closers: remove (the default) or keep. Their e-mail addresses and phone numbers are never kept.',
      ),
    staffPaths: z
      .array(path('A person of your own staff; * stands for any key.'))
      .max(50)
      .optional()
      .describe('Further paths that hold your own staff, for example data.team.leader.'),
    defaultCountry: z
      .string()
      .regex(/^[A-Z]{2}$/)
      .optional()
      .describe('Two-letter country (ISO 3166-1) assumed for phone numbers without a country code.'),
  })
  .describe('Generic webhook');

export const configSchema = schema;
export type WebhookConfig = z.output<typeof schema>;
export type WebhookConfigInput = z.input<typeof schema>;
export type Verification = WebhookConfig['verification'];

const checked = new WeakMap<object, WebhookConfig | null>();

/**
 * The config; undefined when it is absent or invalid, and then every delivery is refused. Each object is validated once: the cached connection
 * keeps one config object.
 */
export function settingsOf(config: unknown): WebhookConfig | undefined {
  if (typeof config !== 'object' || config === null) return undefined;
  let settings = checked.get(config);
  if (settings === undefined) {
    settings = schema.safeParse(config).data ?? null;
    checked.set(config, settings);
  }
  return settings ?? undefined;
}
