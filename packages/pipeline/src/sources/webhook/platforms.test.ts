import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ProcessedRecord, processDelivery } from '../../process.ts';
import { decodeBody } from '../../reading/body.ts';
import { at, isObject } from '../../reading/fields.ts';
import type { Delivery, Json, JsonObject, Source } from '../../source.ts';
import { capturedDeliveries, capturedOnly } from '../../test/deliveries.ts';
import type { WebhookConfigInput } from './config.ts';
import { webhook } from './index.ts';

const now = Date.parse('2026-12-01T12:00:00Z');

interface Expectations {
  /** Paths of what is about a person; `*` stands for any key. */
  personal: readonly string[];
  /** Paths of what is about no one and is needed for figures, in the file. */
  useful: Readonly<Record<string, readonly string[]>>;
  settings?: Omit<WebhookConfigInput, 'verification'>;
}

/** By the documentation of each platform, and the names that its deliveries have. */
const platforms: Readonly<Record<string, Expectations>> = {
  kiwify: {
    personal: [
      'Customer',
      'email',
      'name',
      'phone',
      'cnpj',
      'cpf',
      'Commissions.commissioned_stores.*.email',
      'card_last4digits',
      'boleto_barcode',
      'pix_code',
    ],
    useful: {
      'order_approved.json': [
        'order_id',
        'order_ref',
        'order_status',
        'payment_method',
        'installments',
        'approved_date',
        'Product.product_name',
        'Product.product_id',
        'Commissions.charge_amount',
        'Commissions.currency',
        'Commissions.commissioned_stores.0.value',
        'Subscription.status',
        'Subscription.plan.name',
        'Subscription.plan.frequency',
        'Subscription.next_payment',
      ],
      'abandoned_cart.json': ['status', 'product_name', 'offer_name', 'product_id', 'country', 'created_at'],
    },
  },
  eduzz: {
    personal: [
      'data.buyer',
      'data.producer.name',
      'data.producer.email',
      'data.producer.originSecret',
      'data.affiliate.email',
      'data.affiliate.name',
    ],
    useful: {
      'myeduzz.invoice_paid.json': [
        'event',
        'data.status',
        'data.id',
        'data.price.value',
        'data.price.currency',
        'data.items.0.name',
        'data.items.0.productId',
        'data.paymentMethod',
        'data.installments',
        'data.paidAt',
        'data.utm.source',
        'data.utm.campaign',
      ],
    },
  },
  monetizze: {
    personal: [
      'comprador',
      'produtor',
      'comissoes.*.nome',
      'comissoes.*.email',
      'venda.linkBoleto',
      'venda.linha_digitavel',
      'chave_unica',
      'produto.chave',
    ],
    useful: {
      'evento_3_cancelada.form': [
        'venda.codigo',
        'venda.valor',
        'venda.valorRecebido',
        'venda.status',
        'venda.formaPagamento',
        'venda.parcelas',
        'plano.nome',
        'plano.referencia',
        'produto.nome',
        'produto.codigo',
        'tipoEvento.descricao',
        'comissoes.0.valor',
        'comissoes.0.porcentagem',
        'assinatura.status',
      ],
    },
  },
  braip: {
    personal: [
      'client_name',
      'client_email',
      'client_cel',
      'client_documment',
      'client_address',
      'client_zip_code',
      'client_address_city',
      'affiliate_name',
      'affiliate_email',
      'basic_authentication',
      'checkout_url',
    ],
    useful: { 'abandono.json': ['type', 'plan_name', 'plan_key', 'product_name', 'product_key', 'trans_createdate', 'abandonment_key'] },
  },
  rdstation: {
    personal: [
      ...[
        'uuid',
        'email',
        'name',
        'job_title',
        'bio',
        'website',
        'personal_phone',
        'mobile_phone',
        'city',
        'facebook',
        'linkedin',
        'twitter',
      ]
        .concat('tags', 'cf_custom_field_example', 'company', 'funnel.contact_owner_email')
        .map((field) => `contact.${field}`),
      ...['email', 'name', 'bio', 'user', 'first_conversion.content.nome', 'first_conversion.content.email_lead'],
    ],
    useful: {
      'WEBHOOK.CONVERTED.json': ['event_type', 'entity_type', 'event_identifier', 'event_timestamp', 'contact.legal_bases'],
    },
    settings: {},
  },
  mercadopago: {
    personal: ['user_id'],
    useful: { 'payment.updated.json': ['type', 'action', 'live_mode', 'date_created', 'data.id', 'id'] },
  },
  github: {
    personal: [
      'sender',
      'pusher',
      'head_commit.author',
      'issue.user',
      'issue.body',
      'issue.title',
      'pull_request.user',
      'pull_request.body',
      'repository.owner',
      'head_commit.message',
    ],
    useful: {
      'issues.json': ['action', 'issue.number', 'issue.state', 'issue.created_at', 'repository.name', 'issue.comments'],
      'push.json': ['created', 'deleted', 'forced'],
    },
  },
  twilio: { personal: ['Caller', 'From', 'To'], useful: { 'call.form': ['CallSid'] } },
  sendgrid: {
    personal: ['email', 'ip', 'useragent', 'url', 'smtp-id'],
    useful: { 'bounce.json': ['event', 'status', 'timestamp', 'sg_event_id', 'type'], 'processed.json': ['category.0'] },
  },
  mailgun: {
    personal: [
      'event-data.recipient',
      'event-data.message.headers.to',
      'event-data.message.headers.from',
      'event-data.message.headers.subject',
      'event-data.envelope.sending-ip',
      'signature.token',
    ],
    useful: {
      'delivered.json': [
        'event-data.event',
        'event-data.timestamp',
        'event-data.delivery-status.code',
        'event-data.message.size',
        'event-data.log-level',
      ],
    },
  },
  resend: {
    personal: ['data.to', 'data.from', 'data.subject', 'data.click.ipAddress', 'data.click.userAgent'],
    useful: { 'clicked.json': ['type', 'created_at', 'data.email_id', 'data.click.timestamp'] },
  },
  segment: {
    personal: [
      'context.ip',
      'context.userAgent',
      'traits',
      'userId',
      'anonymousId',
      'writeKey',
      'context.device.id',
      'context.device.advertisingId',
      'context.location',
      'context.traits',
    ],
    useful: {
      'full_track_common.json': [
        'type',
        'messageId',
        'timestamp',
        'context.campaign.name',
        'context.campaign.source',
        'context.campaign.term',
        'context.app.version',
      ],
      'track.json': ['properties.revenue'],
    },
  },
  hubspot: {
    personal: ['propertyValue'],
    useful: {
      'test_button_contact.propertyChange.json': ['subscriptionType', 'portalId', 'objectId', 'occurredAt', 'propertyName', 'changeSource'],
    },
  },
  typeform: {
    personal: ['form_response.answers.*.text', 'form_response.answers.*.email', 'form_response.answers.*.phone_number'],
    useful: { 'form_response.json': ['event_type', 'event_id', 'form_response.form_id', 'form_response.submitted_at'] },
  },
  calendly: {
    personal: ['payload.name', 'payload.email', 'payload.text_reminder_number', 'payload.questions_and_answers', 'payload.timezone'],
    useful: { 'invitee.created.json': ['event', 'payload.scheduled_event.start_time', 'payload.scheduled_event.name'] },
  },
  pagarme: {
    personal: ['data.customer', 'data.shipping.address.line_1', 'data.shipping.address.zip_code', 'data.shipping.address.city'],
    useful: {
      'order.paid.json': [
        'type',
        'created_at',
        'data.amount',
        'data.currency',
        'data.status',
        'data.code',
        'data.id',
        'data.items.0.description',
        'data.items.0.quantity',
        'data.shipping.amount',
      ],
    },
  },
  paypal: {
    personal: ['summary', 'resource.payer', 'resource.payer_email', 'resource.shipping'],
    useful: {
      'PAYMENT.CAPTURE.COMPLETED.json': [
        'event_type',
        'resource.amount.value',
        'resource.amount.currency_code',
        'resource.status',
        'resource.id',
        'resource.seller_receivable_breakdown.net_amount.value',
        'resource.seller_protection.status',
      ],
    },
  },
  shopify: {
    personal: [
      'customer',
      'billing_address',
      'shipping_address',
      'email',
      'contact_email',
      'phone',
      'note',
      'note_attributes',
      'first_name',
      'last_name',
      'addresses',
      'default_address',
      'shop_owner',
      'customer_email',
      'order_status_url',
      'browser_ip',
    ],
    useful: {
      'orders_paid.json': [
        'id',
        'currency',
        'total_price',
        'financial_status',
        'order_number',
        'created_at',
        'line_items.0.title',
        'line_items.0.sku',
        'line_items.0.price',
        'line_items.0.quantity',
        'line_items.0.product_id',
        'total_price_set.shop_money.amount',
        'payment_gateway_names.0',
        'tags',
        'source_name',
        'test',
      ],
      'refunds_create.json': [
        'order_id',
        'refund_line_items.0.quantity',
        'refund_line_items.0.subtotal',
        'refund_line_items.0.line_item.title',
      ],
      'products_update.json': ['title', 'vendor', 'product_type', 'status', 'variants.0.price'],
    },
  },
  slack: { personal: ['event.user', 'event.username', 'token', 'event.text'], useful: { 'AppRateLimitedPayload.json': ['type'] } },
  activecampaign: {
    personal: ['contact', 'contact[email]', 'contact[phone]', 'contact[first_name]', 'contact[ip4]'],
    useful: { 'contact.form': ['seriesid'] },
  },
  posthog: {
    personal: ['api_key', 'distinct_id', 'properties.$set', 'properties.email'],
    useful: { 'capture.docs.json': ['timestamp', 'properties.account_type'] },
  },
};

