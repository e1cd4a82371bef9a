import { createHash, randomBytes } from 'node:crypto';
import { type AcceptedInvite, AcceptInvite, type CreatedInvite, CreateInvite, type Invite, InviteQuery } from '@tributary/shared/api.ts';
import { Hono } from 'hono';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { linkNextPage, parseCursor } from '../platform/pages.ts';
import { Refusal } from '../platform/refusal.ts';
import { jsonBody, validBody, validId, validQuery } from '../platform/requests.ts';
import { describe } from './openapi.ts';
import {
  acceptInvite,
  createInvite,
  deleteInvite,
  explainInvite,
  findOrg,
  type InviteRefusal,
  type InviteRow,
  listInvites,
} from './store.ts';

export interface InviteDeps {
  db: Db;
  verifyToken: VerifyToken;
  /** The address of the dashboard, without a slash at its end. */
  publicUrl: string;
}

/** What the holder of a link is told. Nobody can guess a token, so that no sentence tells a stranger which invites exist. */
const refusals: Record<InviteRefusal, string> = {
  joined: 'you have accepted this invite already and are a member of its org',
  used: 'this invite was accepted already: it works only once',
  expired: 'this invite has expired: ask the person who sent it for a new one',
  own: 'this is an invite that you made yourself: pass the link on to the invited person',
  other_address: 'this invite is for another e-mail address: sign in with the account of that address',
  inviter_left: 'the person who made this invite may not invite any more: ask another admin of the org for a new one',
  unknown: 'there is no invite with this link: it was withdrawn, or the link is incomplete',
};

/** Mounted at /api/invites. */
export function inviteRoutes({ db, verifyToken, publicUrl }: InviteDeps) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken), jsonBody);

  app.post('/', describe.createInvite, validBody(CreateInvite), async (c) => {
    const { orgId, email, role } = c.req.valid('json');
    const token = randomBytes(32).toString('base64url');
    const invite = await db.as(c.var.claims, async (sql) => {
      if (!(await findOrg(sql, orgId))) throw new Refusal('not_found', 'there is no such org');
      return createInvite(sql, { orgId, email, role, tokenSha256: sha256(token) });
    });
    // The token is in the fragment, which browsers send to no server.
    const acceptUrl = `${publicUrl}/invite#token=${token}`;
    c.header('cache-control', 'no-store');
    return c.json({ id: invite.id, token, acceptUrl, expiresAt: invite.expires_at } satisfies CreatedInvite, 201);
  });

  app.get('/', describe.listInvites, validQuery(InviteQuery), async (c) => {
    const { orgId, limit, cursor } = c.req.valid('query');
    const page = await db.as(c.var.claims, async (sql) => {
      const org = await findOrg(sql, orgId);
      if (!org) throw new Refusal('not_found', 'there is no such org');
      if (!org.may_write) throw new Refusal('forbidden');
      return listInvites(sql, orgId, limit, parseCursor(cursor));
    });
    linkNextPage(c, page.next);
    return c.json(page.rows.map(toInvite));
  });

  app.delete('/:id', describe.deleteInvite, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const deleted = await db.as(c.var.claims, (sql) => deleteInvite(sql, id));
    if (!deleted) throw new Refusal('not_found', 'there is no such invite');
    return c.body(null, 204);
  });

  app.post('/accept', describe.acceptInvite, validBody(AcceptInvite), async (c) => {
    const { token } = c.req.valid('json');
    const { orgId, reason } = await db.as(c.var.claims, async (sql) => {
      const joined = await acceptInvite(sql, sha256(token));
      return joined === undefined
        ? { orgId: undefined, reason: await explainInvite(sql, sha256(token)) }
        : { orgId: joined, reason: undefined };
    });
    if (!orgId) {
      const message = refusals[reason ?? 'unknown'];
      throw new Refusal('not_found', message, { errors: [{ path: '', code: `invite_${reason}`, message }] });
    }
    return c.json({ orgId } satisfies AcceptedInvite);
  });

  return app;
}

function sha256(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function toInvite(row: InviteRow): Invite {
  return {
    id: row.id,
    orgId: row.org_id,
    email: row.email,
    role: row.role,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    acceptedAt: row.accepted_at,
  };
}
