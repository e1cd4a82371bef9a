import { z } from 'zod';
import { nextPage, pageQuery, pageRowsMax } from './pages.ts';
import { lines } from './texts.ts';

/** The modes that every instance obeys, in rising order. The gauge `ingest_backpressure_state` is the position in this list, from 0. */
export const modes = ['normal', 'throttled', 'brownout', 'drain', 'paused'] as const;
export const Mode = z.enum(modes);
export type Mode = z.infer<typeof Mode>;

/** The modes that instances set automatically. */
export const AutomaticMode = z.enum(['normal', 'throttled', 'brownout']);
/** The modes that an operator can set. */
export const OperatorMode = z.enum(['brownout', 'drain', 'paused']);
export type OperatorMode = z.infer<typeof OperatorMode>;

const Timestamp = z.iso.datetime({ offset: true });

export const FlowInstance = z
  .object({
    id: z.uuid(),
    startedAt: Timestamp,
    seenAt: Timestamp,
    mode: Mode.describe('The mode that the instance obeyed when it was last seen.'),
    automaticMode: AutomaticMode,
    cause: z.string(),
    bufferRecords: z.int(),
    bufferBytes: z.int(),
    oldestAgeSeconds: z.number().describe('Age of the oldest delivery that waits for its commit.'),
    inFlight: z.int().describe('Webhook requests in progress.'),
  })
  .meta({ id: 'FlowInstance' });
export type FlowInstance = z.infer<typeof FlowInstance>;

export const FlowState = z
  .object({
    mode: Mode.describe('The effective mode: the operator\u2019s when it is set, otherwise the automatic one.'),
    operatorMode: OperatorMode.nullable(),
    automaticMode: AutomaticMode.describe('The highest automatic mode of all live instances.'),
    brownoutRate: z
      .number()
      .nullable()
      .describe(
        'Share of the deliveries to low-priority connections that is kept; the others are answered 429. null when the mode is not brownout.',
      ),
    reason: z.string(),
    changedBy: z.enum(['operator', 'automatic']),
    changedAt: Timestamp,
    instances: z.array(FlowInstance).max(1_000).describe('Instances seen within the last 5 seconds.'),
    drained: z.boolean().describe('No new deliveries are accepted, and no instance holds an unwritten delivery.'),
  })
  .meta({ id: 'FlowState' });
export type FlowState = z.infer<typeof FlowState>;

export const FlushedState = FlowState.extend({
  flushed: z.boolean().describe('Every live instance has written the deliveries that it held when the flush was requested.'),
}).meta({ id: 'FlushedState' });
export type FlushedState = z.infer<typeof FlushedState>;

export const FlowTransition = z
  .object({
    id: z.string(),
    at: Timestamp,
    from: Mode,
    to: Mode,
    cause: z.string(),
    changedBy: z.enum(['operator', 'automatic']),
    instanceId: z.uuid().nullable().describe('The instance that detected the load or received the command.'),
    operator: z.string().nullish().describe('The account of the operator who gave the command.'),
  })
  .meta({ id: 'FlowTransition' });
export type FlowTransition = z.infer<typeof FlowTransition>;

export const FlowTransitions = z
  .object({ transitions: z.array(FlowTransition).max(pageRowsMax), ...nextPage })
  .meta({ id: 'FlowTransitions' });

export const ServiceStatus = z
  .object({
    mode: Mode,
    since: Timestamp,
    cause: z.enum(['operator', 'load']).nullable().describe('What set the mode: the operator or the load. null: the mode is normal.'),
    brownoutRate: z
      .number()
      .nullable()
      .describe('Share of the deliveries to low-priority connections that is kept; null when the selected orgs have no such connection.'),
  })
  .meta({ id: 'ServiceStatus' });
export type ServiceStatus = z.infer<typeof ServiceStatus>;

export const StatusQuery = z.strictObject({ orgId: z.guid().optional().describe('All orgs of the caller when left out.') });

/** The optional body of every operator command. */
export const OperatorCommand = z
  .strictObject({
    reason: lines(z.string().trim().min(1).max(500)).optional().describe('The reason is recorded with the change of the mode.'),
  })
  .meta({ id: 'OperatorCommand' });

export const BrownoutQuery = z.strictObject({
  rate: z.coerce
    .number()
    .gt(0)
    .max(1)
    .default(0.5)
    .describe('Share of the deliveries to low-priority connections that is kept. The others are answered 429.'),
});

export const TransitionsQuery = z.strictObject(pageQuery());
