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

/** The lower-case words of a key in snake_case, camelCase, kebab-case or with spaces, without accents. */
export function keyWords(key: string): string[] {
  return key
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
}

function classify(key: string): KeyFacts {
  const parts = keyWords(key);
  const has = (set: ReadonlySet<string>) => parts.some((part) => set.has(part));
  const pairs = parts.map((part, index) => part + (parts[index + 1] ?? '')).concat(parts.join(''));
  const compound = pairs.some((pair) => compounds.has(pair));
  const isThing = has(things);
  let kind: PersonalKind | undefined;
  if (has(personalFieldNames.fullName) || (has(personalFieldNames.name) && !isThing)) kind = 'name';
  else if (has(personalFieldNames.phone)) kind = 'phone';
  else if (has(personalFieldNames.document)) kind = 'document';
  else if (has(personalFieldNames.other) || compound) kind = 'other';
  return { kind, bareName: parts.length === 1 && personalFieldNames.name.has(parts[0] ?? ''), thing: isThing, tooGeneral: has(tooGeneral) };
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
