import { identifierKinds } from '../../privacy/pii.ts';
import { at, isObject, text } from '../../reading/fields.ts';
import type { Json, JsonObject, Subject } from '../../source.ts';
import type { WebhookConfig } from './config.ts';
import { byShape, objectsIn, present } from './shape.ts';

/** Objects in which senders put the fields of a record. */
const rootsPresent = present([
  'data',
  'payload',
  'order',
  'data.order',
  'data.object',
  'resource',
  'event-data',
  'properties',
  'properties.$set',
  'traits',
  'context.traits',
]);
/** Objects about the person whom a record concerns, by the letters of their names. */
const people = new Set(
  `customer cliente client buyer comprador compradora purchaser shopper contact contato contacto lead leads user usuario subscriber assinante aluno aluna
   alumno student estudante payer pagador person pessoa persona member membro attendee invitee participant participante guest hospede recipient
   destinatario patient paciente donor doador billing billingaddress billingdetails shipping shippingaddress buyerdata customerdata dadoscliente payment`.split(
    /\s+/,
  ),
);
const names: Readonly<Record<'email' | 'phone' | 'document' | 'external_id', ReadonlySet<string>>> = {
  email: new Set(
    `email mail emailaddress useremail contactemail customeremail clientemail buyeremail payeremail leademail emaillead cusemail edzcliemail studentemail
     subscriberemail emailcliente emailcomprador emaildocliente correo correoelectronico recipient to`.split(/\s+/),
  ),
  phone: new Set(
    `phone phonenumber phones mobile mobilephone mobilenumber cellphone cell celular telefone telefono fone tel whatsapp whatsappnumber personalphone
     contactphone customerphone clientphone clientcel buyerphone cuscel custel edzclicel textremindernumber msisdn telefonecliente celularcliente`.split(
      /\s+/,
    ),
  ),
  document: new Set(
    `cpf cnpj cpfcnpj cnpjcpf document documento documentnumber doc clientdocument clientdocumment custaxnumber edzclitaxnumber taxid taxnumber
     identification customerdocument buyerdocument rfc nif dni curp`.split(/\s+/),
  ),
  external_id: new Set(['userid', 'distinctid', 'anonymousid']),
};

/** The letters and digits of a key: `Email_Address`, `emailAddress` and `email-address` are one name. */
function letters(key: string): string {
  let found = knownLetters.get(key);
  if (found === undefined) {
    found = key
      .slice(0, 100)
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '');
    if (key.length <= 100 && knownLetters.size < 5_000) knownLetters.set(key, found);
  }
  return found;
}
const knownLetters = new Map<string, string>();

/**
 * The identifiers of the person whom a record concerns: at the configured paths, otherwise under the usual names at the top of the record, in its
 * payload and in the objects there that are about a person. They are hashed.
 */
export function subjectOf(value: JsonObject, fields: NonNullable<WebhookConfig['fields']>): Subject {
  const subject: Subject = {
    email: fields.email && text(value, fields.email),
    phone: fields.phone && text(value, fields.phone),
    document: fields.document && text(value, fields.document),
    external_id: fields.externalId && text(value, fields.externalId),
  };
  const guessed = { ...subject };
  for (const object of objectsIn(value, rootsPresent)) {
    guess(object, guessed);
    for (const key of byShape(object, peoplePresent)) if (isObject(object[key])) guess(object[key], guessed);
  }
  guessTwilio(value, guessed);
  return {
    email: fields.email === undefined ? (guessed.email ?? answeredEmail(value)) : subject.email,
    phone: fields.phone === undefined ? guessed.phone : subject.phone,
    document: fields.document === undefined ? guessed.document : subject.document,
    external_id: fields.externalId === undefined ? guessed.external_id : subject.external_id,
  };
}

const peoplePresent = (object: JsonObject): string[] => Object.keys(object).filter((key) => people.has(letters(key)));

