import { randomUUID } from 'node:crypto';
import { keysOf } from '@tributary/pipeline/proofs/secrets.ts';
import { signStandardWebhook } from '@tributary/pipeline/proofs/standard-webhooks.ts';
import type { AlertChannelType } from '@tributary/shared/alerts.ts';
import { LRUCache } from 'lru-cache';
import { createTransport } from 'nodemailer';
import type { Breaker, CircuitState, Circuits } from '../platform/breaker.ts';
import { type Outbound, OutboundRefused } from '../platform/outbound.ts';
import type { Destination } from './destination.ts';
import { type AlertMessage, mailOf, pagerDutyEvent, slackBody, webhookBody } from './messages.ts';

/** What a receiver made of a message. */
interface Delivered {
  ok: boolean;
  /** HTTP status; null where it answered nothing, or speaks no HTTP. */
  status: number | null;
  /** The beginning of its answer, or why there is none. */
  answer: string;
  /** Sending the same again cannot help. */
  isFinal: boolean;
  /** What the receiver asked for by Retry-After. */
  retryAfterSeconds: number | undefined;
}

export interface Notifier {
  /** Whether this server can send e-mail. */
  sendsMail: boolean;
  /** Throws CircuitOpenError, without sending, while the channel's receiver is left alone. Never throws otherwise. */
  deliver(channelId: string, destination: Destination, message: AlertMessage): Promise<Delivered>;
  /** One attempt past the circuit: a person waits for what the receiver says now. */
  deliverTest(destination: Destination, message: AlertMessage): Promise<Delivered>;
  /** Of this process. */
  circuitOf(channelId: string): CircuitState;
  close(): void;
}

export interface NotifierOptions {
  outbound: Outbound;
  circuits: Circuits;
  /** smtp:// or smtps://, with user and password where the relay asks for them. Undefined: no e-mail is sent. */
  smtp: { url: string; from: string } | undefined;
  pagerDutyUrl: string;
  /** The database's clock, by which webhooks are signed. */
  now(): number;
}

/** The beginning of what a receiver said, as Postgres takes text: without NUL, and with no half of a character at its end. */
function excerpt(text: string): string {
  return text.replaceAll('\0', '').trim().slice(0, 300).toWellFormed();
}

/** A failure that says the receiver is in trouble, as the circuit counts it. */
class Trouble extends Error {
  readonly delivered: Delivered;
  constructor(delivered: Delivered) {
    super(delivered.answer);
    this.delivered = delivered;
  }
}

