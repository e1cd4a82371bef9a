import { randomUUID } from 'node:crypto';
import { keysOf } from '@tributary/pipeline/proofs/secrets.ts';
import { signStandardWebhook } from '@tributary/pipeline/proofs/standard-webhooks.ts';
import type { AlertChannelType } from '@tributary/shared/alerts.ts';
import { LRUCache } from 'lru-cache';
import type { Breaker, CircuitState, Circuits } from '../platform/breaker.ts';
import { type Outbound, OutboundRefused } from '../platform/outbound.ts';
import type { Destination } from './destination.ts';
import { confirmationMail, createMailer, type Mail, type Mailer, mailOf } from './mail.ts';
import { type AlertMessage, pagerDutyEvent, slackBody, webhookBody } from './messages.ts';

/** The outcome of sending one message. */
export interface Delivered {
  ok: boolean;
  /** HTTP status; null when the receiver did not answer, or does not speak HTTP. */
  status: number | null;
  /** The beginning of the receiver's answer, or the reason why there is no answer. */
  answer: string;
  /** Sending the same message again cannot succeed. */
  isFinal: boolean;
  /** The wait that the receiver asked for by Retry-After. */
  retryAfterSeconds: number | undefined;
}

/** Where one message goes. A mail goes to one recipient, who can stop it by a link. */
type Receiver = Exclude<Destination, { type: 'email' }> | { type: 'email'; recipient: string; stopUrl: string };

export interface Notifier {
  /** Whether this server can send e-mail. */
  sendsMail: boolean;
  /** Throws CircuitOpenError, without sending, while the channel's circuit is open. Throws no other error. */
  deliver(channelId: string, receiver: Receiver, message: AlertMessage): Promise<Delivered>;
  /** Sends once, also while the circuit is open: a person is waiting for the receiver's answer. */
  deliverTest(receiver: Receiver, message: AlertMessage): Promise<Delivered>;
  /** Asks the owner of an address to confirm it. Throws no error. */
  askToConfirm(address: string, orgName: string, confirmUrl: string): Promise<Delivered>;
  /** The state of the channel's circuit in this process. */
  circuitOf(channelId: string): CircuitState;
  close(): void;
}

export interface NotifierOptions {
  outbound: Outbound;
  circuits: Circuits;
  /** smtp:// or smtps://, with user and password where the relay needs them. Undefined when this server sends no e-mail. */
  smtp: { url: string; from: string } | undefined;
  pagerDutyUrl: string;
  /** The database's clock, by which webhooks are signed. */
  now(): number;
}

/** The beginning of a receiver's answer in a form that Postgres accepts: without NUL, and without half of a surrogate pair at its end. */
function excerpt(text: string): string {
  return text.replaceAll('\0', '').trim().slice(0, 300).toWellFormed();
}

/** A failure of the receiver that the circuit counts. */
class ReceiverFailed extends Error {
  readonly delivered: Delivered;
  constructor(delivered: Delivered) {
    super(delivered.answer);
    this.delivered = delivered;
  }
}

/** Sends to Slack, PagerDuty, webhooks and mail servers. Each channel has its own circuit breaker. */
export function createNotifier(options: NotifierOptions): Notifier {
  const { circuits, smtp } = options;
  const mail = smtp && createMailer(smtp);
  const send = createSender({ ...options, mail });
  const breakers = new LRUCache<string, Breaker>({ max: 2_000, dispose: (breaker) => breaker.dispose() });

  function breakerOf(channelId: string, type: AlertChannelType): Breaker {
    let breaker = breakers.get(channelId);
    if (!breaker) {
      breaker = circuits.createBreaker(`alert channel ${channelId}`, { sink: `alert_${type}`, failuresMax: 3 });
      breakers.set(channelId, breaker);
    }
    return breaker;
  }

  return {
    sendsMail: mail !== undefined,
    async deliver(channelId, receiver, message) {
      try {
        return await breakerOf(channelId, receiver.type).run(async () => {
          const delivered = await send(receiver, message);
          // A receiver that refuses a message or redirects is working, so that the circuit does not count this as a failure.
          if (!delivered.ok && !delivered.isFinal) throw new ReceiverFailed(delivered);
          return delivered;
        });
      } catch (error) {
        if (error instanceof ReceiverFailed) return error.delivered;
        throw error;
      }
    },
    async deliverTest(receiver, message) {
      const delivered = await send(receiver, message);
      // PagerDuty opens an incident for the test, which this closes at once.
      if (receiver.type === 'pagerduty' && delivered.ok) await send(receiver, { ...message, kind: 'resolved' });
      return delivered;
    },
    askToConfirm: (address, orgName, confirmUrl) => answerOrFailure(() => sendMail(mail, address, confirmationMail(orgName, confirmUrl))),
    circuitOf: (channelId) => breakers.peek(channelId)?.state() ?? 'closed',
    close() {
      breakers.clear();
      mail?.close();
    },
  };
}

