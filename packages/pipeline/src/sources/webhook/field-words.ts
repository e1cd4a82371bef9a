import { keyWords } from '../../privacy/personal-field-names.ts';

/**
 * The words of field names, in English, Portuguese and Spanish, by what the field holds. A name is judged by its words, so that `paymentMethod`,
 * `payment_method` and `payment-method` are one name.
 */
const list = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Fields that usually hold one word of a declared list, by the last word of their name: `payment_method`, `financial_status`. */
const enumerations =
  list(`status state states stage stages phase step type types subtype kind method methods mode event events action topic verb object resource entity
  reason reasons outcome result decision currency currencies country locale language lang gateway acquirer processor provider channel medium source origin
  platform os browser environment version unit interval frequency period periodicity recurrence brand network role level priority severity direction scope
  format protocol encoding lifecycle tier flag category engine carrier basis purpose consent trigger operation cycle condition visibility availability policy
  service services restock livemode`);
/** The same in Portuguese and Spanish, where the first word of a name says what it is: `tipo_documento`, `forma de pagamento`. */
const enumerationsFirst =
  list(`status tipo tipos situacao estado etapa fase passo metodo forma formas meio meios medio modo evento eventos acao accion topico motivo
  motivos razao razon resultado moeda moneda pais uf idioma canal origem origen fonte plataforma ambiente versao unidade intervalo frequencia periodicidade
  recorrencia bandeira papel nivel prioridade categoria operadora`);
/** Fields that hold the id of a thing, by any word of their name. */
const ids =
  list(`id ids uuid uuids guid code codes codigo codigos cod sku skus ref refs reference references referencia referencias slug handle number numero key keys sid
  transaction transacao transaccion nsu tid protocolo external`);
/** Things that have names and no private life. */
const things =
  list(`product products produto produtos producto productos plan plans plano planos plan offer offers oferta ofertas item items variant variants variacao
  campaign campaigns campanha campanhas campana ad ads adset adsets adgroup anuncio conjunto creative criativo course courses curso cursos module modules modulo
  modulos lesson lessons aula aulas class turma turmas track trilha coupon coupons cupom cupons cupon discount desconto promotion promocao bundle pacote combo
  collection colecao category categories categoria categorias store stores loja lojas shop tienda funnel funil pipeline list lists lista listas segment segmento tag tags
  etiqueta etiquetas webinar event evento workshop ebook certificate certificado subscription assinatura suscripcion shipping frete bump upsell ticket
  ingresso lote batch repository repo project warehouse template landing utm`);
/** Names of things, which are kept as they are even without another word: `sku`, `coupon`, `tags`. */
const namesOfThings =
  list(`product produto producto plan plano offer oferta campaign campanha campana course curso coupon cupom cupon sku tag tags variant turma funnel
  funil category categories categoria utm adset adgroup creative segment bundle identifier identificador`);
const nameWords = list('name names nome nomes nombre title titulo titulos label rotulo');
const describing = list('name nome nombre title titulo description descricao descripcion label vendor manufacturer marca');

/** People whom records concern. */
const people =
  list(`customer customers cliente clientes client clients buyer comprador compradora purchaser shopper contact contacts contato contatos contacto lead leads user
  users usuario usuarios subscriber subscribers assinante assinantes subscriptor aluno aluna alunos alumno student students estudante payer pagador pagante person people
  pessoa pessoas persona member members membro membros attendee attendees invitee invitees participant participants participante participantes guest guests
  hospede recipient recipients destinatario destinatarios sender remetente patient paciente donor doador doadora visitor visitante applicant candidate candidato
  author committer pusher creator actor requester reviewer beneficiary beneficiario dependente responsavel guardian holder titular passenger passageiro profile perfil
  consumer consumidor shipper signer signatario winner voter`);
/** Staff of the org's own account, and those who sell for it. */
const staff =
  list(`closer closers sdr bdr attendant attendants atendente atendentes agent agents agente seller sellers vendedor vendedora vendedores salesperson salesman
  owner owners assignee assignees assigned responsible consultant consultor consultora consultores operator operador operadora manager gerente gestor gestora
  producer produtor produtora coproducer coprodutor coprodutora coprodutores affiliate affiliates afiliado afiliada afiliados partner parceiro instructor professor
  professora tutor tutora mentor mentora teacher coach staff employee funcionario colaborador representante representative host organizer`);
