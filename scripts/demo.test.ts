import { exampleConfigs } from '@tributary/pipeline/sources/webhook/samples.ts';
import { expect, test } from 'vitest';
import { createRandom } from '../chaos/src/random.ts';
import { withProofStack } from '../chaos/src/stack.ts';
import { type DeliveryKind, type Sent, sendTraffic } from './demo-traffic.ts';

test('the demo sends good, repeated, conflicting, forged, broken and unreadable deliveries of every source, and gets the expected answer to each', async () => {
  const sent: Sent[] = [];
  const stored = await withProofStack(async (stack) => {
    // Not every sample has the id in its body that the fault cases look events up by.
    await stack.query(`update public.source_connections set config_json = $1 where type = 'webhook'`, [
      JSON.stringify(exampleConfigs.hmac),
    ]);
    const api = await stack.startApi();
    const targets = Object.values(stack.connections).map((connection) => ({
      ...connection,
      config: connection.source.type === 'webhook' ? connection.source.config.parse(exampleConfigs.hmac) : connection.config,
      webhookUrl: api.url + connection.path,
    }));
    await sendTraffic(targets, { count: 400, perSecond: 200, random: createRandom(7) }, (one) => sent.push(one));
    return stack.query<{ source_type: string; events: number }>(
      'select source_type, count(*)::integer as events from public.canonical_events group by 1 order by 1',
    );
  });

  expect(sent.filter((one) => one.unexpected)).toEqual([]);
  expect(sent).toHaveLength(400);
  const kinds: DeliveryKind[] = ['good', 'duplicate', 'conflict', 'wrong secret', 'broken', 'unreadable'];
  expect(new Set(sent.map((one) => one.kind))).toEqual(new Set(kinds));
  const accepted = [...Map.groupBy(sent, (one) => one.source)].sort().map(([source_type, some]) => ({
    source_type,
    events: some.flatMap((one) => one.outcomes).filter((one) => one.outcome === 'accepted').length,
  }));
  expect(stored).toEqual(accepted);
}, 120_000);
