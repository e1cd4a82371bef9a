import { z } from 'zod';
import { nextPage, pageQuery, pageRowsMax } from './pages.ts';
import { lines } from './texts.ts';

// Wire contracts of legal holds. Times are ISO 8601 in UTC.

const Id = z.guid();
const Timestamp = z.iso.datetime();

export const LegalHold = z
  .object({
    id: Id,
    orgId: Id,
    connectionId: Id.nullable().describe('null: the hold covers the whole org.'),
    reason: z.string(),
    createdBy: Id.nullable(),
    createdAt: Timestamp,
    releasedBy: Id.nullable(),
    releasedAt: Timestamp.nullable().describe('null: the hold is in force.'),
  })
  .meta({ id: 'LegalHold' });
export type LegalHold = z.infer<typeof LegalHold>;

export const LegalHoldQuery = z.strictObject({ orgId: Id.optional(), ...pageQuery(pageRowsMax) });
export type LegalHoldQuery = z.input<typeof LegalHoldQuery>;

export const LegalHoldList = z
  .object({ holds: z.array(LegalHold).max(pageRowsMax).describe('Those in force first, then the newest first.'), ...nextPage })
  .meta({ id: 'LegalHoldList' });
export type LegalHoldList = z.infer<typeof LegalHoldList>;

export const CreateLegalHold = z
  .strictObject({
    orgId: Id.optional(),
    connectionId: Id.optional().describe('The hold covers the whole org when left out.'),
    reason: lines(z.string().trim().min(1, 'give a reason').max(500, 'at most 500 characters')),
  })
  .meta({ id: 'CreateLegalHold' });
export type CreateLegalHold = z.input<typeof CreateLegalHold>;
