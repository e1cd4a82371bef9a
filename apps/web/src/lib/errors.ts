import { defineTexts, has, say } from './i18n.ts';

const texts = defineTexts('errors', {
  en: {
    unreachable: 'The server does not answer. Try again when it does.',
    empty: 'The answer was empty.',
  },
  'pt-BR': {
    unreachable: 'O servidor não responde. Tente de novo quando ele responder.',
    empty: 'A resposta veio vazia.',
  },
});

/** What the API says is English; where its code alone says enough, it is said in the reader's language, else what was said follows. */
const refusals = defineTexts('refusals', {
  en: {
    unauthorized: '{{said}}',
    forbidden: '{{said}}',
    not_found: '{{said}}',
    conflict: '{{said}}',
    legal_hold: '{{said}}',
    payload_too_large: '{{said}}',
    invalid_request: '{{said}}',
    connection_inactive: '{{said}}',
    overloaded: '{{said}}',
    shutting_down: '{{said}}',
    database_unavailable: '{{said}}',
    circuit_open: '{{said}}',
    draining: '{{said}}',
    paused: '{{said}}',
    rate_limited: '{{said}}',
    internal: '{{said}}',
  },
  'pt-BR': {
    unauthorized: 'A sessão terminou. Entre de novo.',
    forbidden: 'O seu papel não permite isto: só um proprietário ou administrador da organização pode fazê-lo.',
    not_found: 'Isto não existe, ou não existe mais.',
    conflict: 'O estado atual não permite isto. O servidor diz: “{{said}}”',
    legal_hold: 'Uma retenção legal impede isto, até que um proprietário ou administrador a libere. O servidor diz: “{{said}}”',
    payload_too_large: 'Isto é grande demais para o servidor.',
    invalid_request: 'O servidor não aceita estes dados. Ele diz: “{{said}}”',
    connection_inactive: 'A conexão está pausada.',
    overloaded: 'O servidor está sobrecarregado. Tente de novo em alguns segundos.',
    shutting_down: 'O servidor está reiniciando. Tente de novo em alguns segundos.',
    database_unavailable: 'O banco de dados está indisponível e nada foi gravado. Tente de novo em alguns segundos.',
    circuit_open: 'O banco de dados falhou há pouco e nada foi gravado. Tente de novo em alguns segundos.',
    draining: 'O servidor não aceita nada de novo por enquanto. Tente de novo mais tarde.',
    paused: 'A ingestão está pausada. Tente de novo mais tarde.',
    rate_limited: 'São pedidos demais. Espere um pouco e tente de novo.',
    internal: 'Algo deu errado do nosso lado.',
  },
});
/** A refusal for people: `said` is what the API says of it, in English. A code that is not known here is left at that. */
export function refusalText(code: string, said: string): string {
  return has(refusals, code) ? say(refusals, code, { said }) : said;
}

/** A refusal of the API (RFC 9457) or of the Data API, or neither answering (`code` is then `unreachable`, `status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
  constructor(status: number, code: string, message: string, requestId?: string, fields: Record<string, string> = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.fields = fields;
  }
}

export const unreachable = () => new ApiError(0, 'unreachable', say(texts, 'unreachable'));
export const emptyAnswer = () => new ApiError(0, 'empty', say(texts, 'empty'));

export const isUnreachable = (error: unknown): boolean => error instanceof ApiError && error.code === 'unreachable';