/** The fields that may hold an identifier, with its kind. */
const identifiersPresent = (object: JsonObject) =>
  Object.keys(object).flatMap((key) => {
    const kind = identifierKinds.find((one) => names[one].has(letters(key)));
    return kind === undefined ? [] : [{ key, kind }];
  });

const readers = { email: emailIn, phone: phoneIn, document: documentIn, external_id: textIn };

function guess(from: JsonObject, into: Subject): void {
  for (const { key, kind } of byShape(from, identifiersPresent)) {
    const item = from[key];
    if (item !== undefined && item !== null && typeof item !== 'boolean') into[kind] ??= readers[kind](item);
  }
}

function textIn(item: Json): string | undefined {
  return typeof item === 'number' ? String(item) : typeof item === 'string' ? item.trim() || undefined : undefined;
}

/** An address, alone, in a list (Resend's `to`) or behind a name (`Ana <ana@example.com>`). */
function emailIn(item: Json): string | undefined {
  const one = textIn(Array.isArray(item) ? (item[0] ?? null) : item);
  const address = one === undefined ? undefined : (/<([^<>\s]+@[^<>\s]+)>\s*$/.exec(one)?.[1] ?? one);
  return address !== undefined && /^\S+@\S+$/.test(address) ? address : undefined;
}

/** A number, alone or in parts (`{ country_code, area_code, number }` of Pagar.me and Mercado Pago), perhaps one of several in an object or a list. */
function phoneIn(item: Json): string | undefined {
  if (typeof item !== 'object' || item === null) {
    const one = textIn(item);
    return one !== undefined && /\d(?:\D*\d){6}/.test(one) ? one : undefined;
  }
  if (isObject(item)) {
    const number = text(item, 'number') ?? text(item, 'phone') ?? text(item, 'phone_number');
    if (number !== undefined) {
      const country = text(item, 'country_code')?.replace(/\D+/g, '');
      return `${country ? `+${country}` : ''}${text(item, 'area_code') ?? text(item, 'ddd') ?? ''}${number}`;
    }
  }
  for (const inner of Object.values(item)) {
    const found = isObject(inner) ? phoneIn(inner) : typeof inner === 'string' ? phoneIn(inner) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A document, alone or as `{ type, number }` of Mercado Pago. */
function documentIn(item: Json): string | undefined {
  const one = isObject(item) ? (text(item, 'number') ?? text(item, 'value')) : textIn(item);
  return one !== undefined && /\d(?:\D*\d){4}/.test(one) ? one : undefined;
}

/** Twilio sends the parties as From and To: the person wrote the message or received it. */
function guessTwilio(value: JsonObject, into: Subject): void {
  if (text(value, 'MessageSid') === undefined && text(value, 'CallSid') === undefined && text(value, 'SmsSid') === undefined) return;
  const status = text(value, 'MessageStatus') ?? text(value, 'SmsStatus');
  const isOutbound = (status !== undefined && status !== 'received') || /^outbound/.test(text(value, 'Direction') ?? '');
  into.phone ??= phoneIn((text(value, isOutbound ? 'To' : 'From') ?? '').replace(/^whatsapp:/, ''));
}

/** The address in the answers of a form: `{ type: email, email }` of Typeform, or an answer to a question for it. */
function answeredEmail(value: JsonObject): string | undefined {
  for (const path of ['form_response.answers', 'answers', 'data.fields', 'fields', 'respostas', 'payload.questions_and_answers']) {
    const answers = at(value, path);
    if (!Array.isArray(answers)) continue;
    for (const answer of answers.slice(0, 200)) {
      if (!isObject(answer)) continue;
      const isAsked = /e-?mail|correo/i.test(
        text(answer, 'label') ?? text(answer, 'question') ?? text(answer, 'title') ?? text(answer, 'name') ?? '',
      );
      const found = emailIn(answer.email ?? null) ?? (isAsked ? emailIn(answer.value ?? answer.answer ?? null) : undefined);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
