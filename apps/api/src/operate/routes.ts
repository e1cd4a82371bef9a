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
import { requireOperator } from '../platform/auth.ts';
import { jsonBody, validBody, validQuery } from '../platform/requests.ts';
import { describe } from './openapi.ts';

export interface AdminDeps {
  flow: {
    getState(): Promise<FlowState>;
    /** Null ends the operator's mode, so that the automatic mode applies again. */
    setMode(mode: OperatorMode | null, brownoutRate: number | null, reason: string): Promise<FlowState>;
    flush(): Promise<FlushedState>;
    listTransitions(limit: number): Promise<FlowTransition[]>;
  };
  operatorToken: string;
}

/** Mounted at /api/admin: the operator's commands, which every instance obeys. */
export function adminRoutes({ flow, operatorToken }: AdminDeps): Hono {
  const app = new Hono();
  app.use(requireOperator(operatorToken), jsonBody);

  app.get('/flow', describe.getFlow, async (c) => c.json(await flow.getState()));

  app.get('/transitions', describe.listTransitions, validQuery(TransitionsQuery), async (c) =>
    c.json({ transitions: await flow.listTransitions(c.req.valid('query').limit) }),
  );

  app.post('/drain', describe.drain, validBody(OperatorCommand), async (c) =>
    c.json(await flow.setMode('drain', null, c.req.valid('json').reason ?? 'drain, by the operator')),
  );

  app.post('/pause', describe.pause, validBody(OperatorCommand), async (c) =>
    c.json(await flow.setMode('paused', null, c.req.valid('json').reason ?? 'pause, by the operator')),
  );

  app.post('/brownout', describe.brownout, validQuery(BrownoutQuery), validBody(OperatorCommand), async (c) => {
    const { rate } = c.req.valid('query');
    return c.json(
      await flow.setMode(
        'brownout',
        rate,
        c.req.valid('json').reason ?? `brownout that keeps ${Math.round(rate * 1000) / 10} % of low priority, by the operator`,
      ),
    );
  });

  app.post('/resume', describe.resume, validBody(OperatorCommand), async (c) =>
    c.json(await flow.setMode(null, null, c.req.valid('json').reason ?? 'resume, by the operator')),
  );

  app.post('/flush', describe.flush, validBody(OperatorCommand), async (c) => c.json(await flow.flush()));

  return app;
}
