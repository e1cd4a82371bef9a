import { EventDelivery, EventExport, HashedSubject } from '@tributary/shared/events.ts';
import { describeRoute } from 'hono-openapi';
import { answers, refuses, user } from '../platform/openapi-parts.ts';

/** What each route says of itself. */
export const describe = {
  hashSubject: describeRoute({
    operationId: 'hashSubject',
    tags: ['Events'],
    summary: 'Hash an identifier of a person as the pipeline does',
    description:
      'For looking their events up. Every way the value can be read; it is neither kept nor logged. For any member; one a second in the long run, so that nobody tries out whole lists of people.',
    security: user,
    responses: {
      ...answers(200, 'The hashes, under each of the org\u2019s hash keys, those of the newest first.', HashedSubject),
      ...refuses(400, 401, 404, 409, 413, 429, 503),
    },
  }),
  exportEvents: describeRoute({
    operationId: 'exportEvents',
    tags: ['Events'],
    summary: 'Ask for the events of a filter as a file',
    description:
      'Answers where the file is: one `GET` of that URL within a minute, without a token, streams it. Newest first; events that are ' +
      'stored meanwhile may be missing. In CSV (RFC 4180) a text that a spreadsheet would run as a formula begins with an apostrophe. ' +
      'A download that breaks off has failed: ask again. Three of one person at a time. Written to the audit log.',
    security: user,
    responses: { ...answers(201, 'Where it is, and until when.', EventExport), ...refuses(400, 401, 404, 413, 429, 503) },
  }),
  downloadEvents: describeRoute({
    operationId: 'downloadEvents',
    tags: ['Events'],
    summary: 'Download the events that were asked for',
    security: [],
    responses: {
      200: {
        description: 'The file, as it is read from the database.',
        content: { 'text/csv': {}, 'application/json': {}, 'application/x-ndjson': {} },
      },
      ...refuses(404, 429, 503),
    },
  }),
  eventDelivery: describeRoute({
    operationId: 'eventDelivery',
    tags: ['Events'],
    summary: 'How an event came to be',
    description: 'The delivery it was made of, what else came of that, every attempt, and whether it can be replayed now.',
    security: user,
    responses: { ...answers(200, 'The delivery.', EventDelivery), ...refuses(401, 404, 503) },
  }),
};
