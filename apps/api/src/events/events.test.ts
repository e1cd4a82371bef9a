import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../platform/db.ts';
import { createDownloads } from '../platform/downloads.ts';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';
import { exportEvents } from './export.ts';

let world: TestApi;
let app: TestApi['app'];
beforeAll(async () => {
  world = await startTestApi();
  app = world.app;
});
afterAll(() => world?.close());

const limits = { most: { all: 8, org: 4, user: 3 }, stallMs: 60_000, totalMs: 3_600_000 };

const ask = (user: TestUser | undefined, body: object) => call(app, user, 'POST', '/api/events/export', body);
async function download(url: string): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await app.request(url);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Makes events of a connection, one second apart, the last one the newest. */
async function makeEvents(org: TestOrg, connectionId: string, count: number, orderRef = 'HP1', amount = '9223372036854775807') {
  await world.admin(
    `insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, event_time,
       received_at, ingested_at, idempotency_key, subject, amount_minor, currency, order_ref, attribution, properties, is_test, journal_id, schema_version)
     select gen_random_uuid(), $1, c.project_id, c.id, 'order.paid', 'hotmart', 'PURCHASE_APPROVED', now() - ($3 - n) * interval '1 second',
       now(), now(), gen_random_uuid()::text, '{}', $5, 'BRL', $4, '{}', jsonb_build_object('note', '=1+1, "quoted"' || chr(10) || 'ç'), false, gen_random_uuid(), 1
     from public.source_connections c, generate_series(1, $3::integer) n where c.id = $2`,
    [org.id, connectionId, count, orderRef, amount],
  );
}

