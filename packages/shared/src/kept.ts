import { z } from 'zod';

/** What happens to one value of a record, as the page of a connection shows it. */
export const keptFates = ['kept', 'masked', 'hashed', 'digested', 'dropped'] as const;
export type KeptFate = (typeof keptFates)[number];

/**
 * Why. `plain`: a number, flag, time or currency code. `word`, `id`, `text`: named as such by the source or by the connection's settings. `subject`:
 * an identifier of the event's person. `identifier`: contains an identifier or the full name of the record's person. `person`, `staff`,
 * `credential`: in a branch that is named as such. `personal_name`: the field has the name of a personal field. `not_a_word`, `not_an_id`: named as a
 * word or an id, but of another form. `encoded`: an object as text. `long_number`: a number that may be a phone or a document. `key`: the name of
 * the field is no field name, or contains an identifier. `unnamed`: nothing says that the value is about no one.
 */
export const keptReasons = [
  'plain',
  'word',
  'id',
  'text',
  'subject',
  'identifier',
  'person',
  'staff',
  'credential',
  'personal_name',
  'not_a_word',
  'not_an_id',
  'encoded',
  'long_number',
  'key',
  'unnamed',
] as const;
export type KeptReason = (typeof keptReasons)[number];

/**
 * One path of a record, or one identifier column (`subject.email`). List positions are numbers in the path. `value` is the stored value where one
 * is stored, cut to 200 characters; a dropped value is never repeated.
 */
export const ExplainedField = z.object({
  path: z.string(),
  fate: z.enum(keptFates),
  reason: z.enum(keptReasons),
  value: z.string().optional(),
});
export type ExplainedField = z.infer<typeof ExplainedField>;

/** What is kept of a record, field by field. `truncated`: there are more fields than are listed. */
export const ExplainedRecord = z.object({ fields: z.array(ExplainedField), truncated: z.boolean() });
export type ExplainedRecord = z.infer<typeof ExplainedRecord>;
