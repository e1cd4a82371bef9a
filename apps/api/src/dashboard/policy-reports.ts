import { Hono } from 'hono';
import { describeRoute } from 'hono-openapi';
import type { Logger } from 'pino';
import { createTokenBucket, takeTokens } from '../platform/token-bucket.ts';

/** Where browsers report what the policy of the dashboard (web.ts) has blocked. */
export const policyReportsPath = '/api/policy-reports';

const reportBytesMax = 16_384;
const reportsMax = 20;
/** Anybody can send reports. Further ones are counted without being read. */
const rate = { perSecond: 5, burst: 50 };
const logEveryMs = 60_000;

/** Names in the log. A report may hold any text, so that every other name counts as `other`. */
const directives = new Set(
  `script-src script-src-elem script-src-attr style-src style-src-elem style-src-attr img-src font-src connect-src manifest-src media-src object-src
   frame-src child-src worker-src base-uri form-action frame-ancestors default-src`.split(/\s+/),
);

const describe = describeRoute({
  operationId: 'reportPolicyViolation',
  tags: ['Operation'],
  summary: 'Report a violation of the dashboard\u2019s content security policy',
  description:
    'For browsers. At most 16 KB are read, and some reports a second. Once a minute the log gets the number of reports by directive; addresses, ' +
    'texts and senders are not kept.',
  security: [],
  responses: { 204: { description: 'Always: a browser has no use for another answer.' } },
});

/** Mounted at {@link policyReportsPath}. Counts reports, and writes the counts to the log once a minute. */
export function policyReportRoutes({ log, now }: { log: Logger; now(): number }) {
  const app = new Hono();
  const bucket = createTokenBucket(rate, now());
  const counted = new Map<string, number>();

  function logCounts(): void {
    log.warn({ reports: Object.fromEntries(counted) }, 'browsers reported violations of the content security policy of the dashboard');
    counted.clear();
  }

  function count(name: string): void {
    if (counted.size === 0) setTimeout(logCounts, logEveryMs).unref();
    counted.set(name, (counted.get(name) ?? 0) + 1);
  }

  app.post('/', describe, async (c) => {
    if (takeTokens(bucket, rate, now()) > 0) count('not read');
    else for (const directive of directivesOf(await readText(c.req.raw.body))) count(directive);
    return c.body(null, 204);
  });
  return app;
}

/** The text of a body; empty when it is longer than the limit, and then the rest is not read. */
async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > reportBytesMax) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The directives of the reports in a body, in either of the two formats that browsers send. */
function directivesOf(text: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return ['other'];
  }
  const reports = Array.isArray(value) ? value.slice(0, reportsMax).map((one) => fieldOf(one, 'body')) : [fieldOf(value, 'csp-report')];
  return reports.map((report) => {
    const name = String(
      fieldOf(report, 'effectiveDirective') ?? fieldOf(report, 'effective-directive') ?? fieldOf(report, 'violated-directive'),
    );
    const [directive = ''] = name.split(' ', 1);
    return directives.has(directive) ? directive : 'other';
  });
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
