import { z } from 'zod';

// Every limit of what people may ask of the API, in one table. Each has a variable; .env.example explains them.

const count = (fallback: number) => z.coerce.number().int().positive().default(fallback);

export const limitVariables = {
  /** Requests of one person: tokens a second, and the most that collect. A usual request costs one token: see `requestCosts`. */
  API_USER_PER_SECOND: count(20),
  API_USER_BURST: count(300),
  /** Requests of all people of one org. */
  API_ORG_PER_SECOND: count(60),
  API_ORG_BURST: count(900),
  /** Requests of people whose answers have not been made or not been read yet. */
  API_OPEN: count(150),
  API_OPEN_PER_ORG: count(60),
  API_OPEN_PER_USER: count(30),
  /** Transactions of people that run at a time, of all orgs together, of one org and of one person. */
  PEOPLE_CONNECTIONS: count(10),
  PEOPLE_CONNECTIONS_PER_ORG: count(5),
  PEOPLE_CONNECTIONS_PER_USER: count(3),
  /** Transactions of people that wait for their turn, and how long one waits. */
  PEOPLE_WAITING: count(1_000),
  PEOPLE_WAITING_PER_ORG: count(200),
  PEOPLE_WAITING_PER_USER: count(100),
  PEOPLE_WAIT_MS: count(10_000),
  /** Exports that are being downloaded, and when a download ends that is not read or takes too long. */
  DOWNLOADS_MAX: count(8),
  DOWNLOADS_PER_ORG: count(4),
  DOWNLOADS_PER_USER: count(3),
  DOWNLOAD_STALL_SECONDS: count(60),
  DOWNLOAD_SECONDS_MAX: count(3_600),
  /** Answers that their clients do not read: how long one is kept, and how many bytes all of them may take. */
  ANSWER_STALL_SECONDS: count(30),
  UNREAD_BYTES_MAX: count(67_108_864),
};

export type Limits = ReturnType<typeof toLimits>;

export function toLimits(e: z.infer<z.ZodObject<typeof limitVariables>>) {
  return {
    requests: {
      user: { perSecond: e.API_USER_PER_SECOND, burst: e.API_USER_BURST },
      org: { perSecond: e.API_ORG_PER_SECOND, burst: e.API_ORG_BURST },
      open: { all: e.API_OPEN, org: e.API_OPEN_PER_ORG, user: e.API_OPEN_PER_USER },
    },
    turns: {
      running: { all: e.PEOPLE_CONNECTIONS, org: e.PEOPLE_CONNECTIONS_PER_ORG, member: e.PEOPLE_CONNECTIONS_PER_USER },
      waiting: { all: e.PEOPLE_WAITING, org: e.PEOPLE_WAITING_PER_ORG, member: e.PEOPLE_WAITING_PER_USER },
      waitMs: e.PEOPLE_WAIT_MS,
    },
    downloads: {
      most: { all: e.DOWNLOADS_MAX, org: e.DOWNLOADS_PER_ORG, user: e.DOWNLOADS_PER_USER },
      stallMs: e.DOWNLOAD_STALL_SECONDS * 1_000,
      totalMs: e.DOWNLOAD_SECONDS_MAX * 1_000,
    },
    answers: { stallMs: e.ANSWER_STALL_SECONDS * 1_000, unreadBytesMax: e.UNREAD_BYTES_MAX },
  };
}

/**
 * What a request costs in tokens, by method and route; one where it is not listed. A request costs more when it reads many rows, opens sealed
 * bodies, tries guesses, or makes another server work.
 */
export const requestCosts: Readonly<Record<string, number>> = {
  'GET /api/dlq/summary': 3,
  'GET /api/dlq/analyze': 10,
  'GET /api/dlq/sample': 5,
  'POST /api/dlq/redrive': 10,
  'POST /api/dlq/discard': 5,
  'POST /api/dlq/purge': 5,
  'POST /api/dlq/reverify': 10,
  'GET /api/events/:id/delivery': 2,
  'POST /api/events/export': 20,
  'POST /api/events/import': 10,
  'POST /api/events/subject-hash': 3,
  'GET /api/audit': 3,
  'GET /api/audit/verify': 5,
  'POST /api/audit/export': 20,
  'POST /api/approvals/:id/approve': 10,
  'GET /api/connections/:id/fields': 5,
  'POST /api/connections': 5,
  'POST /api/connections/:id/secret': 5,
  'POST /api/connections/:id/test': 10,
  'POST /api/alerts/channels': 5,
  'POST /api/alerts/channels/:id/test': 10,
  'POST /api/erasures': 20,
  'POST /api/invites': 5,
  'POST /api/orgs/:id/keys/rotate': 20,
  'POST /api/replay/:id': 5,
  'POST /api/replays': 5,
  'POST /api/replays/:id/approve': 5,
  'POST /api/replays/:id/run': 5,
};
