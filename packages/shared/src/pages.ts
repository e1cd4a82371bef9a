import { z } from 'zod';

/** The largest number of rows in one page of any list. */
export const pageRowsMax = 200;

/** The query parameters of every paged list, for the schema of its query. */
export const pageQuery = (rows = 50) => ({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(pageRowsMax)
    .default(rows)
    .describe('The most rows of the page. A page may have fewer rows than this and still not be the last: `next` says so.'),
  cursor: z.string().min(1).max(200).optional().describe('`next` of the previous page.'),
});

/** The field that every paged list has beside its rows. */
export const nextPage = { next: z.string().nullable().describe('The `cursor` of the next page. null: this is the last page.') };
