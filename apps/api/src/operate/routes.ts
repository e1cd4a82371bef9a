import {
  BrownoutQuery,
  type FlowState,
  type FlowTransition,
  type FlushedState,
  OperatorCommand,
  type OperatorMode,
  TransitionsQuery,
} from '@tributary/shared/flow.ts';
import { Hono } from 'hono';
import { operatorRoutes } from '../operators/routes.ts';
import { type OperatorVariables, type RecogniseOperator, requireOperator } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { formatPlace, parsePlace } from '../platform/pages.ts';
import { jsonBody, validBody, validQuery } from '../platform/requests.ts';
import { describe } from './openapi.ts';

export interface AdminDeps {
  db: Pick<Db, 'worker' | 'workerStatement'>;
  flow: {
    getState(): Promise<FlowState>;
    /** Null ends the operator's mode, so that the automatic mode applies again. */
    setMode(mode: OperatorMode | null, brownoutRate: number | null, reason: string, operator: string): Promise<FlowState>;
    flush(operator: string, reason: string | undefined): Promise<FlushedState>;
    /** Newest first, before the one with the id `before`. */
    listTransitions(limit: number, before?: string): Promise<FlowTransition[]>;
  };
  recogniseOperator: RecogniseOperator;
}

/** Mounted at /api/admin: the commands of operators, which every instance obeys. */
export function adminRoutes({ db, flow, recogniseOperator }: AdminDeps) {
  const app = new Hono<{ Variables: OperatorVariables }>();
  app.use(requireOperator(recogniseOperator), jsonBody);
  app.route('/', operatorRoutes(db));

  app.get('/flow', describe.getFlow, async (c) => c.json(await flow.getState()));

  app.get('/transitions', describe.listTransitions, validQuery(TransitionsQuery), async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const [before] = cursor === undefined ? [] : parsePlace(cursor, [/^\d{1,18}$/]);
    const found = await flow.listTransitions(limit + 1, before);
    const transitions = found.slice(0, limit);
    return c.json({ transitions, next: found.length > limit ? formatPlace([transitions.at(-1)?.id ?? '']) : null });
  });

  app.post('/drain', describe.drain, validBody(OperatorCommand), async (c) =>
    c.json(await flow.setMode('drain', null, c.req.valid('json').reason ?? 'drain, by the operator', c.var.operator)),
  );

  app.post('/pause', describe.pause, validBody(OperatorCommand), async (c) =>
    c.json(await flow.setMode('paused', null, c.req.valid('json').reason ?? 'pause, by the operator', c.var.operator)),
  );

  app.post('/brownout', describe.brownout, validQuery(BrownoutQuery), validBody(OperatorCommand), async (c) => {
    const { rate } = c.req.valid('query');
    return c.json(
      await flow.setMode(
        'brownout',
        rate,
        c.req.valid('json').reason ?? `brownout that keeps ${Math.round(rate * 1000) / 10} % of low priority, by the operator`,
        c.var.operator,
      ),
    );
  });

  app.post('/resume', describe.resume, validBody(OperatorCommand), async (c) =>
    c.json(await flow.setMode(null, null, c.req.valid('json').reason ?? 'resume, by the operator', c.var.operator)),
  );

  app.post('/flush', describe.flush, validBody(OperatorCommand), async (c) =>
    c.json(await flow.flush(c.var.operator, c.req.valid('json').reason)),
  );

  return app;
}
