import { z } from 'zod';

const headerName = (description: string) =>
  z
    .string()
    .max(100)
    .toLowerCase()
    .regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/)
    .describe(description);

const toleranceSeconds = z
  .int()
  .min(1)
  .max(86_400)
  .default(300)
  .describe('Largest difference between the signed time and ours, in seconds, in either direction.');

const placeholders = ['body', 'timestamp', 'id', 'url', 'method'];

const parameterName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/);

const prefix = z.string().min(1).max(50);
const signatureKey = z.string().min(1).max(20);
/** While a sender changes its scheme it has an old and a new one, and rarely a third. */
const alternativesMax = 4;

const hmac = z
  .strictObject({
    scheme: z.literal('hmac').describe('The sender signs each delivery with a shared secret.'),
    header: headerName(
      'Header that carries the signature, for example x-signature. It may carry several: one genuine signature is enough.',
    ).optional(),
    query: parameterName.optional().describe('Query parameter that carries the signature instead of a header, for example signature.'),
    otherHeaders: z
      .array(headerName('Name of a header.'))
      .max(alternativesMax)
      .optional()
      .describe('Further headers that may carry a signature, for example the new one while the sender changes from one to the other.'),
    algorithm: z.enum(['sha1', 'sha256', 'sha384', 'sha512']).default('sha256').describe('Hash function of the HMAC.'),
    encoding: z
      .enum(['hex', 'base64'])
      .default('hex')
      .describe('How the signature is written: hexadecimal in either case, or base64, also without padding and in the alphabet of URLs.'),
    prefix: prefix.optional().describe('Text before the signature, for example sha256= or v0=.'),
    otherPrefixes: z
      .array(prefix)
      .max(alternativesMax)
      .optional()
      .describe('Further texts of which one may stand before a signature, for example v1= while the sender changes from v0= to it.'),
    combined: z
      .strictObject({
        timestampKey: z.string().min(1).max(20).default('t').describe('Key of the timestamp.'),
        signatureKey: signatureKey.default('v1').describe('Key of the signature; it may occur several times.'),
        otherSignatureKeys: z
          .array(signatureKey)
          .max(alternativesMax)
          .optional()
          .describe('Further keys of a signature, while the sender changes from one to the other.'),
        separator: z.enum([',', ';', ' ', '&']).default(',').describe('What stands between the pairs.'),
      })
      .optional()
      .describe('Set when one header carries timestamp and signatures together, for example t=1700000000,v1=….'),
    secretEncoding: z
      .enum(['utf-8', 'hex', 'base64', 'whsec'])
      .default('utf-8')
      .describe('How the secret becomes the key: as text, decoded from hexadecimal or base64, or decoded from base64 after whsec_.'),
    timestampHeader: headerName('Header that carries the time of signing.').optional(),
    timestampUnit: z
      .enum(['seconds', 'milliseconds', 'iso'])
      .default('seconds')
      .describe('How the time of signing is written; iso: RFC 3339, for example 2026-03-02T12:00:00Z.'),
    idHeader: headerName('Header that carries the id of the delivery.').optional(),
    template: z
      .string()
      .max(200)
      .default('{body}')
      .describe('What is signed: text with {body}, {timestamp}, {id}, {url} and {method}, for example {timestamp}.{body}.'),
    toleranceSeconds,
  })
  .superRefine((scheme, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const used = [...scheme.template.matchAll(/\{([a-z]*)\}/g)].map((match) => match[1] ?? '');
    const unknown = used.find((name) => !placeholders.includes(name));
    if ((scheme.header === undefined) === (scheme.query === undefined))
      refuse('header', 'the signature is in a header or in a query parameter: name one');
    // The sender cannot sign a URL that already contains the signature.
    if (scheme.query !== undefined && used.includes('url')) refuse('template', 'a signature in the query cannot cover the URL');
    if (scheme.combined && scheme.query !== undefined) refuse('query', 'a signature with its time is in a header');
    if (scheme.otherPrefixes && scheme.prefix === undefined) refuse('prefix', 'other prefixes need a prefix');
    if (unknown !== undefined) refuse('template', `{${unknown}} is not a placeholder`);
    // A signature that does not cover the body would make every body genuine.
    if (used.filter((name) => name === 'body').length !== 1) refuse('template', 'the template must contain {body} exactly once');
    const hasTimestamp = scheme.combined !== undefined || scheme.timestampHeader !== undefined;
    if (scheme.combined && scheme.timestampHeader) refuse('timestampHeader', 'the combined header already carries the timestamp');
    if (scheme.combined && scheme.prefix) refuse('prefix', 'a combined header has no prefix');
    // A timestamp that is not signed proves nothing, and a signed one has to be sent in a header.
    if (used.includes('timestamp') !== hasTimestamp)
      refuse('template', 'a timestamp has to be both sent in a header and signed by the template');
    if (used.includes('id') !== (scheme.idHeader !== undefined))
      refuse('template', 'an id has to be both sent in a header and signed by the template');
  });

const standardWebhooks = z.strictObject({
  scheme: z.literal('standard-webhooks').describe('Standard Webhooks (also Svix): webhook-id, webhook-timestamp, webhook-signature.'),
  secretEncoding: z
    .enum(['whsec', 'utf-8'])
    .default('whsec')
    .describe(
      'How the secret becomes the key: decoded from base64 after whsec_, as the rule asks, or as text, whsec_ included, as a few senders do.',
    ),
  toleranceSeconds,
});

const apiKey = z.strictObject({
  scheme: z.literal('api-key').describe('The sender adds the secret itself to each request.'),
  in: z
    .enum(['header', 'query'])
    .describe('Where the secret is. A secret in the URL may end up in the logs of other systems: prefer a header.'),
  name: parameterName.describe('Name of the header or query parameter, for example authorization or api_key.'),
  prefix: z.string().min(1).max(50).optional().describe('Text before the secret, for example "Bearer ".'),
});

const basic = z.strictObject({
  scheme: z.literal('basic').describe('HTTP Basic; the secret is the password.'),
  username: z
    .string()
    .max(255)
    .regex(/^[^:\p{Cc}]*$/u)
    .describe('User name.'),
});

/** GitHub documents the largest bodies of the platforms that we know of: 25 MB. */
export const bodyBytesMaxSchema = z
  .int()
  .min(1_048_576)
  .max(26_214_400)
  .describe(
    'Largest body in bytes, where the sender documents more than 1 MiB: GitHub 25 MB, for example. The installation has a maximum of its own. Unset: the default of the installation.',
  );

/** How a delivery of a generic webhook proves that it is genuine: the part `verification` of the connection's config. */
export const verificationSchema = z
  .discriminatedUnion('scheme', [hmac, standardWebhooks, apiKey, basic])
  .describe('How a delivery proves that it is genuine.');

export type Verification = z.output<typeof verificationSchema>;
