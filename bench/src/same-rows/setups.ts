import type { Secret, Source } from '@tributary/pipeline/source.ts';
import type { Connection } from '../../../apps/api/src/deliveries/connection-cache.ts';
import { openConnection } from '../open-connection.ts';

/** A source under one config, with its connection in several states: keys that are lost, ids that are not converted, keys of erased people. */
export interface Setup {
  name: string;
  source: Source;
  secrets: readonly Secret[];
  /** Secrets of the same form that do not belong to the connection. */
  otherSecrets: readonly Secret[];
  connections: readonly Connection[];
}

const fields = { amount: { path: 'order.total', unit: 'major' }, currency: 'order.currency', orderRef: 'order.reference' };
const hmac = { scheme: 'hmac', header: 'x-signature-256', prefix: 'sha256=' };

/** Configs by the type of the source, as a person writes them. A config that a checkout does not know makes the comparison fail. */
const configs: Readonly<Record<string, readonly Record<string, unknown>[]>> = {
  hotmart: [{}, { staff: 'keep' }, { defaultCountry: 'US' }],
  meta: [{}],
  stripe: [{}],
  webhook: [
    { verification: hmac, fields },
    { verification: { scheme: 'standard-webhooks' } },
    { verification: { scheme: 'api-key', in: 'header', name: 'authorization', prefix: 'Bearer ' }, staff: 'keep', defaultCountry: 'BR' },
    { verification: { scheme: 'basic', username: 'tributary' }, timeZone: 'America/Sao_Paulo' },
    {
      verification: { scheme: 'api-key', in: 'header', name: 'x-api-key' },
      records: { path: 'data' },
      fields: { id: 'id + type', type: 'header:x-event', time: { path: 'created_at', unit: 'auto' }, email: 'customer.email' },
      typeMap: { 'order.paid': 'order.paid', venda_aprovada: 'order.paid' },
      keep: ['note', 'data.*.summary', 'answers.*'],
      personal: ['metadata', 'data.*.extra'],
      staffPaths: ['team.leader'],
      volatile: ['attempt', 'meta.sent_at', 'utm_source'],
    },
    {
      verification: { scheme: 'api-key', in: 'header', name: 'x-api-key' },
      fields: {
        id: 'id',
        type: '=lead.created',
        phone: 'lead.phone',
        document: 'lead.document',
        externalId: 'lead.id',
        currency: 'BRL',
        amount: { path: 'score', unit: 'minor' },
      },
    },
  ],
};

const key = (fill: number) => new Uint8Array(32).fill(fill);

export function setupsOf(sources: ReadonlyMap<string, Source>): Setup[] {
  return [...sources.values()].flatMap((source) =>
    (configs[source.type] ?? [source.exampleConfig ?? {}]).map((written, index): Setup => {
      const config = source.config.parse(written);
      const [secrets, otherSecrets] = [1, 2].map((fill) => secretsOf(source, config, fill)) as [Secret[], Secret[]];
      const connections = (['usual', 'former', 'without hash key', 'erased'] as const).map((state) =>
        connectionIn(state, source, config, secrets, idOf(source, index)),
      );
      return { name: `${source.type} ${index + 1}`, source, secrets, otherSecrets, connections };
    }),
  );
}

const types = Object.keys(configs);

/** Each config has a connection by itself. The states of a connection share its id. */
const idOf = ({ type }: Source, index: number) =>
  `0199d3a1-0000-7000-8000-0000000${String(types.indexOf(type) + 1).padStart(2, '0')}${String(index).padStart(3, '0')}`;

function secretsOf(source: Source, config: unknown, fill: number): Secret[] {
  return source.secrets.map(({ name }) => ({
    name,
    value: source.newSecret?.(config, key(fill)) ?? `secret-${fill}-of-the-comparison-${name}`,
  }));
}

function connectionIn(
  state: 'usual' | 'former' | 'without hash key' | 'erased',
  source: Source,
  config: unknown,
  secrets: readonly Secret[],
  id: string,
): Connection {
  const connection = openConnection(
    { id, orgId: '0199d3a1-0000-7000-8000-000000000002', projectId: '0199d3a1-0000-7000-8000-000000000003' },
    { source, config, secrets },
    { data: key(3), hash: key(4), digest: key(5) },
  );
  return {
    ...connection,
    keys: {
      ...connection.keys,
      hashKey: state === 'without hash key' ? undefined : connection.keys.hashKey,
      hasFormerIds: state === 'former',
      erasedKeys: state === 'erased' ? halfOfAllKeys : new Set(),
    },
  };
}

/** As if every second idempotency key had named a person who was erased: which ones depends on the digest of the key. */
const halfOfAllKeys = new (class extends Set<string> {
  override get size(): number {
    return 1;
  }
  override has(digest: string): boolean {
    return Number.parseInt(digest.slice(-1), 16) % 2 === 0;
  }
})();
