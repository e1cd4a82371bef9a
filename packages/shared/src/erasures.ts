import { z } from 'zod';
import { nextPage, pageQuery, pageRowsMax } from './pages.ts';
import { oneLine } from './texts.ts';

// Wire contracts of erasing a person. Times are ISO 8601 in UTC.

const Id = z.guid();
const Timestamp = z.iso.datetime();
const Identifier = z.string().trim().min(1).max(320);

export const ErasePerson = z
  .strictObject({
    orgId: Id.optional(),
    email: Identifier.optional(),
    phone: Identifier.optional().describe(
      'A phone number with its country code, or in the local form that the org\u2019s connections are configured for.',
    ),
    document: Identifier.optional().describe('A tax or identity document, with or without separators.'),
    externalId: Identifier.optional().describe('The id of the person on a platform.'),
    reference: oneLine(z.string().trim().min(1).max(120))
      .optional()
      .describe('Reference of the request, for example a ticket number. It is kept, so it must not name the person.'),
    dryRun: z.boolean().default(false).describe('Count the events about the person without erasing anything.'),
  })
  .refine(({ email, phone, document, externalId }) => [email, phone, document, externalId].some((one) => one !== undefined), {
    path: ['email'],
    message: 'name the person by at least one of email, phone, document and externalId',
  })
  .meta({ id: 'ErasePerson' });
export type ErasePerson = z.input<typeof ErasePerson>;

export const ErasureDryRun = z
  .object({
    dryRun: z.literal(true),
    events: z.int().describe('The exact number of events with a hash of the given identifiers.'),
    erasedBefore: z
      .array(z.object({ id: Id, completedAt: Timestamp }))
      .max(100)
      .describe('Completed erasures of a person with one of these identifiers, newest first, at most 100.'),
  })
  .meta({ id: 'ErasureDryRun' });
export type ErasureDryRun = z.infer<typeof ErasureDryRun>;

export const Erasure = z
  .object({
    id: Id,
    orgId: Id,
    kinds: z
      .array(z.enum(['email', 'phone', 'document', 'external_id']))
      .max(4)
      .describe('The kinds of the given identifiers, without their values.'),
    reference: z.string().nullable(),
    status: z.enum(['running', 'completed']),
    waitsFor: z
      .string()
      .nullable()
      .describe(
        'Why the erasure is waiting: the reason of a legal hold, or a hash key that cannot be opened. The erasure continues automatically afterwards.',
      ),
    scanned: z.int().describe('Bodies that were searched.'),
    scannedTo: Timestamp.nullable().describe('Every delivery received until this time was searched.'),
    events: z.int().describe('Events whose personal data was removed.'),
    deliveries: z.int().describe('Deliveries that named the person; their bodies were deleted.'),
    deadLetters: z.int().describe('Dead letters of those deliveries; they were discarded.'),
    otherRows: z
      .int()
      .describe(
        'Other rows that named the person and lost those texts: events about somebody else, older dead letters, filters, references.',
      ),
    unreadable: z.int().describe('Bodies that no key of the org opens, so they could not be searched.'),
    createdBy: Id,
    createdAt: Timestamp,
    completedAt: Timestamp.nullable(),
  })
  .meta({ id: 'Erasure' });
export type Erasure = z.infer<typeof Erasure>;

export const ErasureQuery = z.strictObject({ orgId: Id.optional(), ...pageQuery(100) });
export type ErasureQuery = z.input<typeof ErasureQuery>;

export const ErasureList = z
  .object({ erasures: z.array(Erasure).max(pageRowsMax).describe('Newest first.'), ...nextPage })
  .meta({ id: 'ErasureList' });
export type ErasureList = z.infer<typeof ErasureList>;
