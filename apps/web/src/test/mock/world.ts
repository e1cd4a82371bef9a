import type { SourceEntry } from '@tributary/shared/api.ts';
import type { Database } from '@tributary/shared/database.types.ts';
import { catalogue } from './catalogue.ts';

type Tables = Database['public']['Tables'];
export type Row<Table extends keyof Tables> = Tables[Table]['Row'];

/** The data that the mock servers answer with. Tests choose the options that they are about; everything else has a default. */
export interface World {
  /** Where the mock Supabase is, without a path. */
  supabaseUrl: string;
  role: 'owner' | 'admin' | 'analyst';
  /** False: an org in which nothing has happened yet. */
  filled: boolean;
  /** Whether work is under way: a replay plan and an operation on dead letters, which pages follow closely. */
  running: boolean;
  /** How many rows a list that grows without a limit has: events, dead letters, audit entries. */
  rows: number;
  /** How many events the database puts into one page at most. */
  pageSize: number;
  orgName: string;
  connectionName: string;
  sources: Readonly<Record<'en' | 'pt-BR', readonly SourceEntry[]>>;
}

export const makeWorld = (options: Partial<World> = {}): World => ({
  supabaseUrl: 'http://supabase.test',
  role: 'owner',
  filled: true,
  running: false,
  rows: 12,
  pageSize: 100,
  orgName: 'Ateliê Aurora',
  connectionName: 'Hotmart shop',
  sources: catalogue,
  ...options,
});

/** Names far longer than any screen is wide: one of many words, and one that cannot be broken between words. */
export const longNames = {
  orgName: 'An org whose name is a good deal longer than any phone is wide',
  connectionName: 'Hotmart-of-the-shop-whose-name-was-never-meant-to-be-broken-into-lines',
};

/** The n-th id of its kind: `kind` is one hexadecimal digit. */
export const idOf = (kind: string, n = 1): string => `${kind.repeat(8)}-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

export const ids = {
  org: idOf('0'),
  project: idOf('1'),
  user: idOf('2', 1),
  colleague: idOf('2', 2),
  connection: idOf('3', 1),
  webhook: idOf('3', 2),
  event: idOf('4'),
  journal: idOf('5'),
  deadLetter: idOf('6', 1),
  quarantined: idOf('6', 0x1001),
  plan: idOf('7', 1),
  incident: idOf('8', 1),
  channel: idOf('9'),
};

export const orgSlug = 'atelie';
export const user = { id: ids.user, email: 'ana@example.com' };
export const colleague = { id: ids.colleague, email: 'bia@example.com' };

const minute = 60_000;
const started = Math.floor(Date.now() / minute) * minute;

/** A time that many minutes before the mock was loaded. */
export const ago = (minutes: number): string => new Date(started - minutes * minute).toISOString();

/** What Supabase Auth stores in the browser for the person who is signed in. */
export const session = () => ({
  access_token: 'header.payload.signature',
  refresh_token: 'refresh',
  token_type: 'bearer',
  expires_in: 86_400,
  expires_at: Math.floor(Date.now() / 1000) + 86_400,
  user: { ...user, aud: 'authenticated', role: 'authenticated', app_metadata: {}, user_metadata: {}, created_at: ago(100_000) },
});

/** Where the browser keeps {@link session}. */
export const sessionKey = 'tributary.session';
