import type { ProblemCode } from '@tributary/shared/problems.ts';
import { defineTexts, defineTranslations, hasText, isEnglish, translate } from './i18n.ts';

// What the dashboard says when the API refuses something: every code in both languages, and the API's own sentences in Portuguese.

const english: Record<ProblemCode, string> = {
  unauthorized: 'Your session has ended. Sign in again.',
  forbidden: 'Your role does not allow this: only an owner or admin of the org may do it.',
  mfa_required: 'Your org requires a second factor for this. Set up an authenticator app under Settings, Security, or sign in with yours.',
  not_found: 'This does not exist, or does not exist any more.',
  method_not_allowed: 'The server does not know this command: it may be of another version than this page. Reload the page.',
  conflict: 'The current state does not allow this.',
  legal_hold: 'A legal hold prevents this until an owner or admin releases it.',
  approval_required: 'This needs the approval of a second person. Ask for it again.',
  org_suspended: 'An operator of this server has suspended the org: it can be read, and nothing can be changed.',
  quota_exceeded: 'A quota of the org is used up; the quotas are in the settings.',
  payload_too_large: 'This is too large for the server.',
  unsupported_encoding: 'The server cannot decode this content.',
  unsupported_media_type: 'The server does not accept this type of content.',
  invalid_request: 'The server does not accept these values.',
  invalid_payload: 'The body cannot be read.',
  invalid_hottok: 'The secret is wrong or missing.',
  invalid_signature: 'The signature or credential is wrong or missing.',
  timestamp_out_of_tolerance: 'The delivery was signed too long before or after its arrival.',
  connection_inactive: 'The connection is paused.',
  connection_suspended: 'An operator of this server has suspended the connection.',
  address_not_allowed: 'The connection does not accept deliveries from this address.',
  overloaded: 'The server is overloaded. Try again in a few seconds.',
  shutting_down: 'The server is restarting. Try again in a few seconds.',
  database_unavailable: 'The database is unavailable and nothing was stored. Try again in a few seconds.',
  circuit_open: 'The database has just failed and nothing was stored. Try again in a few seconds.',
  auth_unavailable: 'Who is signed in cannot be checked now: the authentication service does not answer. Try again in a few seconds.',
  draining: 'The server accepts nothing new for now. Try again later.',
  paused: 'Ingestion is paused. Try again later.',
  rate_limited: 'Too many requests. Wait a moment and try again.',
  brownout: 'The server is under load and refuses some deliveries. Try again later.',
  internal: 'Something went wrong on our side.',
};

const portuguese: Record<ProblemCode, string> = {
  unauthorized: 'A sessão terminou. Entre de novo.',
  forbidden: 'O seu papel não permite isto: só um proprietário ou administrador da organização pode fazê-lo.',
  mfa_required:
    'A sua organização exige um segundo fator para isto. Configure um aplicativo autenticador em Configurações, Segurança, ou entre com o seu.',
  not_found: 'Isto não existe, ou não existe mais.',
  method_not_allowed: 'O servidor não conhece este comando: a versão dele pode ser outra que a desta página. Recarregue a página.',
  conflict: 'O estado atual não permite isto. O servidor diz: “{{said}}”',
  legal_hold: 'Uma retenção legal impede isto, até que um proprietário ou administrador a libere. O servidor diz: “{{said}}”',
  approval_required: 'Isto exige a aprovação de uma segunda pessoa. Peça de novo.',
  org_suspended: 'Um operador deste servidor suspendeu a organização: é possível ler, e nada pode ser alterado.',
  quota_exceeded: 'Uma cota da organização está esgotada; as cotas estão nas configurações. O servidor diz: “{{said}}”',
  payload_too_large: 'Isto é grande demais para o servidor.',
  unsupported_encoding: 'O servidor não consegue decodificar este conteúdo.',
  unsupported_media_type: 'O servidor não aceita este tipo de conteúdo.',
  invalid_request: 'O servidor não aceita estes dados: {{said}}',
  invalid_payload: 'O corpo não pode ser lido.',
  invalid_hottok: 'O segredo está errado ou ausente.',
  invalid_signature: 'A assinatura ou credencial está errada ou ausente.',
  timestamp_out_of_tolerance: 'A entrega foi assinada muito antes ou depois de chegar.',
  connection_inactive: 'A conexão está pausada.',
  connection_suspended: 'Um operador deste servidor suspendeu a conexão.',
  address_not_allowed: 'A conexão não aceita entregas deste endereço.',
  overloaded: 'O servidor está sobrecarregado. Tente de novo em alguns segundos.',
  shutting_down: 'O servidor está reiniciando. Tente de novo em alguns segundos.',
  database_unavailable: 'O banco de dados está indisponível e nada foi gravado. Tente de novo em alguns segundos.',
  circuit_open: 'O banco de dados falhou há pouco e nada foi gravado. Tente de novo em alguns segundos.',
  auth_unavailable:
    'Não é possível saber agora quem está conectado: o serviço de autenticação não responde. Tente de novo em alguns segundos.',
  draining: 'O servidor não aceita nada de novo por enquanto. Tente de novo mais tarde.',
  paused: 'A ingestão está pausada. Tente de novo mais tarde.',
  rate_limited: 'São pedidos demais. Espere um pouco e tente de novo.',
  brownout: 'O servidor está sob carga e recusa algumas entregas. Tente de novo mais tarde.',
  internal: 'Algo deu errado do nosso lado.',
};

