import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { matchedRoutes } from 'hono/route';
import { secureHeaders } from 'hono/secure-headers';
import { getPath } from 'hono/utils/url';
import { mailRoutes } from './alerts/mail-routes.ts';
import { alertRoutes } from './alerts/routes.ts';
import { approvalRoutes } from './approvals/routes.ts';
import { auditRoutes } from './audit/routes.ts';
import { connectionRoutes } from './connections/routes.ts';
import { policyReportRoutes, policyReportsPath } from './dashboard/policy-reports.ts';
import { publicConfigRoutes } from './dashboard/public-config.ts';
import { mountWeb } from './dashboard/web.ts';
import { startApprovedPurge } from './dlq/operation-routes.ts';
import { dlqRoutes } from './dlq/routes.ts';
import { erasureRoutes, startApprovedErasure } from './erasures/routes.ts';
import { eventRoutes } from './events/routes.ts';
import { statusRoutes } from './flow/routes.ts';
import { holdRoutes, releaseApprovedHold } from './holds/routes.ts';
import { webhookPath } from './ingest/address.ts';
import { largestBodyBytes } from './ingest/body-limit.ts';
import { type IngestEnv, ingestRoutes } from './ingest/routes.ts';
import { inviteRoutes } from './invites/routes.ts';
import { latestRoutes, replayRoutes } from './journal/routes.ts';
import { healthRoutes } from './operate/health.ts';
import { metricsRoutes } from './operate/metrics-routes.ts';
import { adminRoutes } from './operate/routes.ts';
import { changeApprovedSecurity, rotateApprovedKey } from './orgs/commands.ts';
import { requestApprovedDeletion } from './orgs/deletion-routes.ts';
import { orgRoutes } from './orgs/routes.ts';
import { createTokenVerifier } from './platform/auth.ts';
import { createDownloads } from './platform/downloads.ts';
import type { Jobs } from './platform/jobs.ts';
import { answerProblem } from './platform/problem.ts';
import { Refusal } from './platform/refusal.ts';
import { explainRefusal, type WideEvent } from './platform/request-log.ts';
import { quotaRoutes } from './quotas/routes.ts';
import { mountReference } from './reference/routes.ts';
import { replayPlanRoutes } from './replays/routes.ts';
import type { Services } from './services.ts';
import { sourceRoutes } from './sources/routes.ts';
import { createAdmission } from './tenancy/admission.ts';

export interface AppDeps extends Omit<Services, 'stop'> {
  jobs: Pick<Jobs, 'state'>;
  /** True once the process is about to exit: every answer then closes its connection. */
  isStopping(): boolean;
  /** True when another process has taken over the place of this one: the port is still served. */
  isReplaced?(): boolean;
}

/** Every URL of the API, in order. */
export function createApp(deps: AppDeps): Hono<IngestEnv> {
  const { config, db, metrics, log } = deps;
  const publicUrl = config.http.publicUrl;
  const verifyToken = createAdmission({
    db,
    verifyToken: createTokenVerifier(config.jwt, deps.now),
    limits: config.people.requests,
    allowances: deps.allowances,
  });
  const app = new Hono<IngestEnv>({ getPath: (request) => webhookPath(getPath(request)) });
  const downloads = createDownloads(db, config.people.downloads);

  // Every request gets an id, one observation of its duration and one wide log line, also when its handler throws. Deliveries that succeed share a line.
  app.use(async (c, next) => {
    const started = performance.now();
    const requestId = randomUUID();
    const event: WideEvent = { requestId };
    c.set('requestId', requestId);
    c.set('event', event);
    // The header is set before the answer is made: set afterwards, it turns node-server's light Response into a real one, which costs a
    // third of the request (measured).
    c.header('x-request-id', requestId);
    if (deps.isStopping()) c.header('connection', 'close');
    await next();
    // Middleware is registered for all methods, the route that answers for one method.
    const { status } = c.res;
    const path = matchedRoutes(c).find((matched) => matched.method !== 'ALL')?.path ?? '*';
    // The dashboard is mounted last and answers what no route matched, with a page or with 404.
    const route = !/^\/?\*$/.test(path) ? path : status < 400 ? 'dashboard' : 'unmatched';
    const request = { method: c.req.method, route, status, durationMs: performance.now() - started, event };
    if (c.var.delivered) deps.door.answered.add(request, c.var.delivered);
    else deps.door.requestLog.answered(request);
  });
  app.onError((error, c) => answerProblem(c, explainRefusal(error, c.var.event ?? {}), String(c.var.requestId)));
  app.notFound((c) => answerProblem(c, new Refusal('not_found'), c.var.requestId));

  app.route('/', ingestRoutes(deps.door));

  // No site may show these answers in a frame. These headers hold for the dashboard as well: the outermost middleware sets its headers
  // last.
  app.use(secureHeaders({ xFrameOptions: 'DENY', referrerPolicy: 'no-referrer' }));
  app.route('/', healthRoutes(deps));
  if (config.metrics.port === undefined) app.route('/', metricsRoutes({ metrics, token: config.metrics.token }));
  app.route('/api/config', publicConfigRoutes(config.supabase));
  app.route(policyReportsPath, policyReportRoutes(deps));
  app.route('/api/admin', adminRoutes(deps));
  app.route('/api/status', statusRoutes({ db, flow: deps.flow, verifyToken }));
  app.route('/api/orgs', orgRoutes({ db, verifyToken, masterKeys: config.masterKeys }));
  app.route('/api/orgs', quotaRoutes({ db, verifyToken }));
  app.route('/api/sources', sourceRoutes());
  app.route(
    '/api/connections',
    connectionRoutes({
      db,
      verifyToken,
      threads: deps.threads,
      masterKeys: config.masterKeys,
      publicUrl,
      bodyBytesMax: largestBodyBytes(config.limits),
      log,
      now: deps.now,
      dispatch: async (request, { isTest }) => app.fetch(request, { isTest }),
    }),
  );
  app.route('/api/alerts', alertRoutes({ ...deps, verifyToken, masterKeys: config.masterKeys, publicUrl }));
  app.route('/mail', mailRoutes(deps));
  app.route('/api/dlq', dlqRoutes({ ...deps, verifyToken, masterKeys: config.masterKeys }));
  app.route('/api/invites', inviteRoutes({ db, verifyToken, publicUrl }));
  app.route('/api/events', eventRoutes({ ...deps, verifyToken, masterKeys: config.masterKeys, downloads }));
  app.route('/api/events', latestRoutes({ db, verifyToken }));
  app.route('/api/replay', replayRoutes({ db, verifyToken, replayer: deps.replayer }));
  app.route('/api/replays', replayPlanRoutes({ db, verifyToken, approvalThreshold: config.replayApprovalThreshold }));
  app.route('/api/legal-holds', holdRoutes({ db, verifyToken }));
  app.route('/api/audit', auditRoutes({ db, verifyToken, masterKeys: config.masterKeys, now: deps.now, downloads }));
  app.route(
    '/api/approvals',
    approvalRoutes({
      db,
      verifyToken,
      acts: {
        erase_person: startApprovedErasure,
        purge: startApprovedPurge(deps.now),
        rotate_key: rotateApprovedKey(config.masterKeys),
        release_hold: releaseApprovedHold,
        delete_org: requestApprovedDeletion,
        change_security: changeApprovedSecurity,
      },
    }),
  );
  app.route('/api/erasures', erasureRoutes({ db, verifyToken, masterKeys: config.masterKeys, log, now: deps.now }));
  mountReference(app, { publicUrl });
  mountWeb(app, { directory: config.webDirectory, supabaseUrl: config.supabase.url });
  return app;
}
