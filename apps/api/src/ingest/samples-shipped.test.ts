import { randomUUID } from 'node:crypto';
import type { Secret } from '@tributary/pipeline/source.ts';
import { exampleConfigs } from '@tributary/pipeline/sources/webhook/samples.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import type { TestOrg } from '../test/make.ts';
import { expectNoPlaintext, type Plaintext } from '../test/plaintext.ts';

/** The personal values of all people in the samples. */
const people = [
  ...['Marina Prado', 'marina.prado@example.com', '912345678', '12345678900', 'Rua das Amostras', '192.0.2.44'],
  ...['Otávio Lemos', 'otavio.lemos@example.com', '11222333000100', 'TRB0SUB1'],
  ...['Otávio Lins', '5511955550123', '24000000000000008', '5400000000000009', 'Quando abre a próxima turma', 'quero saber do curso'],
  ...['Rafael Nunes', 'rafael.nunes@example.com', '11998765432', 'cus_TributarySample'],
  ...['Lívia Campos', 'livia.campos@example.com', '5521955550142', 'Davi Rocha', 'davi.rocha@example.com', 'ana.farias@example.com'],
  ...[1, 2, 3].flatMap((n) => [`Pessoa ${n}`, `pessoa${n}@example.com`, `551195555010${n}`]),
].map((value): Plaintext => ({ path: 'a sample', value }));

const samples = [...sources.values()].flatMap((source) => source.samples.map((sample) => [source.type, sample.name] as const));

describe('the samples that come with the product', () => {
  let api: TestApi;
  let org: TestOrg;
  const sent = new Map<string, Plaintext[]>();
  beforeAll(async () => {
    api = await startTestApi();
    org = await api.makeOrg();
  });
  afterAll(() => api.close());

  test.each(samples)(
    '%s %s, signed as its platform would, becomes a live event each time, and is refused without its signature',
    async (type, name) => {
      const source = sources.get(type);
      const sample = source?.samples.find((candidate) => candidate.name === name);
      if (source === undefined || sample === undefined) throw new Error('no such sample');
      const config = type === 'webhook' ? exampleConfigs['api-key'] : {};
      const secrets: Secret[] = source.secrets.map((field) => ({ name: field.name, value: `${field.name}-${randomUUID()}` }));
      const needed = Object.fromEntries(secrets.map((secret) => [secret.name, secret.value]));
      const connection = await api.connect(org, type, needed, config);
      sent.set(connection.id, people);

      const ids: (string | undefined)[] = [];
      for (let round = 0; round < 2; round++) {
        const body = sample.body({ id: randomUUID(), nowMs: Date.now() });
        const signed = source.sign(body, secrets, source.config.parse(config), Date.now());
        const url = signed.query ? `${connection.url}?${new URLSearchParams(signed.query)}` : connection.url;
        const answer = await api.sendUntilTaken(url, signed.body ?? body, { 'content-type': sample.contentType, ...signed.headers });
        expect(answer).toMatchObject({ status: 200, body: { status: 'accepted' } });
        ids.push(...(answer.body.records ?? []).map((record) => record.eventId));
      }
      const unsigned = sample.body({ id: randomUUID(), nowMs: Date.now() });
      expect((await api.send(connection.url, unsigned, { 'content-type': sample.contentType })).status).toBe(401);

      const rows = await api.admin<{ id: string; type: string; is_test: boolean }>(
        'select id, type, is_test from public.canonical_events where source_connection_id = $1',
        [connection.id],
      );
      // Deliveries to the URL count as live. Only the test of a connection marks its events as tests.
      for (const row of rows) expect(row).toEqual({ id: row.id, type: sample.becomes, is_test: false });
      expect(rows.map((row) => row.id).sort()).toEqual(ids.sort());
      expect(ids).toHaveLength(name === 'array' || name === 'ndjson' ? 6 : 2);
    },
  );

  test('leave no personal value of their people that a member can read', async () => {
    await expectNoPlaintext(api, org, sent);
  });
});
