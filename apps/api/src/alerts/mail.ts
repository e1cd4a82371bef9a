import { createTransport } from 'nodemailer';
import { cleanLine, orgLabel, withoutLinks } from './clean-text.ts';
import { type AlertMessage, contextOf, titleOf } from './messages.ts';

/** A mail without its sender and its one recipient. */
export interface Mail {
  subject: string;
  text: string;
  messageId?: string;
  inReplyTo?: string;
  references?: string[];
  headers: Record<string, string>;
}

export interface Mailer {
  /** Returns the answer of the relay. */
  send(to: string, mail: Mail): Promise<string>;
  close(): void;
}

/** Sends through the relay, to one recipient at a time: each gets a link of their own, and nobody sees the addresses of the others. */
export function createMailer({ url, from }: { url: string; from: string }): Mailer {
  const transport = createTransport({
    url,
    connectionTimeout: 5_000,
    greetingTimeout: 5_000,
    socketTimeout: 10_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send(to, mail) {
      // The recipient is passed as a bare address, so that no text can add a display name or further recipients.
      const sent = await transport.sendMail({ ...mail, from, to: { name: '', address: to } });
      return sent.response;
    },
    close: () => transport.close(),
  };
}

/** The mail of an alert, in one thread with the other mails of its incident. The receiver stops the alerts by one click (RFC 8058). */
export function mailOf(message: AlertMessage, stopUrl: string): Mail {
  const thread = message.incident && `<incident-${message.incident.id}@tributary>`;
  return {
    subject: withoutLinks(cleanLine(titleOf(message), 150)),
    text: `${plain(message.message)}\n\n${plain(contextOf(message))}\n\n--\nStop these alerts / Parar estes alertas: ${stopUrl}\n`,
    messageId: message.kind === 'opened' && thread ? thread : `<alert-${message.id}@tributary>`,
    ...(thread && message.kind !== 'opened' ? { inReplyTo: thread, references: [thread] } : {}),
    headers: {
      'auto-submitted': 'auto-generated',
      'list-unsubscribe': `<${stopUrl}>`,
      'list-unsubscribe-post': 'List-Unsubscribe=One-Click',
    },
  };
}

const plain = (text: string): string => withoutLinks(cleanLine(text, 1_000));

/** Asks the owner of an address whether they want the alerts. Its only text that people of the org typed is the org's cleaned name. */
export function confirmationMail(orgName: string, confirmUrl: string): Mail {
  const org = orgLabel(orgName);
  return {
    subject: 'Confirm your address for alerts / Confirme seu endereço para alertas',
    text: `Somebody of the organisation "${org}" entered this address to get alerts of Tributary about incidents.
If you want them, open this link within three days and confirm:

${confirmUrl}

Otherwise do nothing: you get no alerts.

---

Alguém da organização "${org}" informou este endereço para receber alertas do Tributary sobre incidentes.
Se você quer recebê-los, abra este link em até três dias e confirme:

${confirmUrl}

Caso contrário, não faça nada: você não recebe alertas.
`,
    headers: { 'auto-submitted': 'auto-generated' },
  };
}
