// Apart from kept.ts, because the dashboard needs these words in its first script, and kept.ts brings the whole of zod.

/** What happens to the values of a field. `hashed`: it is an identifier of the person, stored as a hash only. */
export const fieldFates = ['kept', 'masked', 'digested', 'hashed', 'dropped'] as const;
export type FieldFate = (typeof fieldFates)[number];
