import { z } from 'zod';

// POST /api/events/import: stores events of an NDJSON export again, in this org or another.

const Text = z.string().min(1).max(255);
const Time = z.iso.datetime({ offset: true });
const Hash = z.string().regex(/^[0-9a-f]{64}$/);

/** The most events of one request, and the most bytes of its body. */
export const importEventsMax = 500;
export const importBytesMax = 524_288;

/** An event as an export has it. Columns of the export that are not named here are left out. */
export const ImportedEvent = z
  .object({
    id: z.guid(),
    org_id: z.guid(),
    type: z.string().min(1).max(200),
    source_type: z.string().min(1).max(40),
    source_event_type: Text,
    source_event_id: Text.nullish(),
    event_time: Time,
    received_at: Time,
    idempotency_key: Text,
    subject: z
      .object({ hash_version: z.int().positive(), email: Hash, phone: Hash, document: Hash, external_id: Hash })
      .partial()
      .default({})
      .describe('Kept only for events of the same org: the hashes are made with the key of an org.'),
    amount_minor: z
      .string()
      .regex(/^-?\d{1,18}$/)
      .nullish(),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/)
      .nullish(),
    order_ref: Text.nullish(),
    attribution: z.record(z.string().max(100), z.string().max(500)).default({}),
    properties: z.record(z.string().max(200), z.unknown()).default({}),
    is_test: z.boolean().default(false),
    journal_id: z.guid(),
    schema_version: z.int().positive(),
    erased_at: Time.nullish().describe('An event that was emptied by an erasure is stored as empty as it is in the file.'),
  })
  .meta({ id: 'ImportedEvent' });
export type ImportedEvent = z.output<typeof ImportedEvent>;

export const ImportEvents = z
  .strictObject({
    connectionId: z.guid().describe('The connection that the events will belong to. Its source must be that of the events.'),
    events: z.array(ImportedEvent).min(1).max(importEventsMax),
  })
  .meta({ id: 'ImportEvents' });
export type ImportEvents = z.input<typeof ImportEvents>;

export const EventsImported = z
  .object({
    stored: z.int().describe('Events whose idempotency key the connection did not have.'),
    restored: z
      .int()
      .describe('Events whose key was known and whose row was gone, for example by retention. They have their former ids again.'),
    duplicates: z.int().describe('Events that are stored already. They were not changed.'),
  })
  .meta({ id: 'EventsImported' });
export type EventsImported = z.infer<typeof EventsImported>;
