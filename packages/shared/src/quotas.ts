import { z } from 'zod';

export const Quota = z
  .object({
    name: z.string().describe('Such as `connections` or `events_per_day`. Names that end in `_per_day` start again at midnight UTC.'),
    value: z.int().describe('How much the org may have.'),
    defaultValue: z.int().describe('The value for orgs for which no operator has set another one.'),
    used: z.int().describe('`orgs` counts the orgs of the owner who owns most.'),
  })
  .meta({ id: 'Quota' });
export type Quota = z.infer<typeof Quota>;

export const Quotas = z.object({ quotas: z.array(Quota).max(100) }).meta({ id: 'Quotas' });
export type Quotas = z.infer<typeof Quotas>;
