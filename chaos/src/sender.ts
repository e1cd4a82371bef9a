import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Secret } from '@tributary/pipeline/source.ts';
import { type Answer, createClient } from './client.ts';
import type { ClientJournal } from './journal.ts';
import { type ProofConnection, signed } from './seed.ts';

/** What a sender observed, in addition to its journal. */
export interface SenderFigures {
  requests: number;
  acked: number;
  duplicates: number;
  rejected: number;
  /** Requests that were sent and not answered. */
  unknown: number;
  /** Connections that could not be made: nothing was sent. */
  refused: number;
  unavailable: number;
  /** The slowest answer of all answered requests. */
  slowestAnswerMs: number;
  /** For each delivery, the time until it was acknowledged. */
  latenciesMs: number[];
  /** Unexpected answers and outcomes, which no promise allows. */
  surprises: string[];
  lastAckAt: number;
}

export interface SenderOptions {
  url: string;
  journal: ClientJournal;
  random: () => number;
  sockets: number;
  /** How long one delivery is retried before the sender reports it as a surprise. */
  timeoutMs?: number;
  /** The time in the bodies, which must be that of the first sender where deliveries are sent again by another one. */
  bodiesAtMs?: number;
}

interface Sent {
  key: string;
  connection: ProofConnection;
  eventId: string;
}

interface DeliverOptions {
  /** The event id of an earlier acknowledgement: the answer must be `duplicate` with the same id. */
  stored?: string;
  secrets?: readonly Secret[];
  /** When the delivery was due, so that its latency includes the time it waited to be sent. */
  dueAt?: number;
}

export interface Sender {
  figures: SenderFigures;
  /** Every delivery that was acknowledged as new. */
  acked: Sent[];
  /** Sends a delivery under `key` until it is acknowledged or rejected. */
  deliver(connection: ProofConnection, key: string, options?: DeliverOptions): Promise<void>;
  close(): void;
}

/** The exact bytes sent under a key: the same on every attempt, and formatted so that parsing and serialising them would change them. */
export function bodyOf(connection: ProofConnection, key: string, nowMs: number): string {
  if (connection.source.type === 'webhook') {
    return `{ "id" : "${key}", "type":"order.paid",\t"created_at": ${nowMs}, "total": 1e2, "big": 12345678901234567890, "twice": 1, "twice": 2, "note": "S\\u00e3o – 東京 🚀" }\r\n`;
  }
  const sample = connection.source.samples[0];
  if (!sample) throw new Error(`${connection.source.type} has no sample`);
  return `${sample.body({ id: key, nowMs })}\n`;
}

export const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Sends deliveries as a patient platform does: a delivery is sent again under the same key until it is acknowledged or rejected. */
export function createSender({ url, journal, random, sockets, timeoutMs = 60_000, bodiesAtMs = Date.now() }: SenderOptions): Sender {
  const client = createClient(sockets);
  const acked: Sent[] = [];
  const figures: SenderFigures = {
    requests: 0,
    acked: 0,
    duplicates: 0,
    rejected: 0,
    unknown: 0,
    refused: 0,
    unavailable: 0,
    slowestAnswerMs: 0,
    latenciesMs: [],
    surprises: [],
    lastAckAt: 0,
  };

  async function deliver(connection: ProofConnection, key: string, { stored, secrets, dueAt = performance.now() }: DeliverOptions = {}) {
    const body = bodyOf(connection, key, bodiesAtMs);
    if (stored === undefined) await journal.note({ what: 'attempted', key, connectionId: connection.id, sha256: sha256(body) });
    const deadline = Date.now() + timeoutMs;
    let last = '';
    while (Date.now() < deadline) {
      const { headers } = signed(connection, body, secrets);
      figures.requests++;
      const sentAt = performance.now();
      const answer = await client.post(url + connection.path, headers, body);
      if (answer.kind === 'answered') figures.slowestAnswerMs = Math.max(figures.slowestAnswerMs, performance.now() - sentAt);
      if (answer.kind === 'answered' && answer.status === 200) {
        figures.latenciesMs.push(performance.now() - dueAt);
        return acknowledge(connection, key, answer.body, stored);
      }
      if (answer.kind === 'answered' && answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
        figures.rejected++;
        if (answer.status !== 401 || secrets === undefined) figures.surprises.push(`${answer.status} to a delivery: ${answer.body}`);
        return journal.note({ what: 'rejected', key, status: answer.status });
      }
      last = countUnknown(answer);
      await journal.note({ what: 'unknown', key, code: last });
      await sleep(20 + random() * 180);
    }
    figures.surprises.push(`the delivery ${key} was neither acknowledged nor rejected within ${timeoutMs} ms, the last time for ${last}`);
  }

  async function acknowledge(connection: ProofConnection, key: string, text: string, stored: string | undefined): Promise<void> {
    const answer = JSON.parse(text) as { records: { status: string; eventId?: string }[] };
    const { status, eventId } = answer.records[0] ?? {};
    if (answer.records.length !== 1 || eventId === undefined || (status !== 'accepted' && status !== 'duplicate')) {
      figures.surprises.push(`200 with an outcome that was not asked for: ${text}`);
      return;
    }
    if (stored !== undefined && (stored !== eventId || status !== 'duplicate')) {
      figures.surprises.push(`the repeat of event ${stored} was answered ${text}`);
    }
    await journal.note({ what: 'acked', key, eventId, status });
    figures.acked++;
    figures.lastAckAt = performance.now();
    if (status === 'duplicate') figures.duplicates++;
    else acked.push({ key, connection, eventId });
  }

  function countUnknown(answer: Answer): string {
    if (answer.kind === 'refused') {
      figures.refused++;
      return 'ECONNREFUSED';
    }
    if (answer.kind === 'unknown') {
      figures.unknown++;
      return answer.code;
    }
    figures.unavailable++;
    if (answer.status !== 503 && answer.status !== 429) figures.surprises.push(`${answer.status} to a delivery: ${answer.body}`);
    else if (answer.retryAfter === undefined) figures.surprises.push(`${answer.status} without Retry-After`);
    return `HTTP ${answer.status} ${(JSON.parse(answer.body) as { code?: string }).code}`;
  }

  return { figures, acked, deliver, close: () => client.close() };
}
