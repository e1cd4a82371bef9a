import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg } from '../test/make.ts';
import { startMailServer } from '../test/receiver.ts';
import { alertTasks } from './jobs.ts';

let api: Awaited<ReturnType<typeof startTestApi>>;
let mailServer: Awaited<ReturnType<typeof startMailServer>>;

beforeAll(async () => {
  mailServer = await startMailServer();
  api = await startTestApi({ SMTP_URL: mailServer.url, SMTP_FROM: 'Tributary <alerts@example.com>' });
});
beforeEach(async () => {
  mailServer.mails.length = 0;
  await api.admin('delete from private.mail_paces');
  await api.admin('update private.alert_recipients set ask_from = null');
});
afterAll(async () => {
  await api?.close();
  await mailServer?.close();
});

const publicUrl = 'https://tributary.example';
let addresses = 0;
const newAddress = () => `somebody-${++addresses}@example.com`;

const run = (task: 'alerts.confirm' | 'alerts.notify') =>
  alertTasks({ ...api, masterKeys: api.masterKeys, publicUrl })[task]?.run({}, { signal: new AbortController().signal, log: api.log });

const addChannel = async (org: TestOrg, recipients: string[], name = 'On call') =>
  (await call(api.app, org.owner, 'POST', '/api/alerts/channels', { type: 'email', name, recipients, minLevel: 'info' })).body;
const read = async (org: TestOrg, id: string) => (await call(api.app, org.owner, 'GET', `/api/alerts/channels/${id}`)).body;
const statuses = async (org: TestOrg, id: string): Promise<string[]> =>
  (await read(org, id)).recipients.map((one: { status: string }) => one.status);