describe('an export', () => {
  it('contains every event of the filter once in each format, with integers beyond 2^53 unchanged', async () => {
    const org = await world.makeOrg();
    const connection = await world.makeConnection(org);
    await makeEvents(org, connection, 1_234);
    await makeEvents(org, connection, 3, 'another');
    const analyst = await world.makeMember(org, 'analyst');
    const filter = { orderRef: 'HP1' };
    for (const format of ['json', 'ndjson', 'csv'] as const) {
      const { status, body } = await ask(analyst, { orgId: org.id, filter, format });
      expect(status).toBe(201);
      const file = await download(body.url);
      expect(file.status).toBe(200);
      expect(file.headers.get('content-disposition')).toMatch(new RegExp(`^attachment; filename="events-[\\d-]+\\.${format}"$`));
      if (format === 'csv') {
        expect(file.text.split('\r\n')[0]).toMatch(/^id,event_time,.*amount_minor/);
        expect(file.text.match(/,order\.paid,/g)).toHaveLength(1_234);
        expect(file.text).toContain(',9223372036854775807,BRL,');
        continue;
      }
      const events =
        format === 'json'
          ? JSON.parse(file.text)
          : file.text
              .trim()
              .split('\n')
              .map((line) => JSON.parse(line));
      expect(events).toHaveLength(1_234);
      expect(new Set(events.map((event: { id: string }) => event.id)).size).toBe(1_234);
      expect(events.every((event: { order_ref: string }) => event.order_ref === 'HP1')).toBe(true);
      expect(events[0]).toMatchObject({ amount_minor: '9223372036854775807', properties: { note: '=1+1, "quoted"\nç' } });
      expect(events[0].event_time > events.at(-1).event_time).toBe(true);
    }
    const [trail] = await world.db.as(org.owner.claims, (sql) =>
      sql<{ actor_id: string; detail: object }>(
        `select actor_id, detail from public.audit_log where org_id = $1 and action = 'canonical_events.export' order by id desc limit 1`,
        [org.id],
      ),
    );
    expect(trail).toEqual({ actor_id: analyst.id, detail: { filter, format: 'csv' } });
  });

  it('without matching events is an empty file', async () => {
    const org = await world.makeOrg();
    const files = { json: '[\n]\n', ndjson: '' } as const;
    for (const [format, text] of Object.entries(files))
      expect((await download((await ask(org.owner, { format })).body.url)).text).toBe(text);
    expect((await download((await ask(org.owner, { format: 'csv' })).body.url)).text).toMatch(
      /^id,.*schema_version,rewritten_at,revision\r\n$/,
    );
  });

  it('contains no events of another org, and is refused after the membership has ended', async () => {
    const [org, other] = [await world.makeOrg(), await world.makeOrg()];
    await makeEvents(org, await world.makeConnection(org), 2);
    expect((await ask(other.owner, { orgId: org.id, format: 'csv' })).status).toBe(404);
    expect((await ask(undefined, { orgId: org.id, format: 'csv' })).status).toBe(401);
    expect((await download((await ask(other.owner, { format: 'ndjson' })).body.url)).text).toBe('');
    const analyst = await world.makeMember(org, 'analyst');
    const { url } = (await ask(analyst, { format: 'ndjson' })).body;
    await world.admin('delete from public.org_members where user_id = $1', [analyst.id]);
    expect((await download(url)).status).toBe(404);
  });

  it('fails when its reader is removed from the org during the download, instead of ending like a complete file', async () => {
    const org = await world.makeOrg();
    await makeEvents(org, await world.makeConnection(org), 3_000);
    const analyst = await world.makeMember(org, 'analyst');
    const response = await app.request((await ask(analyst, { format: 'csv' })).body.url);
    const reader = response.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    await world.admin('delete from public.org_members where user_id = $1', [analyst.id]);
    const readOn = async () => {
      while (!(await reader?.read())?.done);
    };
    await expect(readOn()).rejects.toMatchObject({ code: 'not_found' });
  });

  it('fails when the role of its reader is lowered during the download', async () => {
    const org = await world.makeOrg();
    await makeEvents(org, await world.makeConnection(org), 3_000);
    const admin = await world.makeMember(org, 'admin');
    const { url } = (await ask(admin, { format: 'csv' })).body;
    const reader = (await app.request(url)).body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    await world.admin(`update public.org_members set role = 'analyst' where user_id = $1`, [admin.id]);
    const readOn = async () => {
      while (!(await reader?.read())?.done);
    };
    await expect(readOn()).rejects.toMatchObject({ code: 'forbidden' });
    expect((await download(url)).status).toBe(403);
  });

  it('is read from the database no faster than its reader reads it, and no further after the reader cancels it', async () => {
    const org = await world.makeOrg();
    await makeEvents(org, await world.makeConnection(org), 4_000);
    let pages = 0;
    const db: Pick<Db, 'as'> = {
      as: (claims, run) => {
        pages++;
        return world.db.as(claims, run);
      },
    };
    const download = createDownloads(world.db, limits).begin(org.owner.id, org.id);
    const stream = await exportEvents(
      { db, claims: org.owner.claims, download },
      { orgId: org.id, role: 'owner', filter: {}, format: 'ndjson' },
    );
    const waitForReads = () => new Promise((resolve) => setTimeout(resolve, 300));
    await waitForReads();
    expect(pages).toBe(1);
    const reader = stream.getReader();
    await reader.read();
    await reader.read();
    await waitForReads();
    expect(pages).toBe(2);
    await reader.cancel();
    await waitForReads();
    expect(pages).toBe(2);
  });

  it('is limited to three downloads per person and three page reads in the process at a time', async () => {
    const org = await world.makeOrg();
    await makeEvents(org, await world.makeConnection(org), 2_000);
    const { url } = (await ask(org.owner, { format: 'ndjson' })).body as { url: string };
    const begin = async () => (await app.request(url)).body?.getReader();
    const open = [await begin(), await begin(), await begin()];
    expect((await app.request(url, { method: 'HEAD' })).status).toBe(200);
    const refused = await app.request(url);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
    expect(await ask(org.owner, { format: 'csv' })).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    const admin = await world.makeMember(org, 'admin');
    expect((await download((await ask(admin, { format: 'ndjson' })).body.url)).text.split('\n')).toHaveLength(2_001);
    // A download that is canceled, read to its end or broken off makes room for another.
    await open[0]?.cancel();
    while (!(await open[1]?.read())?.done);
    for (const again of [await begin(), await begin()]) await again?.cancel();
    await world.admin('delete from public.org_members where user_id = $1', [org.owner.id]);
    const readOn = async () => {
      while (!(await open[2]?.read())?.done);
    };
    await expect(readOn()).rejects.toMatchObject({ code: 'not_found' });
    for (let n = 0; n < 4; n++) expect((await app.request(url)).status).toBe(404);

    let [now, most] = [0, 0];
    const reading: Pick<Db, 'as'> = {
      as: async () => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 20));
        now--;
        throw new Error('read');
      },
    };
    const shared = createDownloads(reading, limits).dbFor(org.id);
    await Promise.allSettled(Array.from({ length: 9 }, () => shared.as(org.owner.claims, async () => {})));
    expect([now, most]).toEqual([0, 3]);
  });

  it('is limited in number for an org and for the process, and ends when it is not read or takes too long', async () => {
    const few = await startTestApi({ DOWNLOADS_MAX: '5', DOWNLOAD_STALL_SECONDS: '1', DOWNLOAD_SECONDS_MAX: '3' }, { world });
    const orgs = [await world.makeOrg(), await world.makeOrg()] as const;
    for (const org of orgs) await makeEvents(org, await world.makeConnection(org), 4_000);
    const begin = async (user: TestUser, org: TestOrg) => {
      const { url } = (await call(few.app, user, 'POST', '/api/events/export', { orgId: org.id, format: 'ndjson' })).body;
      return url === undefined ? undefined : few.app.request(url);
    };
    const [first, second] = orgs;
    const admin = await world.makeMember(first, 'admin');
    const unread = [await begin(first.owner, first), await begin(first.owner, first), await begin(admin, first), await begin(admin, first)];
    const refused = await call(few.app, admin, 'POST', '/api/events/export', { orgId: first.id, format: 'csv' });
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited', detail: expect.stringContaining('your org') } });
    const last = await begin(second.owner, second);
    const full = await call(few.app, second.owner, 'POST', '/api/events/export', { orgId: second.id, format: 'csv' });
    expect(full).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    expect(full.headers.get('retry-after')).toBe('10');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    for (const response of [...unread, last]) await expect(response?.text()).rejects.toMatchObject({ detail: 'the download was not read' });

    // This reader takes a page from time to time, and is cut off all the same.
    const reader = (await begin(first.owner, first))?.body?.getReader();
    const readSlowly = async () => {
      for (let taken = 0; taken < 8; taken++) {
        await reader?.read();
        await new Promise((resolve) => setTimeout(resolve, 900));
      }
    };
    await expect(readSlowly()).rejects.toMatchObject({ detail: 'the download took too long' });
    expect((await begin(first.owner, first))?.status).toBe(200);
    await few.close();
  });

  it('is read in small pages when its events are large, each event once', async () => {
    const org = await world.makeOrg();
    await makeEvents(org, await world.makeConnection(org), 60);
    const large = `update public.canonical_events set properties = jsonb_build_object('text', repeat('x', 60000)) where org_id = $1`;
    await world.admin(large, [org.id]);
    const download = createDownloads(world.db, limits).begin(org.owner.id, org.id);
    const stream = await exportEvents(
      { db: world.db, claims: org.owner.claims, download },
      { orgId: org.id, role: 'owner', filter: {}, format: 'ndjson' },
    );
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(Math.max(...chunks.map((chunk) => chunk.byteLength))).toBeLessThan(300_000);
    const ids = Buffer.concat(chunks)
      .toString()
      .trim()
      .split('\n')
      .map((one) => JSON.parse(one).id);
    expect([ids.length, new Set(ids).size]).toEqual([60, 60]);
  });

  it('refuses a changed or forged ticket, and unknown filters and formats', async () => {
    const org = await world.makeOrg();
    const { url } = (await ask(org.owner, { format: 'csv' })).body as { url: string };
    expect((await download(url)).status).toBe(200);
    const [payload = '', signature = ''] = url.split('/').at(-1)?.split('.') ?? [];
    for (const ticket of [`${payload}x.${signature}`, `${payload}.${signature.slice(1)}`, payload, 'x.y'])
      expect((await download(`/api/events/export/${ticket}`)).status).toBe(404);
    for (const body of [{}, { format: 'xlsx' }, { format: 'csv', filter: { nonsense: 1 } }, { format: 'csv', filter: { amountMin: '1' } }])
      expect((await ask(org.owner, body)).status).toBe(400);
  });
});

