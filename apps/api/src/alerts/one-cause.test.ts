import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addActivity, type Counts, every, minuteMs } from '../test/activity.ts';
import { makeWorld, type TestOrg, type World } from '../test/make.ts';
import { evaluateAlerts } from './evaluate.ts';

let world: World;
const hourMs = 60 * minuteMs;
const noon = Math.floor(Date.now() / (24 * hourMs)) * 24 * hourMs + 12 * hourMs;

beforeAll(async () => {
  world = await makeWorld();
});
beforeEach(async () => {
  await world.admin('delete from public.alert_incidents');
  await world.admin('update public.alert_rules set enabled = false');
});
afterAll(() => world.close());

async function evaluate(at: number) {
  await world.admin('update private.alert_clock set evaluated_at = $1', [new Date(at - 30_000).toISOString()]);
  return evaluateAlerts(world.db, { now: new Date(at).toISOString() });
}

/** An org with every rule of these kinds, one channel, and a connection of each type that is old enough to be watched. */
async function makeShops(kinds: readonly string[], types: readonly string[]) {
  const org = await world.makeOrg();
  const shops: { id: string; add(times: readonly number[], counts?: Counts): Promise<void> }[] = [];
  for (const [index, type] of types.entries()) shops.push(await makeShop(org, type, `Shop ${index + 1}`));
  await world.admin('update public.alert_rules set enabled = kind = any ($2) where org_id = $1', [org.id, kinds]);
  const [channel] = await world.admin<{ id: string }>(
    `insert into public.alert_channels (id, org_id, type, name, target, min_level)
     values (gen_random_uuid(), $1, 'email', 'On call', 'a@example.com', 'info') returning id`,
    [org.id],
  );
  return {
    org,
    shops,
    /** Each incident as "kind level status", with the names of the connections that have the condition, and of those that had it. */
    incidents: () =>
      world.admin<{ what: string; has: string[]; had: string[]; connections: number; id: string; message: string }>(
        `select i.id, i.kind || ' ' || i.level || ' ' || i.status as what, i.connections, i.message,
           array(select c.name from public.alert_incident_connections m join public.source_connections c on c.id = m.source_connection_id
             where m.incident_id = i.id and m.left_at is null order by 1) as has,
           array(select c.name from public.alert_incident_connections m join public.source_connections c on c.id = m.source_connection_id
             where m.incident_id = i.id and m.left_at is not null order by 1) as had
         from public.alert_incidents i where i.org_id = $1 order by i.opened_at, i.kind, i.id`,
        [org.id],
      ),
    told: async () =>
      (
        await world.admin<{ notification: string }>(
          `select kind || ' ' || level as notification from public.alert_notifications where channel_id = $1 order by seq`,
          [channel?.id],
        )
      ).map((row) => row.notification),
  };
}

async function makeShop(org: TestOrg, type: string, name: string) {
  const id = await world.makeConnection(org, { type, name });
  await world.admin('alter table public.source_connections disable trigger touch');
  await world.admin('update public.source_connections set updated_at = $2 where id = $1', [
    id,
    new Date(noon - 90 * 24 * hourMs).toISOString(),
  ]);
  await world.admin('alter table public.source_connections enable trigger touch');
  return { id, add: (times: readonly number[], counts?: Counts) => addActivity(world, org, id, times, counts) };
}

const traffic = ['ConnectionSilent', 'ConnectionLag'];
const allKinds = [...traffic, 'IngestLagHigh', 'IngestDLQRateHigh', 'IngestDLQSpike', 'DuplicateRateHigh', 'RejectedRateHigh'];
const names = (count: number) => Array.from({ length: count }, (_, index) => `Shop ${index + 1}`);

