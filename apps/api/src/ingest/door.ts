import type { Logger } from 'pino';
import type { Config } from '../platform/config.ts';
import { createRequestLog, type RequestLog } from '../platform/request-log.ts';
import { type AnsweredDeliveries, createAnsweredDeliveries } from './answered.ts';
import type { ReceiveDeps } from './receive.ts';

/** What the two ways of a delivery into the process share: listener.ts and routes.ts. */
export interface Door extends ReceiveDeps {
  requestLog: RequestLog;
  answered: AnsweredDeliveries;
}

type Given = Omit<ReceiveDeps, 'limits' | 'publicUrl' | 'trustedProxies'>;

export function createDoor(given: Given & { config: Config; log: Logger }): Door {
  const { config, log, ...deps } = given;
  const requestLog = createRequestLog({ metrics: deps.metrics, log });
  return {
    ...deps,
    limits: config.limits,
    publicUrl: config.http.publicUrl,
    trustedProxies: config.http.trustedProxies,
    requestLog,
    answered: createAnsweredDeliveries({ metrics: deps.metrics, log, requestLog, logsEach: config.logsEachDelivery }),
  };
}
