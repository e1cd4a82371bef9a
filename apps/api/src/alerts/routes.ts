import {
  type AlertIncidentDetail,
  type AlertIncidents,
  type AlertRules,
  type AlertThresholds,
  IncidentQuery,
  IncidentStatus,
  OrgQuery,
  thresholdIssues,
  UpdateAlertRule,
} from '@tributary/shared/alerts.ts';
import { Hono } from 'hono';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import { parseCursor } from '../platform/pages.ts';
import { Refusal } from '../platform/refusal.ts';
import { invalidRequest, jsonBody, validBody, validId, validQuery } from '../platform/requests.ts';
import { resolveOrg } from '../tenancy/callers-org.ts';
import type { ChannelDeps } from './channel-commands.ts';
import { addChannelRoutes } from './channel-routes.ts';
import { describe } from './openapi.ts';
import {
  changeIncident,
  findIncident,
  findRule,
  listIncidentConnections,
  listIncidents,
  listNotifications,
  listRules,
  updateRule,
} from './store.ts';
import { toIncident, toIncidentConnection, toNotification, toRule } from './wire.ts';

export interface AlertDeps extends ChannelDeps {
  verifyToken: VerifyToken;
}

/** Mounted at /api/alerts. */
export function alertRoutes(deps: AlertDeps) {
  const { db, verifyToken } = deps;
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken), jsonBody);

  app.get('/rules', describe.listAlertRules, validQuery(OrgQuery), async (c) => {
    const rows = await db.as(c.var.claims, async (sql) => listRules(sql, (await resolveOrg(sql, c.req.valid('query').orgId)).id));
    return c.json({ rules: rows.map(toRule) } satisfies AlertRules);
  });

  app.get('/rules/:id', describe.getAlertRule, validId(), async (c) => {
    const row = await db.as(c.var.claims, (sql) => findRule(sql, c.req.valid('param').id));
    if (!row) throw new Refusal('not_found', 'there is no such rule');
    return c.json(toRule(row));
  });

  app.patch('/rules/:id', describe.updateAlertRule, validId(), validBody(UpdateAlertRule), async (c) => {
    const { id } = c.req.valid('param');
    const changes = c.req.valid('json');
    const row = await db.as(c.var.claims, async (sql) => {
      const found = await findRule(sql, id);
      if (!found) throw new Refusal('not_found', 'there is no such rule');
      if (!found.may_write) throw new Refusal('forbidden');
      const before = (await findRule(sql, id, { forUpdate: true })) ?? found;
      // The cast is safe: a body parsed from JSON contains no undefined values.
      const thresholds = { ...before.thresholds, ...(changes.thresholds as Partial<AlertThresholds>) };
      const issues = thresholdIssues(before.kind, thresholds);
      if (issues.length > 0) throw invalidRequest(issues);
      await updateRule(sql, {
        id,
        enabled: changes.enabled ?? before.enabled,
        thresholds,
        renotify_minutes: changes.renotifyMinutes === undefined ? before.renotify_minutes : changes.renotifyMinutes,
        resolve_after_minutes: changes.resolveAfterMinutes ?? before.resolve_after_minutes,
      });
      return findRule(sql, id);
    });
    if (!row) throw new Refusal('not_found', 'there is no such rule');
    return c.json(toRule(row));
  });

  addChannelRoutes(app, deps);

  app.get('/incidents', describe.listAlertIncidents, validQuery(IncidentQuery), async (c) => {
    const { orgId, status, connectionId, kind, limit, cursor } = c.req.valid('query');
    const statuses = status === undefined ? undefined : parseStatuses(status);
    const { rows, next } = await db.as(c.var.claims, async (sql) => {
      const org = await resolveOrg(sql, orgId);
      return listIncidents(sql, org.id, { statuses, connectionId, kind }, limit, parseCursor(cursor));
    });
    return c.json({ incidents: rows.map(toIncident), next, nextCursor: next } satisfies AlertIncidents);
  });

  app.get('/incidents/:id', describe.getAlertIncident, validId(), async (c) => {
    const answer = await db.as(c.var.claims, async (sql): Promise<AlertIncidentDetail> => {
      const incident = await findIncident(sql, c.req.valid('param').id);
      if (!incident) throw new Refusal('not_found', 'there is no such incident');
      const concerned = (await listIncidentConnections(sql, incident)).map(toIncidentConnection);
      return { ...toIncident(incident), concerned, notifications: (await listNotifications(sql, incident)).map(toNotification) };
    });
    return c.json(answer);
  });

  for (const [path, status, documented] of [
    ['/incidents/:id/acknowledge', 'acknowledged', describe.acknowledgeAlertIncident],
    ['/incidents/:id/resolve', 'resolved', describe.resolveAlertIncident],
  ] as const) {
    app.post(path, documented, validId(), async (c) => {
      const { id } = c.req.valid('param');
      const incident = await db.as(c.var.claims, async (sql) =>
        (await changeIncident(sql, id, status)) ? findIncident(sql, id) : undefined,
      );
      if (!incident) throw new Refusal('not_found', 'there is no such incident');
      return c.json(toIncident(incident));
    });
  }

  return app;
}

function parseStatuses(text: string): IncidentStatus[] {
  return text.split(',').map((part) => {
    const status = IncidentStatus.safeParse(part.trim());
    if (!status.success) throw invalidRequest([{ path: ['status'], message: `is one or several of ${IncidentStatus.options.join(', ')}` }]);
    return status.data;
  });
}
