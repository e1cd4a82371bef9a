import type { z } from 'zod';

// The database has the same checks (supabase/migrations/20261130040200_data_api.sql), because people also write through the Data API.

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this finds
const unsafe = /[\u0001-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this finds
const unsafeInLines = /[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const visible =
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: each of these is one code point
  /[^\s\u00a0\u00ad\u034f\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0]/;

const hasUnsafe = 'must not contain control characters, or characters that turn the direction of text';
const looksEmpty = 'must contain a visible character';

/** A text of one line that people see, such as a name. */
export const oneLine = (text: z.ZodString) =>
  text.refine((value) => !unsafe.test(value), hasUnsafe).refine((value) => value === '' || visible.test(value), looksEmpty);

/** A text that may have several lines, such as a reason. */
export const lines = (text: z.ZodString) =>
  text.refine((value) => !unsafeInLines.test(value), hasUnsafe).refine((value) => value === '' || visible.test(value), looksEmpty);