const recordsPaths: Readonly<Record<string, string>> = {
  'leads.v1.json': 'leads',
  'batch.json': 'batch',
  'batch.analytics-node.json': 'batch',
  'batch.posthog-node.json': 'batch',
};

function process(file: string, raw: Buffer, settings: Expectations['settings']): { records: JsonObject[]; outcomes: ProcessedRecord[] } {
  const type = file.endsWith('.form') ? 'application/x-www-form-urlencoded' : 'application/json';
  const path = recordsPaths[file];
  const config = webhook.config.parse({
    verification: { scheme: 'basic', username: 'x' },
    ...settings,
    ...(path ? { records: { path } } : {}),
  });
  const delivery: Delivery = { method: 'POST', url: 'https://x.example/', headers: { 'content-type': type }, raw };
  const body = decodeBody(delivery);
  const outcomes = processDelivery(webhook as unknown as Source, delivery, body, {
    ...{ orgId: 'o', projectId: 'p', connectionId: 'c', journalId: 'j', newId: randomUUID, isTest: false },
    config,
    hashKey: { version: 1, key: new Uint8Array(32).fill(7) },
    digestKey: new Uint8Array(32).fill(8),
    receivedAtMs: now,
    nowMs: now,
  });
  return { records: [...webhook.split(body, config)].map(({ value }) => value), outcomes };
}

