import type { FieldError } from '@tributary/shared/api.ts';
import type { Context, Next } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { createMiddleware } from 'hono/factory';
import { validator } from 'hono-openapi';
import { z } from 'zod';
import { schemaOptions } from './openapi-parts.ts';
import { Refusal } from './refusal.ts';

/** The limit of the bodies of commands, which are small; deliveries have another limit. */
const bodyBytesMax = 65_536;

/** Middleware for routes with a body: reads at most `bytesMax` bytes of JSON. An empty body counts as `{}`. */
export function jsonBodyUpTo(bytesMax: number) {
  const limit = bodyLimit({
    maxSize: bytesMax,
    onError: () => {
      throw new Refusal('payload_too_large', `the body may have at most ${bytesMax} bytes`, { closesConnection: true });
    },
  });
  return createMiddleware((c, next) => limit(c, () => readJson(c, next)));
}

/** Reads at most 64 KiB of JSON, which is enough for every command without rows. */
export const jsonBody = jsonBodyUpTo(bodyBytesMax);

async function readJson(c: Context, next: Next): Promise<void> {
  const text = await c.req.text();
  const mediaType = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  // A form on another site cannot send a JSON content type without a CORS preflight, so this keeps out cross-site requests.
  if (text !== '' && mediaType !== 'application/json') throw new Refusal('unsupported_media_type', 'send the body as application/json');
  try {
    JSON.parse(text || '{}');
  } catch {
    throw new Refusal('invalid_request', 'the body is not valid JSON');
  }
  // Hono's validator parses the JSON from this cached text.
  Object.assign(c.req.bodyCache, { text: Promise.resolve(text || '{}') });
  await next();
}

/** The JSON body by its schema, as `c.req.valid('json')`, and in the API description. */
export function validBody<Schema extends z.ZodType>(schema: Schema) {
  return validator('json', schema, refuseInvalid, schemaOptions);
}

/** The query by its schema, as `c.req.valid('query')`, and in the API description. */
export function validQuery<Schema extends z.ZodType>(schema: Schema) {
  return validator('query', schema, refuseInvalid, schemaOptions);
}

const IdParam = z.object({ id: z.guid() });

/** The id in the path, as `c.req.valid('param').id`. A text that is not an id is answered 404. */
export function validId() {
  return validator('param', IdParam, (result) => {
    if (!result.success) throw new Refusal('not_found');
  });
}

/** An issue of zod, or one of our own that has only a message. */
interface Issue extends Partial<Omit<FieldError, 'path' | 'minimum' | 'maximum'>> {
  message: string;
  minimum?: number | bigint | undefined;
  maximum?: number | bigint | undefined;
  path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The refusal that lists every invalid field. Messages of zod say what was expected and never repeat what was sent. */
export function invalidRequest(issues: readonly Issue[], under?: string): Refusal {
  const errors = issues.map(({ message, path = [], code = 'custom', origin, minimum, maximum, format }): FieldError => {
    const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
    return {
      path: [...(under === undefined ? [] : [under]), ...keys].join('.'),
      message,
      code,
      origin,
      minimum: minimum === undefined ? undefined : Number(minimum),
      maximum: maximum === undefined ? undefined : Number(maximum),
      format,
    };
  });
  return new Refusal('invalid_request', errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; '), {
    errors,
  });
}

function refuseInvalid(result: { success: true } | { success: false; error: readonly Issue[] }): void {
  if (!result.success) throw invalidRequest(result.error);
}
