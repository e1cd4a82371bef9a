import { type FlowState, type ServiceStatus, StatusQuery } from '@tributary/shared/flow.ts';
import { Hono } from 'hono';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { memoizeFor } from '../platform/memoize-for.ts';
import { validQuery } from '../platform/requests.ts';
import { describe } from './openapi.ts';
import { hasLowPriority } from './store.ts';

export interface StatusDeps {
  db: Db;
  flow: { getState(): Promise<FlowState> };
  verifyToken: VerifyToken;
}

/** Every open dashboard asks a few times a minute. The database is asked at most once a second for all of them together. */
const freshForMs = 1_000;

/** Mounted at /api/status: what tenants may know about the mode. The reason that the operator wrote is not shown to them. */
export function statusRoutes({ db, flow, verifyToken }: StatusDeps) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken));
  const getState = memoizeFor(() => flow.getState(), freshForMs);

  app.get('/', describe.getStatus, validQuery(StatusQuery), async (c) => {
    const { orgId } = c.req.valid('query');
    const { mode, changedAt, operatorMode, brownoutRate } = await getState();
    const isConcerned = mode === 'brownout' && (await db.as(c.var.claims, (sql) => hasLowPriority(sql, orgId)));
    return c.json({
      mode,
      since: changedAt,
      cause: mode === 'normal' ? null : operatorMode === null ? 'load' : 'operator',
      brownoutRate: isConcerned ? brownoutRate : null,
    } satisfies ServiceStatus);
  });

  return app;
}
