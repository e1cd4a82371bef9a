import { z } from 'zod';

/** The mode that every instance obeys, in rising order: the gauge `ingest_backpressure_state` counts from 0. */
export const modes = ['normal', 'throttled', 'brownout', 'drain', 'paused'] as const;
export const Mode = z.enum(modes);
export type Mode = z.infer<typeof Mode>;

/** What instances find by themselves. */
export const AutomaticMode = z.enum(['normal', 'throttled', 'brownout']);
/** What the operator demands. */
export const OperatorMode = z.enum(['brownout', 'drain', 'paused']);
export type OperatorMode = z.infer<typeof OperatorMode>;

const Timestamp = z.iso.datetime({ offset: true });

export const FlowInstance = z
  .object({
    id: z.uuid(),
    startedAt: Timestamp,
    seenAt: Timestamp,
    mode: Mode.describe('What it obeyed when it was last seen.'),
    automaticMode: AutomaticMode,
    cause: z.string(),
    bufferRecords: z.int(),
    bufferBytes: z.int(),
    oldestAgeSeconds: z.number().describe('Of the oldest delivery that waits for its commit.'),
    inFlight: z.int().describe('Webhook requests being worked on.'),
  })
  .meta({ id: 'FlowInstance' });
export type FlowInstance = z.infer<typeof FlowInstance>;

export const FlowState = z
  .object({
    mode: Mode.describe('The one that is obeyed: the operator\u2019s, or else the automatic one.'),
    operatorMode: OperatorMode.nullable(),
    automaticMode: AutomaticMode.describe('The highest of the live instances.'),
    brownoutRate: z
      .number()
      .nullable()
      .describe('Share of the deliveries to low-priority connections that is shed; null outside a brownout.'),
    reason: z.string(),
    changedBy: z.enum(['operator', 'automatic']),
    changedAt: Timestamp,
    instances: z.array(FlowInstance).describe('Those seen within the last 5 seconds.'),
    drained: z.boolean().describe('Nothing new is taken, and no instance holds anything any more.'),
  })
  .meta({ id: 'FlowState' });
export type FlowState = z.infer<typeof FlowState>;

export const FlushedState = FlowState.extend({
  flushed: z.boolean().describe('Every live instance has written what it held when this was asked for.'),
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
    instanceId: z.uuid().nullable().describe('The instance that saw the pressure, or took the command.'),
  })
  .meta({ id: 'FlowTransition' });
export type FlowTransition = z.infer<typeof FlowTransition>;

export const FlowTransitions = z.object({ transitions: z.array(FlowTransition) }).meta({ id: 'FlowTransitions' });

export const ServiceStatus = z
  .object({
    mode: Mode,
    since: Timestamp,
    cause: z.enum(['operator', 'load']).nullable().describe('Who set it: the operator, or the load by itself. null: the mode is normal.'),
    brownoutRate: z
      .number()
      .nullable()
      .describe('Share of the deliveries to low-priority connections that is put off; null where no connection asked about is one.'),
  })
  .meta({ id: 'ServiceStatus' });
export type ServiceStatus = z.infer<typeof ServiceStatus>;

export const StatusQuery = z.strictObject({ orgId: z.guid().optional().describe('Every org of the caller when left out.') });

/** The body of every operator command; it may be left out. */
export const OperatorCommand = z
  .strictObject({ reason: z.string().trim().min(1).max(500).optional().describe('Written down with the change.') })
  .meta({ id: 'OperatorCommand' });

export const BrownoutQuery = z.strictObject({
  rate: z.coerce.number().gt(0).max(1).default(0.5).describe('Share of the deliveries to low-priority connections to shed.'),
});

export const TransitionsQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50) });
