import { z } from 'zod';

// How long an org keeps its data.

export const retentionKinds = ['events', 'deliveries', 'dead_letters', 'activity'] as const;

const Kind = z
  .enum(retentionKinds)
  .describe(
    'events: canonical events, by their time. deliveries: the journal and its sealed bodies, which replays start from. dead_letters: records that could not become events. activity: the figures of connections.',
  );

export const Retention = z
  .object({
    orgId: z.guid(),
    rules: z
      .array(
        z.object({
          kind: Kind,
          keepDays: z.int().describe('For how many days the data is kept.'),
          maximumDays: z.int().describe('For how many days the platform keeps it at most.'),
          chosenDays: z.int().nullable().describe('What the org has chosen; null: the maximum.'),
          appliesFrom: z.iso
            .datetime()
            .nullable()
            .describe('From when the choice applies. A shorter time applies a day after it was chosen, so that a mistake can be undone.'),
        }),
      )
      .max(4),
  })
  .meta({ id: 'Retention' });
export type Retention = z.infer<typeof Retention>;
export type RetentionRule = Retention['rules'][number];

const Days = z.int().min(1, 'at least one day').max(36_500).nullable().optional().describe('Days; null: as long as the platform keeps it.');

export const SetRetention = z
  .strictObject({ events: Days, deliveries: Days, dead_letters: Days, activity: Days })
  .refine((body) => Object.values(body).some((value) => value !== undefined), `give at least one of ${retentionKinds.join(', ')}`)
  .meta({ id: 'SetRetention' });
export type SetRetention = z.input<typeof SetRetention>;