/** Every text of six or more characters at the path; shorter ones (`BR`, `SP`) are in any record. */
function textsAt(value: Json | undefined, keys: readonly string[]): string[] {
  const [key, ...rest] = keys;
  if (value === undefined || value === null) return [];
  if (key !== undefined) {
    if (key === '*') return (isObject(value) || Array.isArray(value) ? Object.values(value) : []).flatMap((item) => textsAt(item, rest));
    return textsAt(at(value, key), rest);
  }
  if (typeof value === 'object') return Object.values(value).flatMap((item) => textsAt(item, []));
  const text = String(value);
  return typeof value !== 'boolean' && text.length >= 6 && !/^\d{4}-\d{2}-\d{2}T?/.test(text) ? [text] : [];
}

describe.each(Object.entries(platforms))('captured deliveries of %s', (platform, { personal, useful, settings }) => {
  const files = capturedDeliveries(platform);
  it.skipIf(files.size === 0)('become events in which no one can be read', capturedOnly, () => {
    for (const [file, raw] of files) {
      const { records, outcomes } = process(file, raw, settings);
      expect(
        outcomes.filter((outcome) => !outcome.ok),
        file,
      ).toEqual([]);
      for (const [index, record] of records.entries()) {
        const outcome = outcomes[index];
        const stored = outcome?.ok ? JSON.stringify({ ...outcome.event, subject: {} }) : '';
        expect(stored, file).not.toMatch(/[^\s"@]@[a-z0-9-]+\.[a-z]/i);
        for (const path of personal)
          for (const text of textsAt(record, path.split('.')))
            expect(stored.includes(JSON.stringify(text).slice(1, -1)) ? `${file}: ${path}` : '', path).toBe('');
      }
    }
  });
  it.skipIf(files.size === 0)('keep the figures and names of things that are needed', capturedOnly, () => {
    for (const [file, paths] of Object.entries(useful)) {
      const raw = files.get(file);
      expect(raw, file).toBeDefined();
      if (raw === undefined) continue;
      const { records, outcomes } = process(file, raw, settings);
      const outcome = outcomes[0];
      const properties = outcome?.ok ? (outcome.event.properties as JsonObject) : {};
      const lost = paths.filter(
        (path) => JSON.stringify(at(properties, path)) !== JSON.stringify(at(records[0], path)) || at(records[0], path) === undefined,
      );
      expect(lost, file).toEqual([]);
    }
  });
});
