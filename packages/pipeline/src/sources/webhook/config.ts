import { isCanonicalType, sourceTypePattern } from '@tributary/shared/canonical.ts';
import { z } from 'zod';
import { timeUnits } from '../../reading/time.ts';
import { isZoneName } from '../../reading/zone.ts';
import { bodyBytesMaxSchema, verificationSchema } from './verification.ts';

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
