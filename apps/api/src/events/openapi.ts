import { EventsImported } from '@tributary/shared/event-import.ts';
import { EventDelivery, EventExport, HashedSubject } from '@tributary/shared/events.ts';
import { describeRoute } from 'hono-openapi';
import { answers, refuses, user } from '../platform/openapi-parts.ts';

/** The OpenAPI description of each route. */
export const describe = {
  hashSubject: describeRoute({
    operationId: 'hashSubject',
    tags: ['Events'],
    summary: 'Hash an identifier of a person as the pipeline does',
    description:
      'For finding the events of a person. The answer has a hash for every kind of identifier that the value can be read as. The value is neither stored nor logged. Every member may ask, at most once a second on average, so that nobody can try whole lists of people.',
    security: user,
    responses: {
      ...answers(200, 'The hashes, under each of the org\u2019s hash keys, those of the newest first.', HashedSubject),
      ...refuses(400, 401, 404, 409, 413, 429, 503),
    },
  }),
  exportEvents: describeRoute({
    operationId: 'exportEvents',
    tags: ['Events'],
    summary: 'Export the events of a filter as a file',
    description:
      'Answers with the URL of the file. A `GET` of this URL within a minute streams the file, without an access token. Events are listed ' +
      'newest first; events that are stored during the download may be missing. In CSV (RFC 4180) a text that a spreadsheet would run as a ' +
      'formula gets an apostrophe in front of it, and within a JSON column an escape. A download that breaks off has failed: request a new one. ' +
      'A person may have three downloads at a time, an org four and the server eight. A download is broken off when nothing of it is read for ' +
      'a minute, or after an hour. Exports are written to the audit log.',
    security: user,
    responses: { ...answers(201, 'The URL of the file, and its expiry.', EventExport), ...refuses(400, 401, 404, 413, 429, 503) },
  }),
  downloadEvents: describeRoute({
    operationId: 'downloadEvents',
    tags: ['Events'],
    summary: 'Download an export of events',
    security: [],
    responses: {
      200: {
        description: 'The file, streamed while it is read from the database.',
        content: { 'text/csv': {}, 'application/json': {}, 'application/x-ndjson': {} },
      },
      ...refuses(404, 429, 503),
    },
  }),
  importEvents: describeRoute({
    operationId: 'importEvents',
    tags: ['Events'],
    summary: 'Store exported events again',
    description:
      'For owners and admins. Takes lines of an export in the format `ndjson`, of this org or another. Each event keeps its idempotency key: an ' +
      'event that is stored already is left as it is, an event whose row is gone is stored again under its former id, and a record that its ' +
      'platform sends again later is a duplicate. Hashes of people are kept only for events of the same org. Imports are written to the audit log.',
    security: user,
    responses: { ...answers(200, 'How many events were stored.', EventsImported), ...refuses(400, 401, 403, 404, 413, 429, 503) },
  }),
  eventDelivery: describeRoute({
    operationId: 'eventDelivery',
    tags: ['Events'],
    summary: 'Read the delivery that an event came from',
    description: 'The delivery with all its events and dead letters, every replay of it, and whether it can be replayed now.',
    security: user,
    responses: { ...answers(200, 'The delivery.', EventDelivery), ...refuses(401, 404, 503) },
  }),
};
