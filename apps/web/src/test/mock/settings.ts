import { AcceptedInvite, CreatedInvite, Invite, Org, OrgKeys, UpdateOrg } from '@tributary/shared/api.ts';
import { Approval, ApprovalList, OrgSecurity, UpdateOrgSecurity } from '@tributary/shared/approvals.ts';
import { AuditVerdict } from '@tributary/shared/audit.ts';
import type { Database } from '@tributary/shared/database.types.ts';
import { ErasureDryRun, ErasureList } from '@tributary/shared/erasures.ts';
import { LegalHoldList } from '@tributary/shared/holds.ts';
import { OrgDeletion } from '@tributary/shared/org-deletion.ts';
import { type Quota, Quotas } from '@tributary/shared/quotas.ts';
import { Retention } from '@tributary/shared/retention.ts';
import { HttpResponse, http } from 'msw';
import { z } from 'zod';
import { answer, problem } from './answers.ts';
import { ago, colleague, idOf, ids, orgSlug, type Row, user, type World } from './world.ts';

/** Quotas that are hardly used, nearly used up, and used up. */
export const quotaRows: Quota[] = [
  { name: 'connections', value: 200, defaultValue: 200, used: 170 },
  { name: 'events_per_day', value: 20_000_000, defaultValue: 5_000_000, used: 1_204_551 },
  { name: 'open_invites', value: 50, defaultValue: 50, used: 50 },
  { name: 'projects', value: 50, defaultValue: 50, used: 1 },
];

export const orgRows = (world: World): Row<'orgs'>[] => [
  {
    id: ids.org,
    name: world.orgName,
    slug: orgSlug,
    rate_limit_per_second: null,
    suspended_at: null,
    suspended_reason: null,
    created_at: ago(90_000),
  },
];

export const memberRows = (world: World): Row<'org_members'>[] => [
  { org_id: ids.org, user_id: ids.user, role: world.role, created_at: ago(90_000) },
  { org_id: ids.org, user_id: ids.colleague, role: world.role === 'owner' ? 'admin' : 'owner', created_at: ago(80_000) },
];

export const projectRows = (): Row<'projects'>[] => [
  { id: ids.project, org_id: ids.org, name: 'Curso de violão', slug: 'curso-de-violao', created_at: ago(90_000) },
];

/** Audit entries of many kinds, so that every sentence is shown. Analysts cannot read the audit log. */
export function auditRows(world: World): Row<'audit_log'>[] {
  if (world.role === 'analyst') return [];
  const entry = (action: string, targetId: string | null, detail: Row<'audit_log'>['detail']) => ({ action, target_id: targetId, detail });
  const kinds = [
    entry('org_members.insert', ids.user, { role: 'owner' }),
    entry('projects.insert', ids.project, { name: 'Curso de violão', slug: 'curso-de-violao' }),
    entry('source_connections.insert', ids.connection, { name: world.connectionName, type: 'hotmart' }),
    entry('connection_secrets.insert', ids.connection, { name: 'hottok' }),
    entry('org_keys.insert', null, { version: 1, kind: 'data' }),
    entry('org_members.update', ids.colleague, { role: { from: 'analyst', to: 'admin' } }),
    entry('dlq_operations.insert', idOf('a', 1), { kind: 'redrive', total: 40 }),
    entry('replay_plans.update', ids.plan, { status: { from: 'approved', to: 'running' } }),
    entry('legal_holds.insert', idOf('e', 1), { reason: 'Case 4711' }),
    entry('retention_settings.insert', 'events', { kind: 'events', keep_days: 30 }),
    entry('org_deletions.insert', ids.org, { status: 'scheduled' }),
    entry('org_deletions.delete', ids.org, { status: 'scheduled' }),
    entry('alert_incidents.update', ids.connection, { acknowledged_at: { from: null, to: ago(30) } }),
  ];
  const count = world.filled ? world.rows : 2;
  return Array.from({ length: count }, (_, index) => ({
    ...(kinds[index % kinds.length] as (typeof kinds)[number]),
    id: index + 1,
    org_id: ids.org,
    actor_id: ids.user,
    created_at: ago(1_000 - index),
  }));
}

