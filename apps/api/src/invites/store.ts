import type { Sql } from '../platform/db.ts';
import { type Cursor, type Page, readNewest } from '../platform/pages.ts';

export interface InviteRow {
  id: string;
  org_id: string;
  email: string;
  role: 'admin' | 'analyst';
  created_at: string;
  expires_at: string;
  accepted_at: string | null;
}

// Every statement runs as the caller, under RLS.

const columns = 'id, org_id, email, role, created_at, expires_at, accepted_at';

export async function findOrg(sql: Sql, id: string): Promise<{ may_write: boolean } | undefined> {
  const [row] = await sql<{ may_write: boolean }>(
    `select id = any (array(select private.my_orgs('{owner,admin}'))) as may_write from public.orgs where id = $1`,
    [id],
  );
  return row;
}

export async function createInvite(
  sql: Sql,
  invite: { orgId: string; email: string; role: string; tokenSha256: Buffer },
): Promise<InviteRow> {
  const [row] = await sql<InviteRow>(`select ${columns} from private.create_invite($1, $2, $3, $4)`, [
    invite.orgId,
    invite.email,
    invite.role,
    invite.tokenSha256,
  ]);
  if (!row) throw new Error('create_invite returned no row');
  return row;
}

/** A page of the org's invites, newest first, with accepted and expired ones. */
export async function listInvites(sql: Sql, orgId: string, limit: number, after: Cursor | undefined): Promise<Page<InviteRow>> {
  return readNewest<InviteRow>(
    sql,
    { columns, from: 'public.org_invites', where: 'org_id = $1', values: [orgId], time: 'created_at', id: 'id' },
    limit,
    after,
  );
}

/** Returns false when there is no such invite that the caller may delete. */
export async function deleteInvite(sql: Sql, id: string): Promise<boolean> {
  return (await sql('delete from public.org_invites where id = $1 returning id', [id])).length > 0;
}

/** Returns the id of the joined org, or undefined when the caller has no open invite with this token. */
export async function acceptInvite(sql: Sql, tokenSha256: Buffer): Promise<string | undefined> {
  const [row] = await sql<{ org_id: string | null }>('select private.accept_invite($1) as org_id', [tokenSha256]);
  return row?.org_id ?? undefined;
}

/** Why an invite cannot be accepted. */
export type InviteRefusal = 'joined' | 'used' | 'expired' | 'own' | 'other_address' | 'inviter_left' | 'unknown';

export async function explainInvite(sql: Sql, tokenSha256: Buffer): Promise<InviteRefusal> {
  const [row] = await sql<{ found: { reason: InviteRefusal } }>('select private.explain_invite($1) as found', [tokenSha256]);
  return row?.found.reason ?? 'unknown';
}
