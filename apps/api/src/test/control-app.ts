import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { createNotifier } from '../alerts/notifier.ts';
import { alertRoutes } from '../alerts/routes.ts';
import { type ConnectionDeps, connectionRoutes } from '../connections/routes.ts';
import { publicConfigRoutes } from '../dashboard/public-config.ts';
import { createReplayer } from '../deliveries/rerun.ts';
import { dlqRoutes } from '../dlq/routes.ts';
import { eventRoutes } from '../events/routes.ts';
import { statusRoutes } from '../flow/routes.ts';
import { holdRoutes } from '../holds/routes.ts';
import { inviteRoutes } from '../invites/routes.ts';
import { latestRoutes, replayRoutes } from '../journal/routes.ts';
import { orgRoutes } from '../orgs/routes.ts';
import { createTokenVerifier } from '../platform/auth.ts';
import { createCircuits } from '../platform/breaker.ts';
import { answerProblem, Problem, toProblem } from '../platform/errors.ts';
import { createMetrics } from '../platform/metrics.ts';
import { createOutbound } from '../platform/outbound.ts';
import { mountReference } from '../reference/routes.ts';
import { replayPlanRoutes } from '../replays/routes.ts';
import { sourceRoutes } from '../sources/routes.ts';
import { jwt, type TestUser, type World } from './make.ts';

export const publicUrl = 'https://in.example.com';

/** The control plane by itself, without the ingest routes; `dispatch` stands for them. */
export function makeControlApp(world: World, dispatch: ConnectionDeps['dispatch'] = async () => new Response(null, { status: 404 })) {
  const app = new Hono();
  const verifyToken = createTokenVerifier(jwt);
  app.onError((error, c) => {
    world.log.error({ err: error }, 'request');
    return answerProblem(c, toProblem(error), randomUUID());
  });
  const { db, masterKeys, log } = world;
  const outbound = createOutbound({ allowPrivate: true });
  const circuits = createCircuits({ metrics: createMetrics(), log });
  const notifier = createNotifier({ outbound, circuits, smtp: undefined, pagerDutyUrl: 'http://127.0.0.1:1/' });
  app.route('/api/config', publicConfigRoutes({ url: 'https://project.example.com', publishableKey: 'sb_publishable_of_tests' }));
  app.route('/api/sources', sourceRoutes());
  app.route('/api/connections', connectionRoutes({ db, masterKeys, log, verifyToken, publicUrl, dispatch, now: Date.now }));
  app.route('/api/dlq', dlqRoutes({ db, masterKeys, log, verifyToken }));
  app.route('/api/orgs', orgRoutes({ db, masterKeys, verifyToken }));
  app.route('/api/alerts', alertRoutes({ db, masterKeys, log, verifyToken, outbound, notifier }));
  app.route('/api/invites', inviteRoutes({ db, verifyToken, publicUrl }));
  app.route('/api/events', eventRoutes({ db, verifyToken, masterKeys, log, now: Date.now }));
  app.route('/api/events', latestRoutes({ db, verifyToken }));
  const connections = { get: async () => undefined, close: async () => {} };
  app.route(
    '/api/replay',
    replayRoutes({ db, verifyToken, replayer: createReplayer({ db, connections, metrics: createMetrics(), now: Date.now, log }) }),
  );
  app.route('/api/replays', replayPlanRoutes({ db, verifyToken, approvalThreshold: 10_000 }));
  // No fleet runs here.
  const getState = () => Promise.reject(new Problem('database_unavailable'));
  app.route('/api/status', statusRoutes({ db, flow: { getState }, verifyToken }));
  app.route('/api/legal-holds', holdRoutes({ db, verifyToken }));
  mountReference(app, { publicUrl });
  return app;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on it field by field
  body: any;
  text: string;
}

/** Calls the app as a user, or as nobody, with a JSON body. */
export async function call(app: Hono, user: TestUser | string | undefined, method: string, path: string, body?: unknown): Promise<Answer> {
  const token = typeof user === 'string' ? user : user?.token;
  const response = await app.request(path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text, text };
}