const invites: Invite[] = [
  {
    id: idOf('f', 1),
    orgId: ids.org,
    email: 'caio@example.com',
    role: 'analyst',
    createdAt: ago(100),
    expiresAt: ago(-9_000),
    acceptedAt: null,
  },
];

const retention: Retention = {
  orgId: ids.org,
  rules: [
    { kind: 'events', keepDays: 30, maximumDays: 400, chosenDays: 30, appliesFrom: ago(-600) },
    { kind: 'deliveries', keepDays: 90, maximumDays: 90, chosenDays: null, appliesFrom: null },
    { kind: 'dead_letters', keepDays: 180, maximumDays: 180, chosenDays: null, appliesFrom: null },
    { kind: 'activity', keepDays: 1830, maximumDays: 1830, chosenDays: null, appliesFrom: null },
  ],
};

const noDeletion: OrgDeletion = {
  orgId: ids.org,
  status: 'none',
  requestedAt: null,
  requestedBy: null,
  startsAt: null,
  waitsFor: null,
  rowsDeleted: 0,
};

/** A request of a colleague, one of the person, and decided ones of every kind. */
const approvalsOf = (): Approval[] => {
  const kinds: [Approval['kind'], Record<string, unknown>, Approval['status'], string][] = [
    ['erase_person', { kinds: ['email'], reference: 'DSR-33' }, 'pending', colleague.id],
    ['rotate_key', { keyKind: 'hash' }, 'pending', user.id],
    ['purge', { total: 1_200, filter: {} }, 'approved', colleague.id],
    ['release_hold', { reason: 'Case 4711' }, 'rejected', user.id],
    ['delete_org', { name: 'Ateliê Aurora' }, 'expired', colleague.id],
    ['change_security', { requiresSecondFactor: true, secondPerson: [], purgeCount: 100 }, 'withdrawn', user.id],
  ];
  return kinds.map(([kind, params, status, requestedBy], index) => ({
    id: idOf('d', index + 1),
    orgId: ids.org,
    kind,
    summary: '',
    params,
    status,
    requestedBy,
    requestedAt: ago(30 + index),
    expiresAt: ago(-9_000),
    decidedBy: status === 'pending' || status === 'expired' ? null : requestedBy === user.id ? colleague.id : user.id,
    decidedAt: status === 'pending' ? null : ago(10),
  }));
};

type People = Database['public']['Functions']['org_people']['Returns'];

