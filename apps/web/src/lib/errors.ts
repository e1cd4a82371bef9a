import type { FieldError } from '@tributary/shared/api.ts';
import { defineTexts, defineTranslations, hasText, translate } from './i18n.ts';

const texts = defineTexts('errors', {
  en: {
    unreachable: 'The server does not answer. Try again when it does.',
    empty: 'The answer was empty.',
    approvalRequested:
      'Nothing has been done yet: your org requires a second person for this. Another owner or admin can approve it under Settings, Security.',
    mfaRequired: 'Your org requires a second factor for this. Set up an authenticator app under Settings, Security, or sign in with yours.',
  },
  'pt-BR': {
    unreachable: 'O servidor não responde. Tente de novo quando ele responder.',
    empty: 'A resposta veio vazia.',
    approvalRequested:
      'Nada foi feito ainda: a sua organização exige uma segunda pessoa para isto. Outro proprietário ou administrador pode aprovar em Configurações, Segurança.',
    mfaRequired:
      'A sua organização exige um segundo fator para isto. Configure um aplicativo autenticador em Configurações, Segurança, ou entre com o seu.',
  },
});

/**
 * The API's messages are English. Where the code alone says enough, it is translated; otherwise the translation quotes the API's message.
 */
const refusals = defineTranslations('refusals', {
  unauthorized: 'A sessão terminou. Entre de novo.',
  forbidden: 'O seu papel não permite isto: só um proprietário ou administrador da organização pode fazê-lo.',
  not_found: 'Isto não existe, ou não existe mais.',
  conflict: 'O estado atual não permite isto. O servidor diz: “{{said}}”',
  legal_hold: 'Uma retenção legal impede isto, até que um proprietário ou administrador a libere. O servidor diz: “{{said}}”',
  org_suspended: 'Um operador deste servidor suspendeu a organização: é possível ler, e nada pode ser alterado.',
  quota_exceeded: 'Uma cota da organização está esgotada; as cotas estão nas configurações. O servidor diz: “{{said}}”',
  payload_too_large: 'Isto é grande demais para o servidor.',
  invalid_request: 'O servidor não aceita estes dados: {{said}}',
  connection_inactive: 'A conexão está pausada.',
  overloaded: 'O servidor está sobrecarregado. Tente de novo em alguns segundos.',
  shutting_down: 'O servidor está reiniciando. Tente de novo em alguns segundos.',
  database_unavailable: 'O banco de dados está indisponível e nada foi gravado. Tente de novo em alguns segundos.',
  circuit_open: 'O banco de dados falhou há pouco e nada foi gravado. Tente de novo em alguns segundos.',
  auth_unavailable:
    'Não é possível saber agora quem está conectado: o serviço de autenticação não responde. Tente de novo em alguns segundos.',
  draining: 'O servidor não aceita nada de novo por enquanto. Tente de novo mais tarde.',
  paused: 'A ingestão está pausada. Tente de novo mais tarde.',
  rate_limited: 'São pedidos demais. Espere um pouco e tente de novo.',
  approval_required: 'Isto exige a aprovação de uma segunda pessoa. Peça de novo.',
  internal: 'Algo deu errado do nosso lado.',
});

/** A refusal in the reader's language; `said` is the API's English message. An unknown code keeps that message. */
export function refusalText(code: string, said: string): string {
  if (code === 'mfa_required') return translate(texts, 'mfaRequired');
  return hasText(refusals, code) ? translate(refusals, code, { said }) : said;
}

const fields = defineTexts('fields', {
  en: {
    missing: 'Fill this in.',
    short: 'At least {{limit}} characters.',
    long: 'At most {{limit}} characters.',
    few: 'At least {{limit}} of them.',
    many: 'At most {{limit}} of them.',
    low: '{{limit}} or more.',
    high: '{{limit}} or less.',
    email: 'This is not an e-mail address.',
    url: 'This is not a web address.',
    form: 'This does not have the expected format.',
    choice: 'Choose one of the values that are offered.',
    other: '{{said}}',
  },
  'pt-BR': {
    missing: 'Preencha este campo.',
    short: 'No mínimo {{limit}} caracteres.',
    long: 'No máximo {{limit}} caracteres.',
    few: 'No mínimo {{limit}}.',
    many: 'No máximo {{limit}}.',
    low: '{{limit}} ou mais.',
    high: '{{limit}} ou menos.',
    email: 'Isto não é um endereço de e-mail.',
    url: 'Isto não é um endereço da web.',
    form: 'Isto não tem o formato esperado.',
    choice: 'Escolha um dos valores disponíveis.',
    other: 'O servidor diz: “{{said}}”',
  },
});

