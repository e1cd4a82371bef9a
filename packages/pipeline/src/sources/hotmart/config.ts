import { z } from 'zod';

export interface HotmartConfig {
  /** ISO 3166 alpha-2 code of the country that phones without a country code belong to. */
  defaultCountry: string;
  /** Whether the names of those who sell are kept. Without the setting they are removed like those of buyers. */
  staff?: 'keep' | 'remove' | undefined;
}

export const config: z.ZodType<HotmartConfig> = z.strictObject({
  defaultCountry: z
    .string()
    .regex(/^[A-Z]{2}$/, 'two capital letters, for example BR')
    .default('BR')
    .describe('Country of phone numbers that come without a country code (ISO 3166 alpha-2, for example BR).'),
  staff: z
    .enum(['remove', 'keep'])
    .optional()
    .describe(
      'Names of affiliates, sellers and producers: "remove" treats them like those of buyers, "keep" stores them readable. The default is "remove".',
    ),
});
