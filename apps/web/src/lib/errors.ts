import type { FieldError } from '@tributary/shared/api.ts';
import { defineTexts, defineTranslations, hasText, translate } from './i18n.ts';

const texts = defineTexts('errors', {
  en: {
    unreachable: 'The server does not answer. Try again when it does.',
    empty: 'The answer was empty.',
    approvalRequested:
      'Nothing has been done yet: your org requires a second person for this. Another owner or admin can approve it under Settings, Security.',
  },
  'pt-BR': {
    unreachable: 'O servidor não responde. Tente de novo quando ele responder.',
    empty: 'A resposta veio vazia.',
    approvalRequested:
      'Nada foi feito ainda: a sua organização exige uma segunda pessoa para isto. Outro proprietário ou administrador pode aprovar em Configurações, Segurança.',
  },
});

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
  'you have accepted this invite already and are a member of its org': 'Você já aceitou este convite e faz parte da organização.',
  'this invite was accepted already: it works only once': 'Este convite já foi aceito: ele vale uma vez só.',
  'this invite has expired: ask the person who sent it for a new one': 'Este convite expirou: peça um novo a quem o enviou.',
  'this is an invite that you made yourself: pass the link on to the invited person':
    'Este convite foi feito por você: passe o link à pessoa convidada.',
  'this invite is for another e-mail address: sign in with the account of that address':
    'Este convite é para outro e-mail: entre com a conta desse e-mail.',
  'the person who made this invite may not invite any more: ask another admin of the org for a new one':
    'Quem fez este convite não pode mais convidar: peça um novo a outro administrador da organização.',
  'there is no invite with this link: it was withdrawn, or the link is incomplete':
    'Não existe convite com este link: ele foi retirado, ou o link está incompleto.',
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
  /** What is wrong with the request as a whole, more exactly than `code` says. */
  readonly reason: string | undefined;
  constructor(status: number, code: string, message: string, requestId?: string, fields: Record<string, string> = {}, reason?: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.fields = fields;
    this.reason = reason;
  }
}

/** A command that waits for a second person: the person is told where, and that nothing was done. */
export const approvalRequested = () => new ApiError(202, 'approval_requested', translate(texts, 'approvalRequested'));
export const unreachable = () => new ApiError(0, 'unreachable', translate(texts, 'unreachable'));
export const emptyAnswer = () => new ApiError(0, 'empty', translate(texts, 'empty'));

export const isUnreachable = (error: unknown): boolean => error instanceof ApiError && error.code === 'unreachable';
