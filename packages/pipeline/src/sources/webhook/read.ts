import { isCanonicalType } from '@tributary/shared/canonical.ts';
import { deliveryId } from '../../proofs/standard-webhooks.ts';
import { at, cut, firstText, pickTexts, requireText, text } from '../../reading/fields.ts';
import { currencyCode, integerMinorUnits, minorUnits } from '../../reading/money.ts';
import { parseTime } from '../../reading/time.ts';
import { type Json, type JsonObject, type RawRecord, type ReadContext, type Reading, RecordError } from '../../source.ts';
import { settingsOf, type WebhookConfig } from './config.ts';
import { emailPaths, phonePaths } from './personal.ts';

const idPaths = ['id', 'event_id', 'eventId', 'uuid', 'messageId'] as const;
const typePaths = ['type', 'event', 'event_type', 'eventType', 'topic'] as const;
const timePaths = ['timestamp', 'time', 'created_at', 'createdAt', 'occurred_at', 'created'] as const;
const campaignNames = ['utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content', 'src', 'sck', 'xcod'];

type Fields = NonNullable<WebhookConfig['fields']>;
type Headers = ReadContext<WebhookConfig>['headers'];

/**
 * Reads one record by the config. A configured id, type or time is required (MISSING_FIELD). Without a configured path the usual names are
 * tried, and none of them has to be present. Throws MISSING_FIELD, SCHEMA_DRIFT or VALIDATION_FAIL.
 */
export function read({ value, envelope }: RawRecord, { config, headers }: ReadContext<WebhookConfig>): Reading {
  const settings = settingsOf(config);
  if (settings === undefined) throw new RecordError('VALIDATION_FAIL', 'the settings of this connection are not valid');
  if (envelope?.malformed) throw new RecordError('SCHEMA_DRIFT', 'a record should be an object');
  const fields = settings.fields ?? {};
  const event = eventName(value, fields, headers);
  const id = eventId(value, settings, headers, envelope?.single === true);
  return {
    type: canonicalType(event, settings.typeMap),
    // Longer than the column: the name is checked for personal data before it is cut to the column's length.
    sourceEventType: cut(event, 1_000),
    sourceEventId: within255(id.id),
    eventTimeMs: eventTime(value, fields, headers),
    idempotencyKey: within255(id.key),
    subject: {
      email: fields.email ? text(value, fields.email) : firstText(value, ...emailPaths),
      phone: fields.phone ? text(value, fields.phone) : firstText(value, ...phonePaths),
      document: fields.document && text(value, fields.document),
      external_id: fields.externalId && text(value, fields.externalId),
    },
    ...money(value, fields),
    orderRef: fields.orderRef && within255(text(value, fields.orderRef)),
    attribution: { ...pickTexts(at(value, 'data'), campaignNames), ...pickTexts(value, campaignNames) },
  };
}

function eventName(value: JsonObject, { type }: Fields, headers: Headers): string {
  if (type === undefined) return firstText(value, ...typePaths) ?? 'event';
  return type.startsWith('=') ? type.slice(1).trim() : required(value, type, headers);
}

/** The mapped type, the event itself where it is a canonical type, and otherwise `webhook.<event>`. */
function canonicalType(event: string, typeMap: WebhookConfig['typeMap']): string {
  if (typeMap && Object.hasOwn(typeMap, event)) return typeMap[event] as string;
  if (isCanonicalType(event)) return event;
  const slug = event
    .slice(0, 255)
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, 100)
    .replaceAll(/^_|_$/g, '');
  return `webhook.${slug || 'event'}`;
}

function eventId(
  value: JsonObject,
  { fields, verification }: WebhookConfig,
  headers: Headers,
  single: boolean,
): { id?: string | undefined; key?: string | undefined } {
  if (fields?.id !== undefined) {
    const id = required(value, fields.id, headers);
    // A header identifies the delivery, and not one of several records in it.
    return fields.id.startsWith('header:') && !single ? {} : { id, key: id };
  }
  if (verification.scheme === 'standard-webhooks' && single) {
    const id = deliveryId(headers);
    return { id, key: id };
  }
  const id = firstText(value, ...idPaths);
  // CloudEvents 1.0: an id is unique only within its source.
  const source = text(value, 'source');
  if (id !== undefined && source !== undefined && value.specversion !== undefined) return { id, key: `${source} ${id}` };
  if (id !== undefined) return { id, key: id };
  const signedId = verification.scheme === 'hmac' && verification.idHeader && single ? headers[verification.idHeader] : undefined;
  return { id: signedId, key: signedId };
}

function eventTime(value: JsonObject, { time }: Fields, headers: Headers): number | undefined {
  if (time) return parseTime(required(value, time.path, headers), time.unit, time.path);
  for (const path of timePaths) {
    const found = at(value, path);
    if (found === undefined || found === null) continue;
    try {
      return parseTime(found, 'auto', path);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
    }
  }
  return undefined;
}

function money(value: JsonObject, { amount, currency }: Fields): Pick<Reading, 'amountMinor' | 'currency'> {
  if (amount === undefined || currency === undefined) return {};
  const found = at(value, amount.path);
  if (found === undefined || found === null || found === '') return {};
  const code = /^[A-Z]{3}$/.test(currency) ? currency : currencyCode(requireText(value, currency), currency);
  const decimal = decimalOf(found, amount.path);
  return {
    amountMinor: amount.unit === 'minor' ? integerMinorUnits(decimal, amount.path) : minorUnits(decimal, code, amount.path),
    currency: code,
  };
}

function decimalOf(value: Json, path: string): number | string {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return value.trim();
  throw new RecordError('SCHEMA_DRIFT', `"${path}" should be an amount`, path);
}

function required(value: JsonObject, where: string, headers: Headers): string {
  if (!where.startsWith('header:')) return requireText(value, where);
  const name = where.slice('header:'.length).toLowerCase();
  const found = headers[name]?.trim();
  if (!found) throw new RecordError('MISSING_FIELD', `the header ${name} is missing`, where);
  return found;
}

/** An id or key that is too long for its column counts as absent, and the key is then the fingerprint. */
function within255(id: string | undefined): string | undefined {
  return id !== undefined && id.length <= 255 ? id : undefined;
}