describe('a stop of all traffic of an org', () => {
  it('is one incident over its connections, notifies once for each level, and resolves itself when all have recovered', async () => {
    const { shops, incidents, told } = await makeShops(allKinds, ['hotmart', 'hotmart', 'stripe', 'stripe', 'webhook', 'meta']);
    for (const shop of shops) await shop.add(every(1, noon - 3 * hourMs, noon));
    for (const minutes of [5, 11, 16, 31, 60]) await evaluate(noon + minutes * minuteMs);
    expect(await incidents()).toMatchObject([{ what: 'ConnectionSilent critical open', has: names(6), connections: 6 }]);
    expect(await told()).toEqual(['opened warning', 'escalated critical']);
    expect((await incidents())[0]?.message).toMatch(/^Shop \d has sent nothing .* The incident also concerns Shop \d(, Shop \d){4}\.$/);

    for (const shop of shops.slice(0, 5)) await shop.add(every(1, noon + hourMs, noon + 2 * hourMs));
    await evaluate(noon + hourMs + minuteMs);
    await evaluate(noon + hourMs + 8 * minuteMs);
    expect(await incidents()).toMatchObject([{ what: 'ConnectionSilent critical open', has: ['Shop 6'], had: names(5), connections: 6 }]);
    await shops[5]?.add(every(1, noon + 70 * minuteMs, noon + 2 * hourMs));
    await evaluate(noon + 71 * minuteMs);
    await evaluate(noon + 80 * minuteMs);
    expect(await incidents()).toMatchObject([{ what: 'ConnectionSilent critical resolved', has: [], had: names(6) }]);
    expect(await told()).toEqual(['opened warning', 'escalated critical', 'resolved critical']);
  });

  it('names five further connections in its message and counts the others', async () => {
    const { shops, incidents } = await makeShops(
      traffic,
      Array.from({ length: 9 }, () => 'hotmart'),
    );
    for (const shop of shops) await shop.add(every(1, noon - hourMs, noon));
    await evaluate(noon + 16 * minuteMs);
    await evaluate(noon + 17 * minuteMs);
    expect((await incidents())[0]?.message).toMatch(/also concerns Shop \d(, Shop \d){4} and 3 more\.$/);
  });
});

describe('a connection that fails later', () => {
  it('joins the open incident without a notification, and with a reminder an hour after the last one', async () => {
    const { shops, incidents, told } = await makeShops(['ConnectionSilent'], ['hotmart', 'stripe', 'webhook']);
    const ends = [noon, noon + 20 * minuteMs, noon + 90 * minuteMs];
    for (const [index, shop] of shops.entries()) await shop.add(every(1, noon - 3 * hourMs, ends[index] ?? noon));
    await evaluate(noon + 16 * minuteMs);
    expect(await incidents()).toMatchObject([{ has: ['Shop 1'] }]);
    await evaluate(noon + 37 * minuteMs);
    expect(await incidents()).toMatchObject([{ has: ['Shop 1', 'Shop 2'], connections: 2 }]);
    expect(await told()).toEqual(['opened critical']);
    await evaluate(noon + 107 * minuteMs);
    expect(await incidents()).toMatchObject([{ has: names(3), connections: 3 }]);
    expect(await told()).toEqual(['opened critical', 'reminder critical']);
  });

  it('opens an incident when a person has acknowledged the other one more than an hour ago', async () => {
    const { org, shops, incidents, told } = await makeShops(['ConnectionSilent'], ['hotmart', 'stripe']);
    await shops[0]?.add(every(1, noon - 3 * hourMs, noon));
    await shops[1]?.add(every(1, noon - 3 * hourMs, noon + 3 * hourMs));
    await evaluate(noon + 16 * minuteMs);
    const [incident] = await incidents();
    await world.db.as(org.owner.claims, (sql) => sql(`select private.change_alert_incident($1, 'acknowledged')`, [incident?.id]));
    await evaluate(noon + 3 * hourMs + 16 * minuteMs);
    expect(await incidents()).toMatchObject([
      { what: 'ConnectionSilent critical acknowledged', has: ['Shop 1'] },
      { what: 'ConnectionSilent critical open', has: ['Shop 2'] },
    ]);
    expect(await told()).toEqual(['opened critical', 'acknowledged critical', 'opened critical']);
  });

  it('joins again after it had recovered', async () => {
    const { shops, incidents, told } = await makeShops(['ConnectionSilent'], ['hotmart', 'stripe']);
    const [first, second] = shops;
    await first?.add(every(1, noon - 3 * hourMs, noon));
    await second?.add([...every(1, noon - 3 * hourMs, noon), ...every(1, noon + 20 * minuteMs, noon + 40 * minuteMs)]);
    await evaluate(noon + 16 * minuteMs);
    await evaluate(noon + 22 * minuteMs);
    await evaluate(noon + 30 * minuteMs);
    expect(await incidents()).toMatchObject([{ has: ['Shop 1'], had: ['Shop 2'] }]);
    await evaluate(noon + 57 * minuteMs);
    expect(await incidents()).toMatchObject([{ has: ['Shop 1', 'Shop 2'], had: [], connections: 2 }]);
    expect(await told()).toEqual(['opened critical']);
  });
});

