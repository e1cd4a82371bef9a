import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { StackError } from './errors.ts';
import { readJson, writePrivateJson } from './local-files.ts';
import type { StackInfo } from './stack.ts';

export type DemoConnection = { id: string; webhookUrl: string; secrets: Record<string, string> };

/**
 * The content of `demo.json`: the seeded org with one connection for each source, keyed by source type, with the secrets that the API shows
 * only once.
 */
export type Demo = { orgId: string; projectId: string; connections: Record<string, DemoConnection> };

type Source = {
  type: string;
  label: string;
  secrets: { name: string; issuedBy: 'platform' | 'tributary'; required: boolean }[];
  exampleConfig: Record<string, unknown>;
};

/** Creates the demo user, org, project and connections that do not exist yet, and returns all of them. Can be repeated. */
export async function seedDemo(info: StackInfo, directory: string): Promise<Demo> {
  const client = createClient(info.supabaseUrl, info.publishableKey, { auth: { persistSession: false, autoRefreshToken: false } });
  const token = await signIn(client, info);
  const call = (method: string, path: string, body?: unknown) => callApi(info, token, method, path, body);
  const file = join(directory, 'demo.json');
  const kept = readJson<Demo>(file);
  const { orgId, projectId } = await findOrCreateOrg(client, kept);
  const demo: Demo = { orgId, projectId, connections: kept?.projectId === projectId ? kept.connections : {} };
  const stored = await check(
    client.from('source_connections').select('id, type, name').eq('project_id', projectId),
    'read the demo connections',
  );
  const sources = (await call('GET', '/api/sources')) as Source[];
  for (const source of sources) {
    const name = `Demo ${source.label}`;
    const existing = stored.filter((row) => row.type === source.type);
    const seeded = demo.connections[source.type];
    if (seeded && existing.some((row) => row.id === seeded.id)) {
      // the port may have changed since the last start
      seeded.webhookUrl = `${info.apiUrl}/api/webhooks/${source.type}/${seeded.id}`;
      continue;
    }
    // an interrupted start has created this connection and could not store its secrets, which are lost: the connection is replaced
    for (const row of existing.filter((one) => one.name === name)) await call('DELETE', `/api/connections/${row.id}`);
    const platformSecrets = Object.fromEntries(
      source.secrets
        .filter((secret) => secret.issuedBy === 'platform')
        .map((secret) => [secret.name, randomBytes(24).toString('base64url')]),
    );
    const created = (await call('POST', '/api/connections', {
      projectId,
      type: source.type,
      name,
      config: source.exampleConfig,
      ...(Object.keys(platformSecrets).length > 0 ? { secrets: platformSecrets } : {}),
    })) as { id: string; webhookUrl: string; secrets?: Record<string, string> };
    demo.connections[source.type] = { id: created.id, webhookUrl: created.webhookUrl, secrets: { ...platformSecrets, ...created.secrets } };
    writePrivateJson(file, demo);
  }
  writePrivateJson(file, demo);
  return demo;
}

async function check<T>(answer: PromiseLike<{ data: T | null; error: { message: string } | null }>, what: string): Promise<T> {
  const { data, error } = await answer;
  if (error || data === null) throw new StackError(`The demo could not be prepared: could not ${what}: ${error?.message ?? 'no answer'}.`);
  return data;
}

async function signIn(client: SupabaseClient, info: StackInfo): Promise<string> {
  const credentials = { email: info.demo.email, password: info.demo.password };
  const signedIn = await client.auth.signInWithPassword(credentials);
  if (signedIn.data.session) return signedIn.data.session.access_token;
  const { data, error } = await client.auth.signUp(credentials);
  if (!data.session)
    throw new StackError(
      `The demo user ${info.demo.email} could not sign up: ${error?.message ?? 'no session'}. If its password was changed, \`npm run reset\` starts with an empty database.`,
    );
  return data.session.access_token;
}

async function findOrCreateOrg(client: SupabaseClient, kept: Demo | undefined): Promise<{ orgId: string; projectId: string }> {
  const projects = await check(
    client.from('projects').select('id, org_id, orgs!inner(name)').eq('orgs.name', 'Demo').order('created_at'),
    'read the demo org',
  );
  const found = projects.find((project) => project.id === kept?.projectId) ?? projects[0];
  if (found) return { orgId: found.org_id, projectId: found.id };
  const made = await check(client.rpc('create_org', { name: 'Demo', project_name: 'Demo' }), 'create the demo org');
  return { orgId: made.org_id, projectId: made.project_id };
}

async function callApi(info: StackInfo, token: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(info.apiUrl + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  const text = await response.text();
  if (!response.ok)
    throw new StackError(`The demo could not be prepared: ${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`);
  return text === '' ? undefined : JSON.parse(text);
}

/**
 * Returns a shell command that delivers one signed Hotmart purchase to the demo connection: accepted the first time, a duplicate after
 * that.
 */
export function purchaseCommand(connection: DemoConnection, now: number): string | undefined {
  const hottok = Object.values(connection.secrets)[0];
  if (!hottok) return undefined;
  const purchase = {
    id: randomUUID(),
    creation_date: now,
    event: 'PURCHASE_APPROVED',
    version: '2.0.0',
    data: {
      product: { id: 4_774_438, name: 'Course of the demo' },
      buyer: { name: 'Ana Farias', email: 'ana.farias@example.com', checkout_phone: '5531988880000' },
      producer: { name: 'Demo producer' },
      commissions: [{ value: 133.2, source: 'PRODUCER', currency_value: 'BRL' }],
      purchase: {
        transaction: `HP${now}`,
        status: 'APPROVED',
        order_date: now - 60_000,
        approved_date: now,
        price: { value: 149.9, currency_value: 'BRL' },
        full_price: { value: 149.9, currency_value: 'BRL' },
        payment: { type: 'CREDIT_CARD', installments_number: 1 },
      },
    },
  };
  return [
    `curl -sS '${connection.webhookUrl}'`,
    `-H 'content-type: application/json'`,
    `-H 'x-hotmart-hottok: ${hottok}'`,
    `-d '${JSON.stringify(purchase)}'`,
  ].join(' \\\n  ');
}
