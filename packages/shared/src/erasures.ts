import { z } from 'zod';

// Wire contracts of erasing a person. Times are ISO 8601 in UTC.

const Id = z.guid();
const Timestamp = z.iso.datetime();
const Identifier = z.string().trim().min(1).max(320);

export const ErasePerson = z
  .strictObject({
    orgId: Id.optional(),
    email: Identifier.optional(),
    phone: Identifier.optional().describe('With its country code, or as the connections of the org read local numbers.'),
    document: Identifier.optional().describe('A tax or identity document, with or without separators.'),
    externalId: Identifier.optional().describe('The id that a platform calls the person by.'),
    reference: z.string().trim().min(1).max(120).optional().describe('Of the request, as a ticket has it. Kept, so it names nobody.'),
    dryRun: z.boolean().default(false).describe('Only count the events that are about the person.'),
  })
  .refine(({ email, phone, document, externalId }) => [email, phone, document, externalId].some((one) => one !== undefined), {
    path: ['email'],
    message: 'name the person by at least one of email, phone, document and externalId',
  })
  .meta({ id: 'ErasePerson' });
export type ErasePerson = z.input<typeof ErasePerson>;

export const ErasureDryRun = z
  .object({ dryRun: z.literal(true), events: z.int().describe('Exact, by the hashes of what was given.') })
  .meta({ id: 'ErasureDryRun' });
export type ErasureDryRun = z.infer<typeof ErasureDryRun>;

export const Erasure = z
  .object({
    id: Id,
    orgId: Id,
    kinds: z.array(z.enum(['email', 'phone', 'document', 'external_id'])).describe('By what the person was named. Not what it was.'),
    reference: z.string().nullable(),
    status: z.enum(['running', 'completed']),
    waitsFor: z
      .string()
      .nullable()
      .describe('What it waits for, and then goes on: the reason of a legal hold, or the hash key that does not open.'),
    scanned: z.int().describe('Bodies that were looked at.'),
    scannedTo: Timestamp.nullable().describe('Everything that was received until then was looked at.'),
    events: z.int().describe('Events that lost what was about the person.'),
    deliveries: z.int().describe('Deliveries that named the person, whose bodies are gone.'),
    deadLetters: z.int().describe('Dead letters of those deliveries, which were given up.'),
    unreadable: z.int().describe('Bodies that open with no key of the org: nobody can say whom they name.'),
    createdBy: Id,
    createdAt: Timestamp,
    completedAt: Timestamp.nullable(),
  })
  .meta({ id: 'Erasure' });
export type Erasure = z.infer<typeof Erasure>;

export const ErasureQuery = z.strictObject({ orgId: Id.optional() });
export type ErasureQuery = z.infer<typeof ErasureQuery>;

export const ErasureList = z.object({ erasures: z.array(Erasure).describe('Newest first, at most 100.') }).meta({ id: 'ErasureList' });
export type ErasureList = z.infer<typeof ErasureList>;