/** Lists in which a name is a seller's: `comissoes: [{ nome, valor }]`. */
const commissions = list('commission commissions commissioned comissao comissoes comissionados split splits');
/** Words that may stand beside those: `customer_data` and `dados do cliente` are about the customer, `customer_type` is a word of a list. */
const fillers =
  list(`data dados datos info information informacoes details detail detalhes object record id ids uuid guid code codigo key ref reference the of do da de del dos das
  el la primary main new old current billing shipping delivery faturamento entrega cobranca account conta end final first last list`);
const digitsOfCards = list(
  'last digits digit bin first four number numero holder titular fingerprint expiry expiration exp month year token',
);
/** Fields with these words are about one person, also where another word of their name says something else. */
const personal =
  list(`age idade edad gender sexo genero religion religiao ethnicity raca salary salario income renda marital civil profession
  profissao ocupacao job cargo bio instagram facebook linkedin twitter tiktok telegram skype geolocation geo geoip barcode barras digitavel qrcode pix boleto billet
  fbclid gclid gbraid wbraid ttclid msclkid fbc fbp`);
/** Lists of the answers that people gave, and fields that a form or an account has made up. */
const answers = list('answer answers resposta respostas respuesta respuestas questionnaire survey pesquisa traits');
const madeUp =
  /^(?:custom|cf|campos?_?personalizados?|custom_?(?:fields?|data|attributes?|variables?|values?))$|^cf_|^\$set(?:_once)?$|user.?variables|questions_and_answers/i;
const webAddresses = list('url urls uri uris link links href website site');
const addresses = list('address addresses endereco enderecos direccion');
const countries = list('country pais');
/** Devices and visits of one person, by the word before `id`. */
const secret =
  /api.?key|write.?key|access.?key|private.?key|secret|token|passw|senha|chave|authenticat|authoriz|signature|credential|otp$/i;
const devices = list(
  'device advertising idfa gaid browser session visitor anonymous distinct click client cart checkout fingerprint cookie',
);

export interface FieldWords {
  words: readonly string[];
  isEnumeration: boolean;
  isId: boolean;
  isThing: boolean;
  isNameOfThing: boolean;
  isName: boolean;
  describes: boolean;
  isPerson: boolean;
  isStaff: boolean;
  /** Some word of the name means staff, such as the list of commissions in which a name is a seller's. */
  ofStaff: boolean;
  isPersonal: boolean;
  isAnswer: boolean;
  isCampaign: boolean;
  /** An address of the web. */
  isAddress: boolean;
  ofAddress: boolean;
  isCountry: boolean;
  /** A happening: an event of a calendar, but also the event of the record, whose description may be about a person. */
  isEvent: boolean;
}

const cache = new Map<string, FieldWords>();
const cachedMax = 5_000;

/** What the words of a field's name say, remembered for short names: platforms have few of them. */
export function fieldWords(key: string): FieldWords {
  let known = cache.get(key);
  if (known === undefined) {
    known = judge(key);
    if (cache.size >= cachedMax) cache.clear();
    if (key.length <= 100) cache.set(key, known);
  }
  return known;
}

function judge(key: string): FieldWords {
  const words = keyWords(key.slice(0, 200));
  const has = (set: ReadonlySet<string>) => words.some((word) => set.has(word));
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  const first = words[0] ?? '';
  const only = (set: ReadonlySet<string>) => has(set) && words.every((word) => set.has(word) || fillers.has(word));
  const isName = nameWords.has(last) || nameWords.has(first);
  const isCard = words.includes('card') || words.includes('cartao') || words.includes('tarjeta');
  const isDevice = words.includes('id') && has(devices) && !words.includes('product');
  return {
    words,
    isEnumeration:
      enumerations.has(last) ||
      enumerationsFirst.has(first) ||
      ((nameWords.has(last) || last === 'code' || last === 'codes') && (enumerations.has(before) || before === 'property')),
    isId: has(ids),
    isThing: has(things),
    isNameOfThing: words.length <= 2 && namesOfThings.has(last),
    isName,
    describes: describing.has(last) || describing.has(first),
    isPerson: only(people),
    isStaff: only(staff) || (isName && words.every((word) => staff.has(word) || nameWords.has(word)) && has(staff)),
    ofStaff: has(staff) || has(commissions),
    isPersonal: has(personal) || secret.test(key) || isDevice || (isCard && has(digitsOfCards)) || (words.length === 1 && last === 'last'),
    isAnswer: has(answers) || madeUp.test(key),
    isAddress: webAddresses.has(last),
    ofAddress: has(addresses),
    isCountry: has(countries),
    isEvent: words.includes('event') || words.includes('evento'),
    isCampaign: first === 'utm' || /^(?:src|sck|xcod|s[1-3])$/i.test(key),
  };
}
