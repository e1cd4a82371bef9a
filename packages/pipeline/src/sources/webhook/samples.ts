import type { Json, Sample } from '../../source.ts';
import type { WebhookConfigInput } from './config.ts';

type Fill = { id: string; nowMs: number };

function json(
  name: string,
  label: string,
  becomes: string,
  build: (fill: Fill, iso: string) => Json,
  contentType = 'application/json',
): Sample {
  return { name, label, becomes, contentType, body: (fill) => JSON.stringify(build(fill, new Date(fill.nowMs).toISOString())) };
}

const lead = (id: string, iso: string, n: number): Json => ({
  id: `${id}-${n}`,
  type: 'lead.created',
  created_at: iso,
  lead: { name: `Pessoa ${n}`, email: `pessoa${n}@example.com`, phone: `+55 11 95555-01${String(n).padStart(2, '0')}` },
  utm_source: 'newsletter',
});

export const samples: readonly Sample[] = [
  json('order.paid', 'One event', 'order.paid', ({ id }, iso) => ({
    id,
    type: 'order.paid',
    created_at: iso,
    order: { reference: `PED-${id.slice(0, 8)}`, total: '149.90', currency: 'BRL' },
    customer: { name: 'Lívia Campos', email: 'livia.campos@example.com', phone: '+55 21 95555-0142' },
  })),
  json('standard-webhooks', 'Standard Webhooks event', 'customer.created', ({ id }, iso) => ({
    type: 'customer.created',
    timestamp: iso,
    data: { reference: id, customer: { name: 'Davi Rocha', email: 'davi.rocha@example.com' } },
  })),
  json('array', 'Several events in a JSON array', 'lead.created', ({ id }, iso) => [1, 2, 3].map((n) => lead(id, iso, n))),
  {
    name: 'ndjson',
    label: 'Several events, one per line',
    becomes: 'lead.created',
    contentType: 'application/x-ndjson',
    body: ({ id, nowMs }) => [1, 2, 3].map((n) => `${JSON.stringify(lead(id, new Date(nowMs).toISOString(), n))}\n`).join(''),
  },
  json(
    'cloudevent',
    'CloudEvents event',
    'webhook.com_example_cart_closed',
    ({ id }, iso) => ({ specversion: '1.0', id, source: '/shop/demo', type: 'com.example.cart.closed', time: iso, data: { items: 2 } }),
    'application/cloudevents+json',
  ),
  {
    name: 'form',
    label: 'A form',
    becomes: 'form.submitted',
    contentType: 'application/x-www-form-urlencoded',
    body: ({ id, nowMs }) =>
      new URLSearchParams({
        id,
        event: 'form.submitted',
        created_at: new Date(nowMs).toISOString(),
        email: 'ana.farias@example.com',
      }).toString(),
  },
];

/** A config to start from for each scheme. Every sample can be sent with every config. */
export const exampleConfigs: Readonly<Record<WebhookConfigInput['verification']['scheme'], WebhookConfigInput>> = {
  hmac: {
    verification: { scheme: 'hmac', header: 'x-signature-256', prefix: 'sha256=' },
    fields: { amount: { path: 'order.total', unit: 'major' }, currency: 'order.currency', orderRef: 'order.reference' },
  },
  'standard-webhooks': { verification: { scheme: 'standard-webhooks' } },
  'api-key': { verification: { scheme: 'api-key', in: 'header', name: 'authorization', prefix: 'Bearer ' } },
  basic: { verification: { scheme: 'basic', username: 'tributary' } },
};
