import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, type Page } from '@playwright/test';
import { withClient } from '@tributary/supabase/local/database.ts';
import type { StackInfo } from '@tributary/supabase/local/stack.ts';
import { fadingEnded, findingsOf } from './axe.ts';

/** Reads the addresses and keys of the running stack from the file that `npm start` writes for scripts. */
export function stack(): StackInfo {
  const file = process.env.E2E_STACK;
  if (!file) throw new Error('E2E_STACK is not set: run through playwright.config.ts');
  return JSON.parse(readFileSync(file, 'utf8')) as StackInfo;
}

export interface User {
  id: string;
  email: string;
  password: string;
  token: string;
  /** The session as the browser stores it. */
  session: Record<string, unknown>;
}

interface Org {
  id: string;
  slug: string;
  name: string;
  projectId: string;
}

async function call<T>(method: string, url: string, token: string | undefined, body?: unknown): Promise<T> {
  const { publishableKey } = stack();
  const response = await fetch(url, {
    method,
    headers: {
      apikey: publishableKey,
      authorization: `Bearer ${token ?? publishableKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Calls the API as a user. Throws when the API refuses. */
export const api = <T>(user: User, method: string, path: string, body?: unknown) =>
  call<T>(method, stack().apiUrl + path, user.token, body);

/** Calls the Data API or Auth as a user. */
export const data = <T>(user: User, method: string, path: string, body?: unknown) =>
  call<T>(method, stack().supabaseUrl + path, user.token, body);

/** Signs up a new user. */
export async function makeUser(name = 'user'): Promise<User> {
  const email = `${name}-${randomUUID().slice(0, 8)}@example.com`;
  const password = randomBytes(12).toString('base64url');
  const session = await call<{ access_token: string; user: { id: string } }>('POST', `${stack().supabaseUrl}/auth/v1/signup`, undefined, {
    email,
    password,
  });
  return { id: session.user.id, email, password, token: session.access_token, session };
}

/** Signs in a user who exists. */
export async function signIn(email: string, password: string): Promise<User> {
  const session = await call<{ access_token: string; user: { id: string } }>(
    'POST',
    `${stack().supabaseUrl}/auth/v1/token?grant_type=password`,
    undefined,
    { email, password },
  );
  return { id: session.user.id, email, password, token: session.access_token, session };
}

export async function makeOrg(owner: User, name = `Org ${randomUUID().slice(0, 6)}`): Promise<Org> {
  const made = await data<{ org_id: string; project_id: string }>(owner, 'POST', '/rest/v1/rpc/create_org', { name, project_name: 'Main' });
  const [row] = await data<{ slug: string }[]>(owner, 'GET', `/rest/v1/orgs?id=eq.${made.org_id}&select=slug`);
  if (!row) throw new Error('the new org cannot be read');
  return { id: made.org_id, slug: row.slug, name, projectId: made.project_id };
}

/** A new user who has accepted an invite to the org. */
export async function makeMember(org: Org, owner: User, role: 'admin' | 'analyst'): Promise<User> {
  const member = await makeUser(role);
  const { token } = await api<{ token: string }>(owner, 'POST', '/api/invites', { orgId: org.id, email: member.email, role });
  await api(member, 'POST', '/api/invites/accept', { token });
  return member;
}

interface Connection {
  id: string;
  webhookUrl: string;
  secret: string;
}

/** A Hotmart connection whose hottok is known. */
export async function makeHotmart(owner: User, org: Org, options: { name?: string; hottok?: string } = {}): Promise<Connection> {
  const secret = options.hottok ?? randomBytes(16).toString('hex');
  const made = await api<{ id: string; webhookUrl: string }>(owner, 'POST', '/api/connections', {
    projectId: org.projectId,
    type: 'hotmart',
    name: options.name ?? 'Hotmart shop',
    secret,
  });
  return { ...made, secret };
}

/** Delivers an approved purchase as Hotmart does; `change` edits the payload before it is sent. */
export async function deliverPurchase(
  connection: Connection,
  options: { hottok?: string; id?: string; transaction?: string; change?: (payload: Record<string, unknown>) => void } = {},
): Promise<{ status: number; body: { status?: string; code?: string; records?: { status: string; eventId?: string; dlqId?: string }[] } }> {
  const now = Date.now();
  const transaction = options.transaction ?? `HP${randomBytes(6).toString('hex')}`;
  const payload: Record<string, unknown> = {
    id: options.id ?? randomUUID(),
    creation_date: now,
    event: 'PURCHASE_APPROVED',
    version: '2.0.0',
    data: {
      product: { id: 4_774_438, name: 'Curso de violão' },
      buyer: { name: 'Ana Farias', email: 'ana.farias@example.com', checkout_phone: '5531988880000' },
      producer: { name: 'Produtora' },
      commissions: [{ value: 133.2, source: 'PRODUCER', currency_value: 'BRL' }],
      purchase: {
        transaction,
        status: 'APPROVED',
        order_date: now - 60_000,
        approved_date: now,
        price: { value: 149.9, currency_value: 'BRL' },
        full_price: { value: 149.9, currency_value: 'BRL' },
        payment: { type: 'CREDIT_CARD', installments_number: 1 },
      },
    },
  };
  options.change?.(payload);
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-hotmart-hottok': options.hottok ?? connection.secret },
    body: JSON.stringify(payload),
  };
  for (let tries = 1; ; tries++) {
    const response = await fetch(connection.webhookUrl, request);
    const body = await response.json();
    // Every platform sends again after a 503, with which a busy machine answers now and then.
    if (response.status !== 503 || tries === 60) return { status: response.status, body: body as never };
    await sleep(500);
  }
}

/**
 * Rolls up the activity that alert rules read, evaluates the rules and queues the notifications, instead of waiting half a minute for the jobs.
 * A roll-up returns at once while another one runs, so this one waits for the lock of that of the API.
 */
export const evaluateAlertsNow = () =>
  withClient(stack().databaseUrl, async (client) => {
    await client.query('begin');
    await client.query("select pg_advisory_xact_lock(hashtext('tributary.activity'))");
    await client.query('select private.roll_up_activity()');
    await client.query(
      `select private.evaluate_alerts(array(select org_id from private.alert_turns), clock_timestamp(), (select watching_since from private.alert_clock))`,
    );
    await client.query("select graphile_worker.add_job('alerts.notify')");
    await client.query('commit');
  });

/** Opens the dashboard as a user who is signed in already; the sign-in form is tested in sign-in.e2e.ts. */
export async function openAs(page: Page, user: User, path: string): Promise<void> {
  await page.addInitScript(
    ([key, session]) => {
      if (localStorage.getItem(key as string) === null) localStorage.setItem(key as string, session as string);
    },
    ['tributary.session', JSON.stringify(user.session)],
  );
  await page.goto(stack().apiUrl + path);
}

/** Expects that axe finds nothing serious or critical on the page as it is now. */
export async function expectAccessible(page: Page): Promise<void> {
  await fadingEnded(page);
  expect(await findingsOf(page)).toEqual([]);
}
