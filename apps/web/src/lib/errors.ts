import { defineTexts, say } from './i18n.ts';

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