describe('a typed identifier', () => {
  const hash = (user: TestUser | undefined, value: unknown, orgId?: string) =>
    call(app, user, 'POST', '/api/events/subject-hash', { value, ...(orgId ? { orgId } : {}) });

  it('is hashed as every kind of identifier that it can be read as, with the keys of this org', async () => {
    const [org, other] = [await world.makeOrg(), await world.makeOrg()];
    await Promise.all([org, other].map((one) => loadOrgKeys(world.db, world.masterKeys, one.id, world.log)));
    const analyst = await world.makeMember(org, 'analyst');
    const kinds = (answer: { body: { hashes: { kind: string; hash: string }[] } }) =>
      Object.fromEntries(answer.body.hashes.map((one) => [one.kind, one.hash]));
    const plain = kinds(await hash(analyst, 'ana.farias@example.com'));
    expect(Object.keys(plain).sort()).toEqual(['document', 'email', 'external_id']);
    expect(kinds(await hash(analyst, '  Ana.Farias@Example.com ')).email).toBe(plain.email);
    expect(kinds(await hash(other.owner, 'ana.farias@example.com')).email).not.toBe(plain.email);
    const phone = kinds(await hash(analyst, '+55 31 98888-0000')).phone;
    expect(phone).toMatch(/^[0-9a-f]{64}$/);
    expect(kinds(await hash(analyst, '31988880000')).phone).toBe(phone);
  });

  it('is refused from people outside the org, and when it is not a valid identifier', async () => {
    const [org, other] = [await world.makeOrg(), await world.makeOrg()];
    expect((await hash(other.owner, 'ana@example.com', org.id)).status).toBe(404);
    expect((await hash(undefined, 'ana@example.com')).status).toBe(401);
    for (const value of ['', 'a', 7, null, 'x'.repeat(321)]) expect((await hash(org.owner, value)).status).toBe(400);
  });

  it('can be looked up once a second on average by each user, so that nobody can try a whole list of people', async () => {
    const org = await world.makeOrg();
    await loadOrgKeys(world.db, world.masterKeys, org.id, world.log);
    const analyst = await world.makeMember(org, 'analyst');
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => hash(analyst, `somebody-${n}@example.com`)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(30);
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await hash(org.owner, 'ana@example.com')).status).toBe(200);
  });
});
