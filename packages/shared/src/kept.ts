import { z } from 'zod';
import { fieldFates } from './field-fates.ts';

// What of a received delivery is stored readable, for the page of its connection. No value that was left out is in the answer.

/**
 * Why. Kept: `plain` a number, truth value, time or currency by its form; `word`, `id`, `text` as the source or the settings name it; `empty`.
 * Otherwise: `identifier` is or contains an identifier; `credential`; `person` inside a person's branch; `staff`; `personal_name` by the name of the
 * field; `not_a_word`, `not_an_id` has not the form of what is named there; `encoded` data of its own; `long_number`; `key` the name of the field may
 * name a person; `unnamed` no rule names it.
 */
export const FieldReason = z.enum([
  'plain',
  'word',
  'id',
  'text',
  'identifier',
  'credential',
  'person',
  'staff',
  'personal_name',
  'not_a_word',
  'not_an_id',
  'encoded',
  'long_number',
  'key',
  'unnamed',
]);
export type FieldReason = z.infer<typeof FieldReason>;

export const fieldsMax = 500;
/** A longer path is cut: the sender decides how deep a record is and how long its names are. */
export const fieldPathCharsMax = 300;

export const KeptField = z.object({
  path: z.string().max(fieldPathCharsMax).describe('Dotted path within a record; `*` stands for any place in a list.'),
  fate: z.enum(fieldFates),
  reason: FieldReason,
});
export type KeptField = z.infer<typeof KeptField>;

/** What a person should know about how a record was read; `ReadingNote` of the pipeline has the meaning of each code. */
export const FieldNote = z.object({
  code: z.enum(['time_unreadable', 'time_in_future', 'time_without_zone', 'time_of_arrival']),
  path: z.string().optional().describe('The field, or `header:<name>`; absent for `time_of_arrival`.'),
  form: z.string().optional().describe('The value with `0` for each digit and `a` for each letter.'),
});
export type FieldNote = z.infer<typeof FieldNote>;

export const fieldNotesMax = 20;

/** GET /api/connections/:id/fields?journalId=. */
export const FieldsQuery = z.strictObject({
  journalId: z.guid().optional().describe('A delivery of the connection. Unset: the newest one.'),
});

/** GET /api/connections/:id/fields. */
export const ConnectionFields = z
  .object({
    journalId: z.guid().nullable().describe('The delivery that was looked at. null: there is none that is kept and small enough.'),
    receivedAt: z.iso.datetime().nullable(),
    records: z.int().describe('The records of the delivery that were looked at.'),
    fields: z.array(KeptField).max(fieldsMax).describe('In the order of the record; a field with several fates is listed with each.'),
    notes: z
      .array(FieldNote)
      .max(fieldNotesMax)
      .describe('How the times of the records were read, where that may surprise. Each is listed once.'),
    isCut: z.boolean().describe('There are more fields than are listed.'),
  })
  .meta({ id: 'ConnectionFields' });
export type ConnectionFields = z.infer<typeof ConnectionFields>;