/** Speaks to Slack, PagerDuty, webhooks and mail servers, each channel behind a circuit of its own. */
export function createNotifier({ outbound, circuits, smtp, pagerDutyUrl, now }: NotifierOptions): Notifier {
  const mail =
    smtp &&
    createTransport({
      url: smtp.url,
      connectionTimeout: 5_000,
      greetingTimeout: 5_000,
      socketTimeout: 10_000,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  const breakers = new LRUCache<string, Breaker>({ max: 2_000, dispose: (breaker) => breaker.dispose() });

  function breakerOf(channelId: string, type: AlertChannelType): Breaker {
    let breaker = breakers.get(channelId);
    if (!breaker) {
      breaker = circuits.createBreaker(`alert channel ${channelId}`, { sink: `alert_${type}`, failuresMax: 3 });
      breakers.set(channelId, breaker);
    }
    return breaker;
  }

  async function send(destination: Destination, message: AlertMessage): Promise<Delivered> {
    try {
      switch (destination.type) {
        case 'slack':
          return await post(destination.url, JSON.stringify(slackBody(message)));
        case 'pagerduty':
          return await post(pagerDutyUrl, JSON.stringify(pagerDutyEvent(message, destination.routingKey)));
        case 'webhook': {
          const body = JSON.stringify(webhookBody(message));
          return await post(destination.url, body, signatureHeaders(destination.secret, `msg_${message.id}`, body, now()));
        }
        case 'email':
          return await sendMail(destination.recipients, message);
      }
    } catch (error) {
      const isRefused = error instanceof OutboundRefused;
      // 550 to 559: the mailbox, not the relay.
      const mailbox = Number((error as { responseCode?: unknown }).responseCode);
      return {
        ok: false,
        status: null,
        answer: isRefused ? error.message : describeError(error),
        isFinal: isRefused || (mailbox >= 550 && mailbox < 560),
        retryAfterSeconds: undefined,
      };
    }
  }

  async function post(url: string, body: string, headers: Record<string, string> = {}): Promise<Delivered> {
    const {
      status,
      text,
      headers: answered,
    } = await outbound.request(url, { headers: { 'content-type': 'application/json', ...headers }, body });
    const isRedirect = status >= 300 && status < 400;
    return {
      ok: status >= 200 && status < 300,
      status,
      answer: isRedirect ? 'it redirects, which is not followed: enter the address it leads to' : excerpt(text),
      isFinal: isRedirect || (status >= 400 && status < 500 && ![408, 409, 425, 429].includes(status)),
      retryAfterSeconds: /^\d{1,5}$/.test(String(answered['retry-after'])) ? Number(answered['retry-after']) : undefined,
    };
  }

  async function sendMail(recipients: readonly string[], message: AlertMessage): Promise<Delivered> {
    if (!mail || !smtp)
      return { ok: false, status: null, answer: 'this server sends no e-mail', isFinal: true, retryAfterSeconds: undefined };
    // Each recipient is an address and nothing else: no display name, no list of them in one text.
    const sent = await mail.sendMail({ ...mailOf(message), from: smtp.from, to: recipients.map((address) => ({ name: '', address })) });
    return { ok: true, status: null, answer: excerpt(sent.response), isFinal: false, retryAfterSeconds: undefined };
  }

  return {
    sendsMail: mail !== undefined,
    async deliver(channelId, destination, message) {
      try {
        return await breakerOf(channelId, destination.type).run(async () => {
          const delivered = await send(destination, message);
          // A receiver that says no is well; a redirect, too.
          if (!delivered.ok && !delivered.isFinal) throw new Trouble(delivered);
          return delivered;
        });
      } catch (error) {
        if (error instanceof Trouble) return error.delivered;
        throw error;
      }
    },
    async deliverTest(destination, message) {
      const delivered = await send(destination, message);
      // PagerDuty opens an incident for the test: it is closed at once.
      if (destination.type === 'pagerduty' && delivered.ok) await send(destination, { ...message, kind: 'resolved' });
      return delivered;
    },
    circuitOf: (channelId) => breakers.peek(channelId)?.state() ?? 'closed',
    close() {
      breakers.clear();
      mail?.close();
    },
  };
}

/** By Standard Webhooks 1.0. */
function signatureHeaders(secret: string, id: string, body: string, nowMs: number): Record<string, string> {
  const [key] = keysOf([secret], 'whsec');
  if (!key) throw new Error('the signing secret cannot be used');
  return signStandardWebhook(key, id, body, nowMs);
}

/** What went wrong on the way, for the person who set the channel up: codes, never an address of ours. */
function describeError(error: unknown): string {
  const { code, responseCode, response } = error as { code?: unknown; responseCode?: unknown; response?: unknown };
  if (typeof responseCode === 'number' && typeof response === 'string') return excerpt(response);
  const known: Record<string, string> = {
    ECONNREFUSED: 'nobody listens there',
    ECONNRESET: 'the connection was cut',
    UND_ERR_SOCKET: 'the connection was cut',
    ENOTFOUND: 'there is no such host',
    EAI_AGAIN: 'the host could not be looked up',
    UND_ERR_CONNECT_TIMEOUT: 'it could not be reached in time',
    ETIMEDOUT: 'it could not be reached in time',
    UND_ERR_HEADERS_TIMEOUT: 'it did not answer in time',
    UND_ERR_BODY_TIMEOUT: 'it did not answer in time',
  };
  if (typeof code === 'string') return known[code] ?? `it failed (${code})`;
  return error instanceof Error && error.name === 'TimeoutError' ? 'it did not answer in time' : 'it failed';
}

/** A message that is about nothing, for `send test`. */
export function testMessage(org: { id: string; name: string }, nowMs: number): AlertMessage {
  return {
    id: randomUUID(),
    kind: 'test',
    level: 'info',
    message: 'This is a test: alerts of your connections will arrive here.',
    createdAt: new Date(nowMs).toISOString(),
    orgId: org.id,
    orgName: org.name,
    actor: undefined,
    incident: undefined,
  };
}
