import type { Explanations, Words } from './causes-english.ts';

const thenRedrive = 'depois reenvie estas falhas';
const thenReverify = 'depois verifique a quarentena de novo: as entregas genuínas viram eventos';

/** The explanations in Brazilian Portuguese. */
export function explainInPortuguese({ label, secret, eventType, fieldPath }: Words): Explanations {
  const events = eventType === null ? `As entregas de ${label}` : `Os eventos ${eventType} de ${label}`;
  const field = fieldPath === null ? 'um campo' : `o campo ${fieldPath}`;
  return {
    INVALID_HOTTOK: {
      cause: `O segredo (${secret}) que ${label} envia não é o guardado nesta conexão: foi copiado errado, é de outra conta, ou um estranho descobriu a URL.`,
      fix: `Copie o segredo (${secret}) de ${label} (Ferramentas → Webhook → Autenticação) para a conexão, ${thenReverify}. As entregas que ainda falharem não foram enviadas pela sua conta: descarte-as.`,
    },
    INVALID_SIGNATURE: {
      cause: `A assinatura ou credencial não confere com esta conexão: o segredo (${secret}) é de outro endpoint ou de outra conta, foi trocado em ${label}, um proxy altera o corpo, ou um estranho descobriu a URL.`,
      fix: `Copie de ${label} o segredo atual (${secret}) exatamente deste webhook para a conexão (o antigo pode valer por um período de carência), ${thenReverify}.`,
    },
    TIMESTAMP_OUT_OF_TOLERANCE: {
      cause:
        'A entrega foi assinada muito antes ou depois de chegar: o relógio de uma das duas máquinas está errado, a entrega esperou em uma fila no caminho, ou alguém está reenviando uma entrega antiga.',
      fix: `Confira os relógios de quem envia e deste servidor. Se quem envia é mesmo lento, aumente toleranceSeconds na conexão, ${thenReverify}.`,
    },
    INVALID_PAYLOAD: {
      cause: `O corpo destas entregas de ${label} não é o que o tipo de conteúdo diz (JSON ou formulário quebrado, UTF-8 inválido, aninhado demais, texto que o banco não guarda).`,
      fix: 'Veja uma amostra e corrija quem envia: nenhuma nova tentativa torna um corpo assim legível. Descarte estas falhas quando a causa for conhecida.',
    },
    MISSING_FIELD: {
      cause: `${events} chegam sem ${field}, que a origem sempre envia: a plataforma mudou o formato, uma versão antiga do webhook está configurada lá, ou o campo tem outro nome no mapeamento desta conexão.`,
      fix: `Escolha a versão documentada do webhook em ${label}, ou corrija o caminho nas configurações da conexão; com uma versão do Tributary que conheça a mudança, ${thenRedrive}.`,
    },
    SCHEMA_DRIFT: {
      cause: `${events} têm um formato que o leitor não conhece: ${field} é novo, foi renomeado, ou é de outro tipo que o documentado.`,
      fix: `Compare uma amostra com as notas de versão de ${label}. Ajuste o mapeamento da conexão, ou atualize o Tributary para uma versão que leia o novo formato, ${thenRedrive}.`,
    },
    VALIDATION_FAIL: {
      cause: `${events} trazem em ${field} um valor que não pode ser verdadeiro, como uma quantia fora do limite ou um horário mais de cinco minutos no futuro.`,
      fix: `Corrija o valor em ${label} ou nas configurações da conexão (unidades de valores e horários). Um horário futuro torna-se válido depois que passa: reenvie estas falhas então.`,
    },
    PII_HASH_ERROR: {
      cause:
        'A chave da organização que gera os hashes ou abre os dados pessoais está ausente ou não abre com a MASTER_KEY configurada, por isso nada pode ser guardado.',
      fix: 'Restaure a MASTER_KEY que estava em uso quando a chave foi criada (veja .env.example). As falhas são então tentadas de novo automaticamente. Uma chave de hash perdida de vez pode ser substituída em Configurações, Privacidade.',
    },
    DUPLICATE_EVENT: {
      cause: `${label} enviou dois corpos diferentes com o mesmo id. O primeiro está guardado como evento; estas falhas são os outros corpos.`,
      fix: `Compare a amostra com o evento guardado. Se o evento guardado está certo, descarte estas falhas. Se os corpos diferem em um contador de tentativas ou na hora de envio, indique esses campos como voláteis nas configurações da conexão, onde houver. Se ${label} reutiliza ids em atualizações, defina ali outro id ou um de várias partes. Depois reenvie estas falhas.`,
    },
    OLDER_REVISION: {
      cause: `${events} são mais antigos que o estado guardado da mesma entidade: chegaram tarde ou fora de ordem.`,
      fix: 'Nada se perdeu: o estado mais novo está guardado. Apague estas falhas.',
    },
    CONSTRAINT_VIOLATION: {
      cause: `O banco de dados recusou estas linhas de ${label}: um valor passa do que uma coluna pode guardar.`,
      fix: `A mensagem diz qual é a regra. Relate com uma amostra; com uma versão que trate isso, ${thenRedrive}.`,
    },
    CONNECTION_ERROR: {
      cause: 'Um sistema em que estes eventos são gravados não pôde ser alcançado.',
      fix: 'Veja se esse sistema está no ar e acessível. As falhas são tentadas de novo automaticamente; reenvie as esgotadas.',
    },
    SINK_TIMEOUT: {
      cause: 'Um sistema em que estes eventos são gravados não respondeu a tempo.',
      fix: 'Descubra o que deixa esse sistema lento. As falhas são tentadas de novo automaticamente; reenvie as esgotadas.',
    },
    RATE_LIMITED: {
      cause: 'Um sistema em que estes eventos são gravados aceita menos eventos do que chegam.',
      fix: 'Aumente o limite desse sistema ou espere. As falhas são tentadas de novo automaticamente; reenvie as esgotadas.',
    },
    CIRCUIT_OPEN: {
      cause: 'Um sistema em que estes eventos são gravados falhou tantas vezes que nenhuma gravação nele é tentada por um tempo.',
      fix: 'Descubra por que esse sistema falha. O circuito se fecha automaticamente quando ele volta a responder, e as falhas são tentadas de novo; reenvie as esgotadas.',
    },
  };
}