type SenderDeps = Pick<NotifierOptions, 'outbound' | 'pagerDutyUrl' | 'now'> & { mail: Mailer | undefined };

/** Sends one message in the format of its receiver. It returns failures, and never throws. */
function createSender({ outbound, mail, pagerDutyUrl, now }: SenderDeps) {
  async function post(url: string, body: string, headers: Record<string, string> = {}): Promise<Delivered> {
    const response = await outbound.request(url, { headers: { 'content-type': 'application/json', ...headers }, body });
    const { status } = response;
    const isRedirect = status >= 300 && status < 400;
    const retryAfter = String(response.headers['retry-after']);
    return {
      ok: status >= 200 && status < 300,
      status,
      answer: isRedirect
        ? 'the receiver redirects, and redirects are not followed: enter the address that it redirects to'
        : excerpt(response.text),
      isFinal: isRedirect || (status >= 400 && status < 500 && ![408, 409, 425, 429].includes(status)),
      retryAfterSeconds: /^\d{1,5}$/.test(retryAfter) ? Number(retryAfter) : undefined,
    };
  }

  function sendOrThrow(receiver: Receiver, message: AlertMessage): Promise<Delivered> {
    switch (receiver.type) {
      case 'slack':
        return post(receiver.url, JSON.stringify(slackBody(message)));
      case 'pagerduty':
        return post(pagerDutyUrl, JSON.stringify(pagerDutyEvent(message, receiver.routingKey)));
      case 'webhook': {
        const body = JSON.stringify(webhookBody(message));
        return post(receiver.url, body, signatureHeaders(receiver.secret, `msg_${message.id}`, body, now()));
      }
      case 'email':
        return sendMail(mail, receiver.recipient, mailOf(message, receiver.stopUrl));
    }
  }

  return (receiver: Receiver, message: AlertMessage): Promise<Delivered> => answerOrFailure(() => sendOrThrow(receiver, message));
}

async function sendMail(mailer: Mailer | undefined, to: string, mail: Mail): Promise<Delivered> {
  if (!mailer) return unsent('this server sends no e-mail', true);
  return { ok: true, status: null, answer: excerpt(await mailer.send(to, mail)), isFinal: false, retryAfterSeconds: undefined };
}

async function answerOrFailure(send: () => Promise<Delivered>): Promise<Delivered> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof OutboundRefused) return unsent(error.message, true);
    // SMTP codes 550 to 559 are about the mailbox, not about the relay.
    const smtpCode = Number((error as { responseCode?: unknown }).responseCode);
    return unsent(describeError(error), smtpCode >= 550 && smtpCode < 560);
  }
}

function unsent(answer: string, isFinal: boolean): Delivered {
  return { ok: false, status: null, answer, isFinal, retryAfterSeconds: undefined };
}

/** The headers that sign a body by Standard Webhooks 1.0. */
function signatureHeaders(secret: string, id: string, body: string, nowMs: number): Record<string, string> {
  const [key] = keysOf([secret], 'whsec');
  if (!key) throw new Error('the signing secret cannot be used');
  return signStandardWebhook(key, id, body, nowMs);
}

/** Explains a failed send to the person who set the channel up. It contains codes only, never an address of this server. */
function describeError(error: unknown): string {
  const { code, responseCode, response } = error as { code?: unknown; responseCode?: unknown; response?: unknown };
  if (typeof responseCode === 'number' && typeof response === 'string') return excerpt(response);
  const known: Record<string, string> = {
    ECONNREFUSED: 'the connection was refused',
    ECONNRESET: 'the connection was cut',
    UND_ERR_SOCKET: 'the connection was cut',
    ENOTFOUND: 'there is no such host',
    EAI_AGAIN: 'the host name could not be resolved',
    UND_ERR_CONNECT_TIMEOUT: 'the receiver could not be reached in time',
    ETIMEDOUT: 'the receiver could not be reached in time',
    UND_ERR_HEADERS_TIMEOUT: 'the receiver did not answer in time',
    UND_ERR_BODY_TIMEOUT: 'the receiver did not answer in time',
  };
  if (typeof code === 'string') return known[code] ?? `sending failed (${code})`;
  return error instanceof Error && error.name === 'TimeoutError' ? 'the receiver did not answer in time' : 'sending failed';
}

/** The message of a test, which is about no incident. */
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