describe('one cause', () => {
  it('of failures is a platform: the records of two connections of one type are one incident, those of another type another one', async () => {
    const { shops, incidents } = await makeShops(['IngestDLQSpike', 'IngestDLQRateHigh'], ['hotmart', 'hotmart', 'stripe']);
    for (const shop of shops) await shop.add([noon - minuteMs], { deadLettered: 150 });
    await evaluate(noon);
    expect((await incidents()).map((incident) => incident.has.join()).toSorted()).toEqual(['Shop 1,Shop 2', 'Shop 3']);
    expect((await incidents()).map((incident) => incident.what)).toEqual([
      'IngestDLQRateHigh critical open',
      'IngestDLQRateHigh critical open',
    ]);
  });

  it('is rejected deliveries and no silence when a wrong secret lets nothing through', async () => {
    const { shops, incidents } = await makeShops(allKinds, ['hotmart']);
    await shops[0]?.add(every(1, noon - 3 * hourMs, noon));
    await shops[0]?.add(every(1, noon, noon + hourMs), { rejected: 5 });
    for (const minutes of [5, 11, 16, 31, 55]) await evaluate(noon + minutes * minuteMs);
    expect(await incidents()).toMatchObject([{ what: 'RejectedRateHigh critical open', has: ['Shop 1'] }]);
  });

  it('is dead letters and no old event when nothing can be read any more', async () => {
    const { shops, incidents } = await makeShops(allKinds, ['hotmart']);
    await shops[0]?.add(every(1, noon - 3 * hourMs, noon));
    await shops[0]?.add(every(1, noon, noon + hourMs), { deadLettered: 5 });
    for (const minutes of [5, 11, 16, 31, 55]) await evaluate(noon + minutes * minuteMs);
    expect(await incidents()).toMatchObject([{ what: 'IngestDLQRateHigh critical open' }]);
  });

  it('hides no graver condition: an info about failures leaves the warning about old events', async () => {
    const { shops, incidents } = await makeShops(['IngestDLQRateHigh', 'ConnectionLag'], ['hotmart']);
    await shops[0]?.add(every(1, noon - hourMs, noon), { accepted: 99, deadLettered: 1, lag: 900 });
    await evaluate(noon);
    expect((await incidents()).map((incident) => incident.what)).toEqual(['ConnectionLag warning open', 'IngestDLQRateHigh info open']);
  });
});

describe('an incident of several connections', () => {
  it('has the level, the value and the connection of the one that is worst off, and escalates once', async () => {
    const { shops, incidents, told } = await makeShops(['IngestDLQRateHigh'], ['hotmart', 'hotmart']);
    const [first, second] = shops;
    await first?.add([noon - minuteMs], { accepted: 940, deadLettered: 60 });
    await evaluate(noon);
    await second?.add([noon], { accepted: 700, deadLettered: 300 });
    await first?.add([noon], { accepted: 940, deadLettered: 60 });
    await evaluate(noon + minuteMs);
    await evaluate(noon + 2 * minuteMs);
    const [incident] = await incidents();
    expect(incident).toMatchObject({ what: 'IngestDLQRateHigh critical open', has: ['Shop 1', 'Shop 2'] });
    expect(incident?.message).toMatch(/^30 % .*Shop 2 .* also concerns Shop 1\.$/);
    expect(await told()).toEqual(['opened warning', 'escalated critical']);
  });

  it('opens no new incident for half an hour after a person has resolved it, for none of its connections', async () => {
    const { org, shops, incidents } = await makeShops(['ConnectionSilent'], ['hotmart', 'stripe']);
    for (const shop of shops) await shop.add(every(1, noon - 3 * hourMs, noon));
    await evaluate(noon + 16 * minuteMs);
    const [incident] = await incidents();
    await world.db.as(org.owner.claims, (sql) => sql(`select private.change_alert_incident($1, 'resolved')`, [incident?.id]));
    await world.admin('update public.alert_incidents set resolved_at = $2 where id = $1', [
      incident?.id,
      new Date(noon + 17 * minuteMs).toISOString(),
    ]);
    await evaluate(noon + 40 * minuteMs);
    expect(await incidents()).toMatchObject([{ what: 'ConnectionSilent critical resolved', had: ['Shop 1', 'Shop 2'] }]);
    await evaluate(noon + 48 * minuteMs);
    expect(await incidents()).toMatchObject([{ has: [] }, { what: 'ConnectionSilent critical open', has: ['Shop 1', 'Shop 2'] }]);
  });
});
