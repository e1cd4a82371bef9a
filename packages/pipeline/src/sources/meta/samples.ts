import { createHash } from 'node:crypto';
import type { JsonObject, Sample } from '../../source.ts';

type Fill = { id: string; nowMs: number };

/** Fifteen digits, the form of Meta's ids. */
function digits(id: string): string {
  return String(100_000_000_000_000n + (BigInt(`0x${createHash('sha256').update(id).digest('hex').slice(0, 12)}`) % 900_000_000_000_000n));
}

function sample(name: string, label: string, becomes: string, build: (fill: Fill, seconds: number) => JsonObject): Sample {
  return {
    name,
    label,
    becomes,
    contentType: 'application/json',
    body: (fill) => JSON.stringify(build(fill, Math.floor(fill.nowMs / 1000))),
  };
}

const page = '104000000000001';
const waba = '102000000000002';
const contact = { profile: { name: 'Marina Prado' }, wa_id: '5511955550123' };

function change(field: string, value: JsonObject, time: number): JsonObject {
  return { object: 'page', entry: [{ id: page, time, changes: [{ field, value }] }] };
}

function whatsApp(value: JsonObject): JsonObject {
  const metadata = { display_phone_number: '551155550100', phone_number_id: '106000000000003' };
  return {
    object: 'whatsapp_business_account',
    entry: [{ id: waba, changes: [{ field: 'messages', value: { messaging_product: 'whatsapp', metadata, ...value } }] }],
  };
}

export const samples: readonly Sample[] = [
  sample('leadgen', 'Lead ad answered', 'lead.created', ({ id }, seconds) =>
    change(
      'leadgen',
      {
        leadgen_id: digits(id),
        page_id: page,
        form_id: '105000000000004',
        ad_id: '120000000000005',
        adgroup_id: '120000000000006',
        created_time: seconds,
      },
      seconds,
    ),
  ),
  sample('feed.comment', 'Comment on a page post', 'page.comment_created', ({ id }, seconds) =>
    change(
      'feed',
      {
        item: 'comment',
        verb: 'add',
        post_id: `${page}_300000000000007`,
        comment_id: `300000000000007_${digits(id)}`,
        created_time: seconds,
        from: { id: '24000000000000008', name: 'Otávio Lins' },
        message: 'Quando abre a próxima turma?',
      },
      seconds,
    ),
  ),
  sample('whatsapp.message', 'WhatsApp message received', 'message.received', ({ id }, seconds) =>
    whatsApp({
      contacts: [contact],
      messages: [
        {
          from: contact.wa_id,
          id: `wamid.sample${digits(id)}`,
          timestamp: String(seconds),
          type: 'text',
          text: { body: 'Olá, quero saber do curso' },
        },
      ],
    }),
  ),
  sample('whatsapp.status', 'WhatsApp message delivered', 'message.delivered', ({ id }, seconds) =>
    whatsApp({
      statuses: [{ id: `wamid.sample${digits(id)}`, status: 'delivered', timestamp: String(seconds), recipient_id: contact.wa_id }],
    }),
  ),
  sample('messenger.message', 'Messenger message received', 'message.received', ({ id, nowMs }) => ({
    object: 'page',
    entry: [
      {
        id: page,
        time: nowMs,
        messaging: [
          {
            sender: { id: '5400000000000009' },
            recipient: { id: page },
            timestamp: nowMs,
            message: { mid: `m_sample${digits(id)}`, text: 'Oi' },
          },
        ],
      },
    ],
  })),
];
