import { z } from 'zod';

export interface HotmartConfig {
  /** ISO 3166 alpha-2 code of the country that phones without a country code belong to. */
  defaultCountry: string;
}

export const config: z.ZodType<HotmartConfig> = z.strictObject({
  defaultCountry: z
    .string()
    .regex(/^[A-Z]{2}$/, 'two capital letters, for example BR')
    .default('BR')
    .describe('Country of phone numbers that come without a country code (ISO 3166 alpha-2, for example BR).'),
});
