import { isCanonicalType, sourceTypePattern } from '@tributary/shared/canonical.ts';
import { z } from 'zod';
import { bodyBytesMaxSchema, verificationSchema } from './verification.ts';

const path = (description: string) =>
  z
    .string()
    .max(200)
    .regex(/^[^.\s]([^.]*[^.\s])?(\.[^.\s]([^.]*[^.\s])?)*$/)
    .describe(`${description} Dotted path within a record, for example data.order.id.`);

const pathOrHeader = (description: string) =>
  z
    .string()
    .max(200)
    .regex(/^(header:[A-Za-z0-9!#$%&'*+.^_`|~-]+|[^.\s=]([^.]*[^.\s])?(\.[^.\s]([^.]*[^.\s])?)*)$/)
    .describe(`${description} Dotted path within a record, for example data.order.id, or a header, for example header:x-event.`);

const typePattern = /^webhook\.[a-z0-9_]{1,100}$/;

const schema = z
  .strictObject({
    verification: verificationSchema,
    bodyBytesMax: bodyBytesMaxSchema.optional(),
    records: z
      .strictObject({ path: path('Array that holds the records of a delivery.').optional() })
      .optional()
      .describe('How a delivery is cut into records. Unset: a top-level array or NDJSON is cut, an object is one record.'),
    fields: z
      .strictObject({
        id: pathOrHeader('Id of the event, the same whenever it is sent again. Unset: id, event_id, eventId, uuid, messageId.').optional(),
        type: z
          .string()
          .max(200)
          .regex(/^(=[^\s].*|header:[A-Za-z0-9!#$%&'*+.^_`|~-]+|[^.\s=]([^.]*[^.\s])?(\.[^.\s]([^.]*[^.\s])?)*)$/)
          .optional()
          .describe(
            'Name of the event: a dotted path, a header such as header:x-event, or a constant such as =lead.created. Unset: type, event, event_type, eventType, topic.',
          ),
        time: z
          .strictObject({
            path: pathOrHeader('Time of the event.'),
            unit: z
              .enum(['auto', 'seconds', 'milliseconds', 'iso'])
              .default('auto')
              .describe('Unit of the time; auto decides by form and magnitude.'),
          })
          .optional()
          .describe('When the event happened. Unset: timestamp, time, created_at, createdAt, occurred_at, created.'),
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
    personal: z
      .array(path('Personal data to remove; * stands for any key.'))
      .max(200)
      .optional()
      .describe('Further paths that hold personal data.'),
    keepText: z
      .array(path('A value that is not personal although its name is; * stands for any key.'))
      .max(200)
      .optional()
      .describe('Paths that look personal by their name but are not, for example data.product.name.'),
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