export function settingsHandlers(world: World, orgs: Row<'orgs'>[], members: Row<'org_members'>[]) {
  const org = orgs[0] as Row<'orgs'>;
  const forbidden = () => problem(403, 'forbidden', { detail: 'only owners and admins' });
  const detail = (): Org => ({
    id: org.id,
    name: org.name,
    slug: org.slug,
    role: world.role,
    rateLimitPerSecond: org.rate_limit_per_second,
    createdAt: org.created_at,
  });
  const emails = new Map([user, colleague].map(({ id, email }) => [id, email]));
  return [
    http.get('*/api/orgs/:id', () => answer(Org, detail())),
    http.patch('*/api/orgs/:id', async ({ request }) => {
      if (world.role === 'analyst') return forbidden();
      const { name, rateLimitPerSecond } = UpdateOrg.parse(await request.json());
      Object.assign(org, name ? { name } : {}, rateLimitPerSecond === undefined ? {} : { rate_limit_per_second: rateLimitPerSecond });
      return answer(Org, detail());
    }),
    http.get('*/api/orgs/:id/quotas', () => (world.role === 'analyst' ? forbidden() : answer(Quotas, { quotas: quotaRows }))),
    http.get('*/api/orgs/:id/keys', () =>
      answer(OrgKeys, {
        next: null,
        keys: [
          { kind: 'data', version: 2, createdAt: ago(100), retiredAt: null, current: true },
          { kind: 'data', version: 1, createdAt: ago(90_000), retiredAt: ago(100), current: false },
          { kind: 'hash', version: 1, createdAt: ago(90_000), retiredAt: null, current: true },
        ],
      }),
    ),
    http.get('*/api/orgs/:id/security', () =>
      answer(OrgSecurity, { requiresSecondFactor: false, secondPerson: world.filled ? ['erase_person', 'purge'] : [], purgeCount: 100 }),
    ),
    http.patch('*/api/orgs/:id/security', async ({ request }) => {
      if (world.role !== 'owner') return forbidden();
      const { requiresSecondFactor = false, secondPerson = [], purgeCount = 100 } = UpdateOrgSecurity.parse(await request.json());
      return answer(OrgSecurity, { requiresSecondFactor, secondPerson, purgeCount });
    }),
    http.get('*/api/approvals', ({ request }) => {
      if (world.role === 'analyst') return forbidden();
      const all = new URL(request.url).searchParams.get('status') === 'all';
      return answer(ApprovalList, {
        approvals: world.filled ? approvalsOf().filter(({ status }) => all || status === 'pending') : [],
        next: null,
      });
    }),
    http.post('*/api/approvals/:id/:decision', () => answer(Approval, { ...(approvalsOf()[0] as Approval), status: 'approved' })),
    http.get('*/api/audit/verify', () =>
      answer(AuditVerdict, {
        verifiedTo: 12,
        hash: 'ab'.repeat(32),
        entryAt: ago(1),
        entries: 12,
        isEnd: true,
        problem: null,
        problemAt: null,
      }),
    ),
    http.get('*/api/invites', () => (world.role === 'analyst' ? forbidden() : answer(z.array(Invite), world.filled ? invites : []))),
    http.post('*/api/invites', () =>
      answer(CreatedInvite, {
        id: idOf('f', 2),
        token: 'token-of-the-invite',
        acceptUrl: 'https://tributary.example/invite#token=token-of-the-invite',
        expiresAt: ago(-9_000),
      }),
    ),
    http.post('*/api/invites/accept', () => answer(AcceptedInvite, { orgId: ids.org })),
    http.get('*/api/legal-holds', () =>
      answer(LegalHoldList, {
        next: null,
        holds: (world.filled ? [null, ago(10)] : []).map((releasedAt, index) => ({
          id: idOf('e', index + 1),
          orgId: ids.org,
          connectionId: index === 0 ? ids.connection : null,
          reason: 'Case 4711 <b>sealed</b>',
          createdBy: user.id,
          createdAt: ago(2_000),
          releasedBy: releasedAt ? user.id : null,
          releasedAt,
        })),
      }),
    ),
    http.get('*/api/erasures', () =>
      answer(ErasureList, {
        next: null,
        erasures: (world.filled ? (['running', 'completed'] as const) : []).map((status, index) => ({
          id: idOf('e', 0x101 + index),
          orgId: ids.org,
          kinds: ['email' as const],
          reference: `DSR-${31 + index}`,
          status,
          waitsFor: status === 'running' ? 'Case 4711' : null,
          scanned: 400,
          scannedTo: ago(20),
          events: 1,
          deliveries: 1,
          deadLetters: 0,
          otherRows: 0,
          unreadable: 0,
          createdBy: user.id,
          createdAt: ago(30),
          completedAt: status === 'completed' ? ago(5) : null,
        })),
      }),
    ),
    http.post('*/api/erasures', () => answer(ErasureDryRun, { dryRun: true, events: 1, erasedBefore: [] })),
    http.post(`${world.supabaseUrl}/rest/v1/rpc/org_people`, () =>
      HttpResponse.json(
        members.map((row) => ({
          user_id: row.user_id,
          email: emails.get(row.user_id) ?? '',
          role: row.role,
          created_at: row.created_at,
        })) satisfies People,
      ),
    ),
    http.get('*/api/orgs/:id/retention', () => answer(Retention, retention)),
    http.get('*/api/orgs/:id/deletion', () => answer(OrgDeletion, noDeletion)),
    http.post(`${world.supabaseUrl}/rest/v1/rpc/create_org`, () => HttpResponse.json({ org_id: ids.org, project_id: ids.project })),
  ];
}
