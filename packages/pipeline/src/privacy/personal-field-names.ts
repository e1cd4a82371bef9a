/** The kind of personal value that a field name announces, as far as it matters for finding repetitions of the value. */
export type PersonalKind = 'name' | 'phone' | 'document' | 'other';

const words = (text: string) => text.trim().split(/\s+/);

/**
 * Words of the names of personal fields, by the kind of value. A `name` may also be the name of a thing; a `fullName` is always the name of
 * a person.
 */
const personalFieldNames = {
  phone: new Set(
    words('phone phones telephone tel telefone telefono fone celular cel cell cellphone mobile movil whatsapp whats msisdn wa'),
  ),
  document: new Set(
    words('document documents documento documentos doc cpf cnpj rg ssn nif dni curp rfc passport passaporte pasaporte taxid taxnumber'),
  ),
  name: new Set(words('name names nome nomes nombre nombres')),
  fullName: new Set(
    words(
      'firstname lastname fullname middlename surname surnames sobrenome apellido apellidos username nickname nick login apelido cardholder titular',
    ),
  ),
  other: new Set(
    words(`email emails mail mails correo address addresses endereco enderecos direccion direcciones street rua calle logradouro avenida zip zipcode cep postal
    postcode neighborhood neighbourhood bairro barrio complement complemento ip ips ipaddress birth birthday birthdate dob nascimento nacimiento
    password passwd pwd senha contrasena token tokens secret secrets authorization credential credentials apikey hottok cookie cookies cvv cvc pan iban
    latitude longitude lat lng avatar selfie biometric`),
  ),
};
/** Names that are spelled in several words, joined. */
const compounds = new Set(
  words(
    'apikey accesskey privatekey taxid taxnumber firstname lastname fullname middlename ipaddress cardnumber cardholder dateofbirth email',
  ),
);

/** `product_name`, and `name` inside `product`, name a thing. A name of anything that is not listed here counts as a person's name. */
const things = new Set(
  words(`product products produto produtos producto productos plan plans plano planos offer offers oferta item items sku variant variants campaign campaigns
    campanha ad ads adset adgroup creative form forms page event events evento file files course courses curso module modulo lesson class turma store shop loja
    project category categories categoria brand template tag tags list queue domain host field fields app application service plugin repository repo branch
    workflow job table column gateway method status currency country city state coupon coupons cupom funnel pipeline stage experiment feature device browser os
    carrier tier source medium utm trigger action webhook environment bucket topic`),
);

/**
 * Values that are too general to search for in the rest of a record: every Brazilian order says Brasil, and a document type is not a
 * document.
 */
const tooGeneral = new Set(
  words(
    'country pais state estado uf province region city cidade ciudad type tipo status locale language lang idioma currency gender kind iso',
  ),
);

interface KeyFacts {
  kind: PersonalKind | undefined;
  /** The field is called just `name`: it is personal unless the object around it is a thing. */
  bareName: boolean;
  thing: boolean;
  tooGeneral: boolean;
}

const cache = new Map<string, KeyFacts>();
const cachedMax = 5000;

function factsOf(key: string): KeyFacts {
  let facts = cache.get(key);
  if (facts === undefined) {
    facts = classify(key.slice(0, 200));
    // Most keys are field names of platforms, and they fit. A sender that invents keys empties the cache.
    if (cache.size >= cachedMax) cache.clear();
    if (key.length <= 100) cache.set(key, facts);
  }
  return facts;
}

const isLower = (code: number): boolean => code >= 0x61 && code <= 0x7a;
const isUpper = (code: number): boolean => code >= 0x41 && code <= 0x5a;

/**
 * The lower-case words of a key in snake_case, camelCase, kebab-case or with spaces, without accents. One pass over the characters, because a
 * sender may invent as many keys as a body has room for.
 */
export function keyWords(key: string): string[] {
  const plain = /^[\0-\x7f]*$/.test(key) ? key : key.normalize('NFD').replace(/\p{M}+/gu, '');
  const found: string[] = [];
  let start = 0;
  const endAt = (end: number): void => {
    if (end > start) found.push(plain.slice(start, end).toLowerCase());
  };
  for (let at = 0; at < plain.length; at++) {
    const code = plain.charCodeAt(at);
    if (isUpper(code)) {
      const before = plain.charCodeAt(at - 1);
      // `orderId` has a word at `I`, and `ORDERId` at the last capital before a small letter.
      if (!isLower(before) && !(isUpper(before) && isLower(plain.charCodeAt(at + 1)))) continue;
      endAt(at);
      start = at;
    } else if (!isLower(code)) {
      endAt(at);
      start = at + 1;
    }
  }
  endAt(plain.length);
  return found;
}

/** What a word says about its field. */
interface WordFacts {
  kind: keyof typeof personalFieldNames | undefined;
  thing: boolean;
  tooGeneral: boolean;
}

const factsOfWord = new Map<string, WordFacts>();
for (const word of [...Object.values(personalFieldNames), things, tooGeneral].flatMap((set) => [...set])) {
  const kind = (['phone', 'document', 'name', 'fullName', 'other'] as const).find((one) => personalFieldNames[one].has(word));
  factsOfWord.set(word, { kind, thing: things.has(word), tooGeneral: tooGeneral.has(word) });
}
const compoundCharsMax = Math.max(...[...compounds].map((compound) => compound.length));

function classify(key: string): KeyFacts {
  const parts = keyWords(key);
  const kinds = new Set<WordFacts['kind']>();
  let thing = false;
  let general = false;
  let compound = isCompound(parts);
  for (const [index, part] of parts.entries()) {
    compound ||= isCompound(parts.slice(index, index + 2));
    const facts = factsOfWord.get(part);
    if (!facts) continue;
    kinds.add(facts.kind);
    thing ||= facts.thing;
    general ||= facts.tooGeneral;
  }
  let kind: PersonalKind | undefined;
  if (kinds.has('fullName') || (kinds.has('name') && !thing)) kind = 'name';
  else if (kinds.has('phone')) kind = 'phone';
  else if (kinds.has('document')) kind = 'document';
  else if (kinds.has('other') || compound) kind = 'other';
  return { kind, bareName: parts.length === 1 && personalFieldNames.name.has(parts[0] ?? ''), thing, tooGeneral: general };
}

/** Whether the words, joined, are one name that is spelled in several words. */
function isCompound(parts: readonly string[]): boolean {
  let joined = '';
  for (const part of parts) {
    joined += part;
    if (joined.length > compoundCharsMax) return false;
  }
  return compounds.has(joined);
}

/**
 * The kind of personal value that a field of this name holds, undefined for other fields. `holder` is the key of the object around the field.
 */
export function personalKind(key: string, holder: string | undefined): PersonalKind | undefined {
  const facts = factsOf(key);
  return facts.bareName && holder !== undefined && factsOf(holder).thing ? undefined : facts.kind;
}

/** Whether the value of a key is too general to search for in the rest of a record. */
export function isTooGeneral(key: string): boolean {
  return factsOf(key).tooGeneral;
}