/** The text of a mail, as its reader sees it. */
function decoded(text: string): string {
  const unfolded = text.replace(/=\r?\n/g, '');
  return Buffer.from(
    unfolded.replace(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');
}
const linkIn = (text: string | undefined, kind: 'confirm' | 'stop') =>
  new RegExp(`/mail/${kind}/[0-9a-f]{64}`).exec(decoded(text ?? ''))?.[0] ?? expect.fail(`no link in ${text}`);
const open = (method: 'GET' | 'POST', path: string, language = 'en') =>
  api.app.request(path, { method, headers: { 'accept-language': language } });

/** A channel whose recipients have confirmed. */
async function confirmed(org: TestOrg, recipients = [newAddress()]) {
  const channel = await addChannel(org, recipients);
  await run('alerts.confirm');
  for (const { text } of mailServer.mails) expect((await open('POST', linkIn(text, 'confirm'))).status).toBe(200);
  mailServer.mails.length = 0;
  return channel as { id: string };
}

async function openIncident(org: TestOrg, name = 'Shop', message = `${name} has sent nothing.`) {
  const connection = await api.makeConnection(org, { name });
  const [row] = await api.admin<{ id: string }>(
    `insert into public.alert_incidents (org_id, kind, source_connection_id, level, peak_level, value, threshold, message, opened_at, last_seen_at, last_notified_at)
     values ($1, 'ConnectionSilent', $2, 'critical', 'critical', 1000, 900, $3, now(), now(), now()) returning id`,
    [org.id, connection, message],
  );
  await api.admin(`select private.queue_alert_notifications(array[$1::uuid], 'opened', clock_timestamp())`, [row?.id]);
}
const notifications = (channel: string) =>
  api.admin<{ status: string; last_error: string | null; attempts: number }>(
    'select status, last_error, attempts from public.alert_notifications where channel_id = $1 order by seq',
    [channel],
  );

describe('an address that was entered', () => {
  it('gets one mail with a link and nothing that the org typed but its cleaned name, and no alert or test before it confirms', async () => {
    const org = await api.makeOrg();
    await api.admin(`update public.orgs set name = 'WIN 1.000 at https://evil.example/now' where id = $1`, [org.id]);
    const channel = await addChannel(org, [newAddress()], 'Click https://evil.example');
    await openIncident(org, 'Buy at https://evil.example');
    await run('alerts.notify');
    const test = await call(api.app, org.owner, 'POST', `/api/alerts/channels/${channel.id}/test`, {});
    expect([test.status, test.body.detail]).toEqual([409, expect.stringContaining('no recipient has confirmed')]);
    expect(mailServer.mails).toEqual([]);
    expect(await notifications(channel.id)).toMatchObject([{ status: 'failed', last_error: expect.stringContaining('confirmed') }]);

    await run('alerts.confirm');
    await run('alerts.confirm');
    expect(mailServer.mails).toHaveLength(1);
    const text = decoded(mailServer.mails[0]?.text ?? '');
    expect(text).not.toMatch(/evil\.example|https:\/\/evil|Click|Buy/);
    expect(text).toContain('"WIN 1 000 at https evil example now"');
    expect(await statuses(org, channel.id)).toEqual(['waiting']);
  });

  it('is confirmed by a press of the button, not by a program that opens every link, and only once', async () => {
    const org = await api.makeOrg();
    const channel = await addChannel(org, [newAddress()]);
    await run('alerts.confirm');
    const link = linkIn(mailServer.mails[0]?.text, 'confirm');
    const page = await open('GET', link);
    expect([page.status, page.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('<form method="post"');
    expect(await (await open('GET', link, 'pt-BR,pt;q=0.9')).text()).toContain('Confirmar meu endereço');
    expect(await statuses(org, channel.id), 'after a GET').toEqual(['waiting']);
    expect((await open('POST', link)).status).toBe(200);
    expect(await statuses(org, channel.id)).toEqual(['confirmed']);
    expect((await open('POST', link)).status, 'a second time').toBe(404);
    await openIncident(org);
    await run('alerts.notify');
    expect(mailServer.mails).toHaveLength(2);
    const second = await addChannel(org, [(await read(org, channel.id)).target]);
    expect(await statuses(org, second.id), 'in another channel of the org').toEqual(['confirmed']);
  });

  it('cannot be confirmed by a link that has expired, or by one that was replaced by a newer link', async () => {
    const org = await api.makeOrg();
    const channel = await addChannel(org, [newAddress()]);
    await run('alerts.confirm');
    const resend = await call(api.app, org.owner, 'POST', `/api/alerts/channels/${channel.id}/confirmations`, {});
    expect(resend.status).toBe(202);
    await run('alerts.confirm');
    const [first, second] = mailServer.mails.map(({ text }) => linkIn(text, 'confirm'));
    expect((await open('POST', first ?? '')).status).toBe(404);
    await api.admin(`update private.alert_recipients set token_expires_at = now() - interval '1 second' where org_id = $1`, [org.id]);
    expect((await open('POST', second ?? '')).status).toBe(404);
    expect(await statuses(org, channel.id)).toEqual(['waiting']);
    expect((await open('POST', `/mail/confirm/${'0'.repeat(64)}`)).status).toBe(404);
    expect((await open('POST', '/mail/confirm/x')).status).toBe(404);
  });

  it('that was entered before confirmations existed gets no alert', async () => {
    const org = await api.makeOrg();
    const channel = await confirmed(org);
    await api.admin('delete from private.alert_recipients where org_id = $1', [org.id]);
    await openIncident(org);
    await run('alerts.notify');
    expect(mailServer.mails).toEqual([]);
    expect(await statuses(org, channel.id)).toEqual(['waiting']);
  });

  it('of another org stays unconfirmed there, and analysts and strangers cannot have it asked', async () => {
    const address = newAddress();
    await confirmed(await api.makeOrg(), [address]);
    const other = await api.makeOrg();
    const channel = await addChannel(other, [address]);
    expect(await statuses(other, channel.id)).toEqual(['waiting']);
    const analyst = await api.makeMember(other, 'analyst');
    expect((await call(api.app, analyst, 'POST', `/api/alerts/channels/${channel.id}/confirmations`, {})).status).toBe(403);
    expect((await call(api.app, await api.makeUser(), 'POST', `/api/alerts/channels/${channel.id}/confirmations`, {})).status).toBe(404);
  });
});

describe('an alert by mail', () => {
  it('can be stopped by one click, which the org cannot undo, and restarted by its receiver', async () => {
    const org = await api.makeOrg();
    const address = newAddress();
    const channel = await confirmed(org, [address]);
    await openIncident(org);
    await run('alerts.notify');
    const [{ text } = { text: '' }] = mailServer.mails;
    const link = linkIn(text, 'stop');
    expect(text).toMatch(/List-Unsubscribe:\s+<https:\/\/tributary\.example\/mail\/stop\/[0-9a-f]{64}>/i);
    expect(text).toMatch(/List-Unsubscribe-Post:\s+List-Unsubscribe=One-Click/i);
    expect((await open('GET', link)).status).toBe(200);
    expect(await statuses(org, channel.id), 'after a GET').toEqual(['confirmed']);
    const click = await api.app.request(link, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'List-Unsubscribe=One-Click',
    });
    expect(click.status).toBe(200);
    expect(await statuses(org, channel.id)).toEqual(['stopped']);

    mailServer.mails.length = 0;
    await call(api.app, org.owner, 'DELETE', `/api/alerts/channels/${channel.id}`);
    const again = await addChannel(org, [address.toUpperCase()]);
    await call(api.app, org.owner, 'POST', `/api/alerts/channels/${again.id}/confirmations`, {});
    await run('alerts.confirm');
    await openIncident(org);
    await run('alerts.notify');
    expect(mailServer.mails).toEqual([]);
    expect(await statuses(org, again.id)).toEqual(['stopped']);
    expect(await notifications(again.id)).toMatchObject([{ status: 'failed', last_error: expect.stringContaining('stopped') }]);

    expect(await (await open('POST', link)).text()).toContain('restart');
    expect((await open('POST', link.replace('/stop/', '/restart/'))).status).toBe(200);
    expect(await statuses(org, again.id)).toEqual(['confirmed']);
  });

  it('has a subject and a text without links, line breaks or changes of direction, also when the alert has them', async () => {
    const org = await api.makeOrg();
    await confirmed(org);
    await openIncident(org, 'Shop https://evil.example/a', 'Shop\u202e\u2028https://evil.example/a\u0007 has sent nothing.');
    await run('alerts.notify');
    const text = decoded(mailServer.mails[0]?.text ?? '');
    for (const bad of ['evil.example', '\u202e', '\u2028', '\u0007']) expect(text).not.toContain(bad);
    expect(text).toContain('evil[.]example');
  });

  it('is sent once to each recipient, also when the mail to another one is tried again', async () => {
    const org = await api.makeOrg();
    const [good, bad] = [newAddress(), newAddress()];
    const channel = await confirmed(org, [good, bad]);
    await openIncident(org);
    mailServer.busyFor.add(bad);
    await run('alerts.notify');
    expect(mailServer.mails.map(({ to }) => to[0])).toEqual([good]);
    expect(await notifications(channel.id)).toMatchObject([{ status: 'pending', attempts: 1 }]);
    mailServer.busyFor.clear();
    await api.admin('update public.alert_notifications set next_attempt_at = now() where channel_id = $1', [channel.id]);
    await run('alerts.notify');
    expect(mailServer.mails.map(({ to }) => to[0])).toEqual([good, bad]);
    expect(await notifications(channel.id)).toMatchObject([{ status: 'sent' }]);
  });
});

describe('the pace', () => {
  /** As if so much time had passed. */
  const pass = async (interval: string) => {
    await api.admin(`update private.mail_paces set used_until = used_until - $1::interval`, [interval]);
    await api.admin(`update private.alert_recipients set ask_from = ask_from - $1::interval`, [interval]);
  };

  it('lets an org ask ten strangers, and then one each ten minutes, also when its channels are deleted and made anew', async () => {
    const org = await api.makeOrg();
    const tenStrangers = () => Array.from({ length: 10 }, newAddress);
    for (let n = 0; n < 5; n++) {
      const { id } = await addChannel(org, tenStrangers());
      await run('alerts.confirm');
      await call(api.app, org.owner, 'DELETE', `/api/alerts/channels/${id}`);
    }
    const { id } = await addChannel(org, tenStrangers());
    await run('alerts.confirm');
    expect(mailServer.mails).toHaveLength(10);
    await pass('10 minutes 1 second');
    await run('alerts.confirm');
    expect(mailServer.mails).toHaveLength(11);
    expect((await statuses(org, id)).length).toBe(10);
  });

  it('lets all orgs together ask one mailbox twice, and then once each eight hours, under every tag of its address', async () => {
    for (let n = 0; n < 6; n++) await addChannel(await api.makeOrg(), [`victim+${n}@example.com`]);
    await run('alerts.confirm');
    expect(mailServer.mails).toHaveLength(2);
    await pass('1 hour');
    await run('alerts.confirm');
    expect(mailServer.mails).toHaveLength(2);
    await pass('7 hours 1 second');
    await run('alerts.confirm');
    expect(mailServer.mails).toHaveLength(3);
  });

  it('asks for an org in its turn while another org has asked for hundreds', async () => {
    const crowd = await api.makeOrg();
    for (let n = 0; n < 20; n++) await addChannel(crowd, Array.from({ length: 10 }, newAddress));
    const other = await api.makeOrg();
    const address = newAddress();
    await addChannel(other, [address]);
    await run('alerts.confirm');
    expect(mailServer.mails.map(({ to }) => to[0])).toContain(address);
    expect(mailServer.mails).toHaveLength(11);
  });

  const sent = async (kind: string, org: TestOrg, address: string, from: number, seconds: number): Promise<number> => {
    const [row] = await api.admin<{ sent: number }>(
      `select count(*) filter (where private.take_message($1, $2, $3, to_timestamp($4::float8 + s)) = 0)::integer as sent from generate_series(0, $5::integer) s`,
      [org.id, kind, address, from, seconds],
    );
    return row?.sent ?? 0;
  };

  it('lets an org send 100 alerts and then 600 an hour, and a mailbox get 20 and then 30 an hour from all orgs', async () => {
    const [org, other] = [await api.makeOrg(), await api.makeOrg()];
    const at = 1_800_000_000;
    const [row] = await api.admin<{ sent: number }>(
      `select count(*) filter (where private.take_message($1, 'mail', 'a' || n || '@example.com', to_timestamp($2)) = 0)::integer as sent from generate_series(1, 500) n`,
      [org.id, at],
    );
    expect(row?.sent).toBe(100);
    expect(await sent('mail', other, 'one@example.com', at, 600)).toBeLessThanOrEqual(26);
    expect(await sent('mail', await api.makeOrg(), 'One+2@example.com', at + 600, 600)).toBeLessThanOrEqual(6);
  });

  it('lets an org send 1,200 requests an hour to other receivers, and ten tests at once', async () => {
    const org = await api.makeOrg();
    expect(await sent('request', org, '', 1_800_000_000, 900)).toBeLessThanOrEqual(501);
    const channel = await confirmed(org);
    const answers: number[] = [];
    for (let n = 0; n < 12; n++) {
      await api.admin(
        `insert into public.alert_channels (id, org_id, type, name, target) select gen_random_uuid(), $1, 'email', 'x', 'x'`,
        [org.id],
      );
      const [row] = await api.admin<{ seconds: number }>(`select private.take_message($1, 'test', '') as seconds`, [org.id]);
      answers.push(row?.seconds ?? 0);
    }
    expect(answers.filter((seconds) => seconds === 0)).toHaveLength(10);
    const test = await call(api.app, org.owner, 'POST', `/api/alerts/channels/${channel.id}/test`, {});
    expect([test.status, test.body.code]).toEqual([429, 'rate_limited']);
    expect(mailServer.mails).toEqual([]);
  });

  it('makes an alert wait, and does not lose it', async () => {
    const org = await api.makeOrg();
    const address = newAddress();
    const channel = await confirmed(org, [address]);
    await api.admin(`select private.take_message($1, 'mail', $2) from generate_series(1, 20)`, [org.id, address]);
    await openIncident(org);
    await run('alerts.notify');
    expect(mailServer.mails).toEqual([]);
    expect(await notifications(channel.id)).toMatchObject([
      { status: 'pending', attempts: 0, last_error: expect.stringContaining('waits') },
    ]);
    await pass('3 minutes');
    await api.admin('update public.alert_notifications set next_attempt_at = now() where channel_id = $1', [channel.id]);
    await run('alerts.notify');
    expect(mailServer.mails).toHaveLength(1);
  });

  it('is forgotten when it has not been used for two days', async () => {
    await api.admin(
      `insert into private.mail_paces (key, used_until) values ('mail of yesterday', now() - interval '1 day'), ('of last week', now() - interval '7 days')`,
    );
    await run('alerts.confirm');
    expect(await api.admin('select key from private.mail_paces')).toEqual([{ key: 'mail of yesterday' }]);
  });
});
