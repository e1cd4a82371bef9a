import type { Translation } from '../../source.ts';

export const portuguese: Translation = {
  label: 'Webhook (qualquer sistema)',
  setup: [
    'Escolha como uma entrega prova que é genuína: assinatura (HMAC), Standard Webhooks, chave de API ou HTTP Basic.',
    'Cole {{url}} como URL do webhook no sistema que envia.',
    'Cole lá também o segredo desta conexão, ou traga para cá o segredo que o sistema mostra.',
    'Diga onde ficam id, tipo e data em um registro, se não forem encontrados automaticamente, e envie um evento de teste.',
  ],
  secrets: {
    secret: {
      label: 'Segredo',
      help: 'Segredo de assinatura, chave de API ou senha, conforme o esquema escolhido. Nunca sai desta conexão.',
    },
  },
  samples: {
    'order.paid': 'Um evento',
    'standard-webhooks': 'Evento Standard Webhooks',
    array: 'Vários eventos em um array JSON',
    ndjson: 'Vários eventos, um por linha',
    cloudevent: 'Evento CloudEvents',
    form: 'Um formulário',
  },
  settings: {
    '': { help: 'Webhook genérico' },
    bodyBytesMax: {
      label: 'Tamanho máximo do corpo em bytes',
      help: 'Maior corpo em bytes, quando o remetente documenta mais de 1 MiB: o GitHub, por exemplo, 25 MB. A instalação tem um máximo próprio. Sem definição: o padrão da instalação.',
    },
    verification: { label: 'Verificação', help: 'Como uma entrega prova que é genuína.' },
    'verification.scheme': { label: 'Esquema', help: 'Esquema pelo qual a entrega prova que é genuína.' },
    'verification.scheme=hmac': { help: 'O remetente assina cada entrega com um segredo compartilhado.' },
    'verification.scheme=standard-webhooks': { help: 'Standard Webhooks (também Svix): webhook-id, webhook-timestamp, webhook-signature.' },
    'verification.scheme=api-key': { help: 'O remetente acrescenta o próprio segredo a cada requisição.' },
    'verification.scheme=basic': { help: 'HTTP Basic; o segredo é a senha.' },
    'verification.header': {
      label: 'Cabeçalho',
      help: 'Cabeçalho que traz a assinatura, como x-signature. Ele pode trazer várias: basta uma genuína.',
    },
    'verification.query': {
      label: 'Parâmetro da URL',
      help: 'Parâmetro da URL que traz a assinatura no lugar de um cabeçalho, como signature.',
    },
    'verification.otherHeaders': {
      label: 'Outros cabeçalhos',
      help: 'Outros cabeçalhos que podem trazer uma assinatura, como o novo enquanto o remetente troca um pelo outro.',
    },
    'verification.otherPrefixes': {
      label: 'Outros prefixos',
      help: 'Outros textos que podem vir antes de uma assinatura, como v1= enquanto o remetente troca v0= por ele.',
    },
    'verification.combined.otherSignatureKeys': {
      label: 'Outras chaves da assinatura',
      help: 'Outras chaves de uma assinatura, enquanto o remetente troca uma pela outra.',
    },
    'verification.algorithm': { label: 'Algoritmo', help: 'Função de hash do HMAC.' },
    'verification.encoding': {
      label: 'Codificação',
      help: 'Como a assinatura é escrita: hexadecimal em maiúsculas ou minúsculas, ou base64, também sem preenchimento e no alfabeto de URLs.',
    },
    'verification.prefix': { label: 'Prefixo', help: 'Texto antes da assinatura ou do segredo, como sha256= ou "Bearer ".' },
    'verification.combined': {
      label: 'Combinado',
      help: 'Defina quando um só cabeçalho traz a hora e as assinaturas, como t=1700000000,v1=….',
    },
    'verification.combined.timestampKey': { label: 'Chave da hora', help: 'Chave da hora.' },
    'verification.combined.signatureKey': { label: 'Chave da assinatura', help: 'Chave da assinatura; pode ocorrer várias vezes.' },
    'verification.combined.separator': { label: 'Separador', help: 'O que fica entre os pares.' },
    'verification.secretEncoding': {
      label: 'Codificação do segredo',
      help: 'Como o segredo vira a chave: como texto, decodificado de hexadecimal ou base64, ou decodificado do base64 depois de whsec_.',
    },
    'verification.timestampHeader': { label: 'Cabeçalho da hora', help: 'Cabeçalho que traz a hora da assinatura.' },
    'verification.timestampUnit': {
      label: 'Unidade da hora',
      help: 'Como a hora da assinatura é escrita; iso: RFC 3339, como 2026-03-02T12:00:00Z.',
    },
    'verification.idHeader': { label: 'Cabeçalho do id', help: 'Cabeçalho que traz o id da entrega.' },
    'verification.template': {
      label: 'Modelo',
      help: 'O que é assinado: texto com {body}, {timestamp}, {id}, {url} e {method}, como {timestamp}.{body}.',
    },
    'verification.toleranceSeconds': {
      label: 'Tolerância em segundos',
      help: 'Maior diferença entre a hora assinada e a nossa, em segundos, para mais ou para menos.',
    },
    'verification.in': {
      label: 'Onde',
      help: 'Onde está o segredo. Um segredo na URL pode acabar nos logs de outros sistemas: prefira um cabeçalho.',
    },
    'verification.name': { label: 'Nome', help: 'Nome do cabeçalho ou do parâmetro da URL, como authorization ou api_key.' },
    'verification.username': { label: 'Usuário', help: 'Nome de usuário.' },
    records: {
      label: 'Registros',
      help: 'Como uma entrega é dividida em registros. Sem definição: um array no topo ou NDJSON é dividido, um objeto é um registro.',
    },
    'records.path': {
      label: 'Caminho',
      help: 'Array que contém os registros de uma entrega, caminho com pontos dentro de um registro, como data.order.id.',
    },
    fields: { label: 'Campos', help: 'Onde os campos de um evento estão em um registro.' },
    'fields.id': {
      label: 'Id',
      help: 'Id do evento, o mesmo sempre que ele é reenviado e outro para cada evento. Várias partes são unidas por " + ", como order_id + status. Sem definição: o id de uma plataforma conhecida ou um id ao lado do nome do evento; onde esse id pode ser de uma coisa (um pedido cujas mudanças são enviadas), cada registro diferente é um evento. Caminho com pontos, como data.order.id, ou um cabeçalho, como header:x-event.',
    },
    'fields.type': {
      label: 'Tipo',
      help: 'Nome do evento: caminho com pontos, um cabeçalho como header:x-event ou uma constante como =lead.created. Sem definição: o cabeçalho de uma plataforma conhecida, depois type, event, event_type, eventType, topic, event_name, action.',
    },
    'fields.time': {
      label: 'Data',
      help: 'Quando o evento aconteceu. Sem definição: o primeiro entre event_time, occurred_at, timestamp, time, updated_at, created_at, created e semelhantes que traz uma hora já passada; senão, a hora de chegada.',
    },
    'fields.time.path': {
      label: 'Caminho',
      help: 'Data do evento. Caminho com pontos, como data.order.id, ou um cabeçalho, como header:x-event.',
    },
    'fields.time.unit': {
      label: 'Unidade',
      help: 'Unidade ou forma da data. auto decide pela forma e pela grandeza; datas como 31/12/2026 precisam de day-month-year (dia primeiro) ou month-day-year (mês primeiro).',
    },
    'fields.email': {
      label: 'E-mail',
      help: 'E-mail da pessoa; guardado só como hash, caminho com pontos dentro de um registro, como data.order.id.',
    },
    'fields.phone': {
      label: 'Telefone',
      help: 'Telefone da pessoa; guardado só como hash, caminho com pontos dentro de um registro, como data.order.id.',
    },
    'fields.document': {
      label: 'Documento',
      help: 'Documento (CPF, CNPJ) da pessoa; guardado só como hash, caminho com pontos dentro de um registro, como data.order.id.',
    },
    'fields.externalId': {
      label: 'Id externo',
      help: 'Id da pessoa no sistema que envia; guardado só como hash, caminho com pontos dentro de um registro, como data.order.id.',
    },
    'fields.amount': { label: 'Valor', help: 'Valor em dinheiro de que trata o evento.' },
    'fields.amount.path': { label: 'Caminho', help: 'Valor, caminho com pontos dentro de um registro, como data.order.id.' },
    'fields.amount.unit': { label: 'Unidade', help: 'major: 19.90. minor: 1990.' },
    'fields.currency': { label: 'Moeda', help: 'Moeda do valor: um código em maiúsculas, como BRL, ou um caminho com pontos até ele.' },
    'fields.orderRef': {
      label: 'Referência do pedido',
      help: 'Referência do pedido ou da transação, caminho com pontos dentro de um registro, como data.order.id.',
    },
    typeMap: { label: 'Mapa de tipos', help: 'Tipo canônico de cada nome de evento, como { "venda_aprovada": "order.paid" }.' },
    timeZone: {
      label: 'Fuso horário',
      help: 'Fuso das datas que vêm sem fuso, como America/Sao_Paulo (IANA). Sem definição: UTC.',
    },
    volatile: {
      label: 'Campos voláteis',
      help: 'Campos que mudam quando o sistema repete um evento, como attempt ou meta.sent_at. Dois registros que só diferem neles são um evento.',
    },
    keep: {
      label: 'Textos mantidos',
      help: 'Textos a manter que não são mantidos por si, como data.lesson.summary. E-mails, telefones, documentos e o nome completo da pessoa dentro deles são mascarados.',
    },
    personal: { label: 'Dados pessoais', help: 'Outros caminhos que contêm dados pessoais. Nada abaixo deles é mantido.' },
    staff: {
      label: 'Equipe',
      help: 'Nomes da sua própria equipe, como vendedores, atendentes e closers: remove (remover, o padrão) ou keep (manter). E-mails e telefones da equipe nunca são mantidos.',
    },
    staffPaths: { label: 'Caminhos da equipe', help: 'Outros caminhos que contêm pessoas da sua equipe, como data.team.leader.' },
    defaultCountry: { label: 'País padrão', help: 'País de duas letras (ISO 3166-1, como BR) dos telefones que vêm sem código do país.' },
  },
};
