import { isCanonicalType } from '@tributary/shared/canonical.ts';
import { at, cut, requireText, text } from '../../reading/fields.ts';
import { currencyCode, integerMinorUnits, minorUnits } from '../../reading/money.ts';
import { type Json, type JsonObject, type RawRecord, type ReadContext, type Reading, RecordError } from '../../source.ts';
import { campaignOf } from './campaign.ts';
import { settingsOf, type WebhookConfig } from './config.ts';
import { eventName, identityOf } from './identity.ts';
import { subjectOf } from './people.ts';
import { eventTime } from './when.ts';

type Fields = NonNullable<WebhookConfig['fields']>;

/**
 * Reads one record by the config. A configured id, type or time is required (MISSING_FIELD). Without a configured path the usual names are
 * tried, and none of them has to be present. Throws MISSING_FIELD, SCHEMA_DRIFT or VALIDATION_FAIL.
 */
export function read({ value, envelope }: RawRecord, { config, headers, receivedAtMs }: ReadContext<WebhookConfig>): Reading {
  const settings = settingsOf(config);
  if (settings === undefined) throw new RecordError('VALIDATION_FAIL', 'the settings of this connection are not valid');
  if (envelope?.malformed) throw new RecordError('SCHEMA_DRIFT', 'a record should be an object');
  const fields = settings.fields ?? {};
  const event = eventName(value, settings, headers);
  const { id, key } = identityOf(value, settings, headers, envelope?.single === true);
  const { ms, notes } = eventTime(value, settings, headers, receivedAtMs);
  return {
    type: canonicalType(event, settings.typeMap),
    // Longer than the column: the name is checked for personal data before it is cut to the column's length.
    sourceEventType: cut(event, 1_000),
    sourceEventId: within255(id),
    eventTimeMs: ms,
    idempotencyKey: within255(key),
    subject: subjectOf(value, fields),
    ...money(value, fields),
    orderRef: fields.orderRef && within255(text(value, fields.orderRef)),
    attribution: campaignOf(value),
    notes,
  };
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

/** An id or key that is too long for its column counts as absent, and the key is then the fingerprint. */
function within255(id: string | undefined): string | undefined {
  return id !== undefined && id.length <= 255 ? id : undefined;
}
