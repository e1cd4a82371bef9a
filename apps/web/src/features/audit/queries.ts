import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { windowOf } from '../../lib/range.ts';
import type { Range } from '../../lib/search.ts';
import { read, supabase } from '../../lib/supabase.ts';
import { actionsOf } from './actions.ts';

export interface AuditEntry {
  id: number;
  /** null: done by the system. */
  actorId: string | null;
  action: string;
  targetId: string | null;
  detail: Record<string, unknown>;
  createdAt: string;
}

export interface AuditFilter {
  /** A user's id, or `system`. */
  actor?: string | undefined;
  action?: string | undefined;
  range?: Range | undefined;
}

interface Row {
  id: number;
  actor_id: string | null;
  action: string;
  target_id: string | null;
  detail: unknown;
  created_at: string;
}

const columns = 'id, actor_id, action, target_id, detail, created_at';
const pageSize = 50;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const toEntry = (row: Row): AuditEntry => ({
  id: row.id,
  actorId: row.actor_id,
  action: row.action,
  targetId: row.target_id,
  detail: (row.detail ?? {}) as Record<string, unknown>,
  createdAt: row.created_at,
});

/** Newest first, page by page: a page starts after the last entry of the previous one. */
export const auditEntries = (orgId: string, { actor, action, range }: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ['audit', orgId, actor, action, range],
    initialPageParam: undefined as AuditEntry | undefined,
    queryFn: async ({ pageParam: last }): Promise<AuditEntry[]> => {
      let query = supabase().data.from('audit_log').select(columns).eq('org_id', orgId);
      if (actor === 'system') query = query.is('actor_id', null);
      // A malformed id in the URL matches no person.
      else if (actor) query = query.eq('actor_id', uuid.test(actor) ? actor : '00000000-0000-0000-0000-000000000000');
      if (action) query = query.in('action', actionsOf(action));
      if (range) query = query.gte('created_at', windowOf(range, Date.now()).from);
      if (last)
        query = query
          .lte('created_at', last.createdAt)
          .or(`created_at.lt."${last.createdAt}",and(created_at.eq."${last.createdAt}",id.lt.${last.id})`);
      const rows = await read(query.order('created_at', { ascending: false }).order('id', { ascending: false }).limit(pageSize));
      return rows.map(toEntry);
    },
    getNextPageParam: (page) => (page.length < pageSize ? undefined : page.at(-1)),
  });

/** null: the reader can see no entry with this id. */
export const auditEntry = (orgId: string, id: string) =>
  queryOptions({
    queryKey: ['audit', orgId, 'entry', id],
    queryFn: async (): Promise<AuditEntry | null> => {
      if (!/^\d{1,18}$/.test(id)) return null;
      const rows = await read(supabase().data.from('audit_log').select(columns).eq('org_id', orgId).eq('id', Number(id)).limit(1));
      return rows[0] ? toEntry(rows[0]) : null;
    },
  });

/**
 * Names by id of the connections (also deleted ones), projects, alert channels and replay plans that entries are about, and the addresses of
 * invites, of which the log has only pseudonyms. For people see `orgPeople`.
 */
export const auditedNames = (orgId: string) =>
  queryOptions({
    queryKey: ['audited-names', orgId],
    staleTime: 60_000,
    queryFn: async () => {
      const names = (table: 'source_connections' | 'projects' | 'alert_channels' | 'replay_plans') =>
        read(supabase().data.from(table).select('id, name').eq('org_id', orgId).order('created_at', { ascending: false }).limit(1_000));
      const invites = read(
        supabase()
          .data.from('org_invites')
          .select('id, name:email')
          .eq('org_id', orgId)
          .order('created_at', { ascending: false })
          .limit(1_000),
      );
      const found = await Promise.all([
        names('source_connections'),
        names('projects'),
        names('alert_channels'),
        names('replay_plans'),
        invites,
      ]);
      return new Map(found.flat().flatMap(({ id, name }) => (name === null ? [] : [[id, name] as const])));
    },
  });
