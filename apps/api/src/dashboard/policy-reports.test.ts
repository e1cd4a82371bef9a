import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { policyReportRoutes } from './policy-reports.ts';

let lines: string[];
let now: number;
let app: ReturnType<typeof policyReportRoutes>;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  lines = [];
  now = 1_780_000_000_000;
  app = policyReportRoutes({ log: pino({}, { write: (line: string) => void lines.push(line) }), now: () => now });
});
afterEach(() => void vi.useRealTimers());

const report = (body: string | ReadableStream, type = 'application/csp-report') =>
  app.request('/', { method: 'POST', headers: { 'content-type': type }, body, duplex: 'half' } as RequestInit);
const counts = () => {
  vi.advanceTimersByTime(60_000);
  return lines.map((line) => JSON.parse(line).reports as object);
};

it('counts reports of both formats by directive, and logs no address and no text of them', async () => {
  const old = {
    'csp-report': {
      'document-uri': 'https://x/o/acme?who=ana@example.com',
      'violated-directive': "script-src 'self'",
      'blocked-uri': 'evil',
    },
  };
  const current = [
    { type: 'csp-violation', url: 'https://x/?who=ana@example.com', body: { effectiveDirective: 'img-src', sample: 'ana@example.com' } },
    { type: 'csp-violation', body: { effectiveDirective: 'ana@example.com' } },
  ];
  expect((await report(JSON.stringify(old))).status).toBe(204);
  await report(JSON.stringify(current), 'application/reports+json');
  for (const strange of ['', 'null', '[', '{"csp-report":null}', '[1,[],null]', '{"__proto__":{"body":1}}'])
    expect((await report(strange)).status).toBe(204);
  expect(counts()).toEqual([{ 'script-src': 1, 'img-src': 1, other: 9 }]);
  expect(lines.join('')).not.toMatch(/ana|acme|evil/);
});

it('reads no more than sixteen kilobytes, and only some reports a second: a flood becomes a number', async () => {
  let pulled = 0;
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(4_096).fill(0x20 + (pulled++ % 2))) });
  expect((await report(endless)).status).toBe(204);
  expect(pulled).toBeLessThan(10);
  for (let n = 0; n < 500; n++) await report('{"csp-report":{"effective-directive":"img-src"}}');
  expect(counts()).toEqual([{ other: 1, 'img-src': 49, 'not read': 451 }]);
  now += 1_000;
  await report('{"csp-report":{"effective-directive":"img-src"}}');
  expect(counts()).toHaveLength(2);
});
