import type { Source } from './source.ts';
import { hotmart } from './sources/hotmart/index.ts';
import { meta } from './sources/meta/index.ts';
import { stripe } from './sources/stripe/index.ts';
import { webhook } from './sources/webhook/index.ts';

/** Every source, by type. */
export const sources: ReadonlyMap<string, Source> = new Map<string, Source>(
  [hotmart, meta, stripe, webhook].map((source) => [source.type, source as Source]),
);