const refusals = defineTexts('refusals', { en: english, 'pt-BR': portuguese });

/** The API's own sentences, word for word, with their translations. They say more than their code. */
export const refusalSentences = {
  'there is no such org': 'Esta organização não existe, ou você não faz parte dela.',
  'there is no such connection': 'Esta conexão não existe, ou foi excluída.',
  'there is no such channel': 'Este canal não existe, ou foi excluído.',
  'there is no such rule': 'Esta regra não existe.',
  'there is no such dead letter': 'Esta falha não existe, ou foi apagada.',
  'there is no such project': 'Este projeto não existe.',
  'there is no such plan': 'Este plano não existe.',
  'there is no such operation': 'Esta operação não existe.',
  'there is no such incident': 'Este incidente não existe.',
  'there is no such request': 'Este pedido não existe, ou já foi decidido.',
  'there is no such journal entry': 'Esta entrega não está mais no diário.',
  'there is no such invite': 'Este convite não existe, ou foi retirado.',
  'there is no such hold': 'Esta retenção legal não existe.',
  'there is no such event': 'Este evento não existe, ou não está mais guardado.',
  'there is no such erasure': 'Esta eliminação não existe.',
  'this download has expired: ask for it again': 'Este download expirou: peça de novo.',
  'you are not a member of any org': 'Você não faz parte de nenhuma organização.',
  'only an owner of the org may do this': 'Só um proprietário da organização pode fazer isto.',
  'only an owner or admin of the org may read the audit log': 'Só um proprietário ou administrador pode ler o registro de auditoria.',
  'you no longer have the role with which you began this': 'Você não tem mais o papel com que começou isto.',
  'the dead letter is resolved already': 'A falha já está resolvida.',
  'a retry of the dead letter is running: discard it when the retry has ended':
    'Uma nova tentativa desta falha está em andamento: descarte-a quando a tentativa terminar.',
  'this server sends no e-mail: its operator has not set SMTP_URL':
    'Este servidor não envia e-mail: o operador dele não configurou SMTP_URL.',
  'the org has only one owner or admin, so nobody could approve anything: invite a second one first':
    'A organização só tem um proprietário ou administrador, então ninguém poderia aprovar nada: convide outro primeiro.',
  'the org has no usable hash key': 'A organização não tem uma chave de hash utilizável.',
  'the org has no keys yet: its first keys are made with its first secret or delivery':
    'A organização ainda não tem chaves: as primeiras são criadas com o primeiro segredo ou a primeira entrega.',
  'the org has 50 channels, the maximum: delete one first': 'A organização tem 50 canais, o máximo: exclua um antes.',
  'the hold does not exist any more': 'Esta retenção legal não existe mais.',
  'the grace period is over and the keys are destroyed: the deletion cannot be cancelled':
    'O prazo terminou e as chaves foram destruídas: a exclusão não pode mais ser cancelada.',
  'the destination cannot be decrypted: enter it again': 'O destino não pode ser decifrado: informe-o de novo.',
  'the connection’s secrets and config cannot sign a sample: check them':
    'Os segredos e a configuração da conexão não conseguem assinar uma amostra: confira-os.',
  'the body of this delivery is no longer kept': 'O corpo desta entrega não está mais guardado.',
  'the body of this delivery takes more memory or time to read than a delivery may':
    'Ler o corpo desta entrega exige mais memória ou tempo do que uma entrega pode usar.',
  'the sealed body of this delivery cannot be opened with the keys of the org':
    'O corpo cifrado desta entrega não pode ser aberto com as chaves da organização.',
  'only the recipients of an e-mail channel confirm their addresses': 'Só os destinatários de um canal de e-mail confirmam os endereços.',
  'another request made a new key at the same moment: check the list of keys before you make another one':
    'Outro pedido criou uma chave no mesmo momento: confira a lista de chaves antes de criar outra.',
  'this change needs the approval of a second owner': 'Esta mudança exige a aprovação de um segundo proprietário.',
  'you have looked up many people in a short time: try again later':
    'Você procurou muitas pessoas em pouco tempo: tente de novo mais tarde.',
} as const;
const sentences = defineTranslations('refusal-sentences', refusalSentences);

/**
 * A refusal in the reader's language; `said` is the API's English message, which says more than the code. An unknown code keeps that message.
 */
export function refusalText(code: string, said: string): string {
  if (code === 'mfa_required' || (isEnglish() && said === '' && hasText(refusals, code))) return translate(refusals, code as ProblemCode);
  if (isEnglish()) return said;
  if (hasText(sentences, said)) return translate(sentences, said);
  return hasText(refusals, code) ? translate(refusals, code, { said }) : said;
}