/** The API's own messages about fields, word for word, with their translations. */
export const fieldSentences = {
  'must be hexadecimal: pairs of the digits 0 to 9 and a to f, at least 16 of them, as the connection\u2019s settings say':
    'Precisa ser hexadecimal: pares dos dígitos 0 a 9 e a a f, no mínimo 16 dígitos, como dizem as configurações da conexão.',
  'must be base64 of at least 8 bytes, as the connection\u2019s settings say':
    'Precisa ser o base64 de ao menos 8 bytes, como dizem as configurações da conexão.',
  'must be whsec_ followed by base64, as Standard Webhooks asks for; a sender that uses the text itself as the key needs the setting utf-8':
    'Precisa ser whsec_ seguido de base64, como pede Standard Webhooks; um remetente que usa o próprio texto como chave precisa da configuração utf-8.',
  'has a control character or a line break, which no header can carry':
    'Tem um caractere de controle ou uma quebra de linha, que nenhum cabeçalho pode levar.',
  'is an API key or an id of Stripe: the signing secret of an endpoint starts with whsec_':
    'É uma chave de API ou um id da Stripe: o segredo de assinatura de um endpoint começa com whsec_.',
  'is an access token of Meta: the app secret is in App settings → Basic':
    'É um token de acesso da Meta: a chave secreta do app está em Configurações do app → Básico.',
  'is the id of the app: the app secret is beside it in App settings → Basic':
    'É o id do app: a chave secreta do app fica ao lado dele em Configurações do app → Básico.',
  'read the stored secret in a form that it does not have: first set a secret that has this form, while it is read as utf-8':
    'Leem o segredo guardado em uma forma que ele não tem: antes, defina um segredo nessa forma, enquanto ele é lido como utf-8.',
  'must have at least 8 characters: a shorter secret can be guessed, and then anybody can send events':
    'Precisa ter pelo menos 8 caracteres: um segredo mais curto pode ser adivinhado, e então qualquer um pode enviar eventos.',
  'is not in the form that the connection\u2019s scheme asks for': 'Não tem a forma que o esquema da conexão pede.',
  'an integration key of Events API v2 has 32 letters and digits': 'Uma chave de integração da Events API v2 tem 32 letras e dígitos.',
  'must be whsec_ followed by the base64 of 24 to 64 bytes': 'Precisa ser whsec_ seguido do base64 de 24 a 64 bytes.',
  'contains the same address twice': 'Contém o mesmo endereço duas vezes.',
  'is not a URL': 'Isto não é uma URL.',
  'must begin with https:// or http://': 'Precisa começar com https:// ou http://.',
  'must not contain a user name or a password': 'Não pode conter usuário nem senha.',
  'has a port that web servers do not have': 'Tem uma porta que servidores web não usam.',
  'is an address inside a private network, where nothing can be sent: use an address on the public internet':
    'É um endereço de uma rede privada, para onde nada pode ser enviado: use um endereço da internet pública.',
  'names a host that does not exist: check its spelling': 'Este servidor não existe: confira a grafia.',
  'needs at least one level': 'Precisa de ao menos um nível.',
  'must rise from info over warning to critical': 'Os limites precisam subir de informação por aviso até crítico.',
  'name the person by at least one of email, phone, document and externalId':
    'Identifique a pessoa por ao menos um destes: e-mail, telefone, documento, id externo.',
  'must be later than from': 'Precisa ser depois do início.',
  'an amount needs a currency': 'Um valor precisa de uma moeda.',
  'must not be an e-mail address, phone number or document: look the person up by POST /api/events/subject-hash, and filter by subjects':
    'Não pode ser um e-mail, telefone ou documento: procure a pessoa no filtro Pessoa.',
  'two capital letters, for example BR': 'Duas letras maiúsculas, como BR.',
} as const;
const sentences = defineTranslations('field-sentences', fieldSentences);

/** The error of a field in the reader's language. */
export function fieldText({ code, message, origin, minimum, maximum, format }: FieldError): string {
  const isEmpty = minimum === 1 && origin !== 'number';
  switch (code) {
    case 'invalid_type':
      return translate(fields, 'missing');
    case 'too_small': {
      if (isEmpty) return translate(fields, 'missing');
      return translate(fields, origin === 'string' ? 'short' : origin === 'array' ? 'few' : 'low', { limit: String(minimum) });
    }
    case 'too_big':
      return translate(fields, origin === 'string' ? 'long' : origin === 'array' ? 'many' : 'high', { limit: String(maximum) });
    case 'invalid_value':
      return translate(fields, 'choice');
    case 'invalid_format':
      if (format === 'email' || format === 'url') return translate(fields, format);
  }
  if (hasText(sentences, message)) return translate(sentences, message);
  return message.startsWith('Invalid ') ? translate(fields, 'form') : translate(fields, 'other', { said: message });
}

/** A refusal of the API (RFC 9457) or of the Data API. When neither answers, `code` is `unreachable` and `status` 0. */
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

/** A command that waits for a second person: the person is told where, and that nothing was done. */
export const approvalRequested = () => new ApiError(202, 'approval_requested', translate(texts, 'approvalRequested'));
export const unreachable = () => new ApiError(0, 'unreachable', translate(texts, 'unreachable'));
export const emptyAnswer = () => new ApiError(0, 'empty', translate(texts, 'empty'));

export const isUnreachable = (error: unknown): boolean => error instanceof ApiError && error.code === 'unreachable';
