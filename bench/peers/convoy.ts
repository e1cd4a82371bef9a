import { binary, database, more, port, post, prepare, ready, start, startRedis } from './start.ts';

/**
 * Convoy: node bench/peers/convoy.ts <convoy> [an option of `convoy server`…]
 *
 * It reads the source and the project from Postgres, verifies an HMAC of the body and answers when Redis has the event as a job. Its workers, in the same
 * process, write the row into Postgres afterwards; --with-workers=false leaves the events in Redis. It finds no copies. An event that Redis refuses is answered
 * like one that it has, so the rows are worth counting. Redis writes every command to its disk here, which it does not by default.
 */
const redis = await startRedis();
const env = {
  CONVOY_DB_DSN: `${database.href}?sslmode=disable`,
  CONVOY_REDIS_DSN: redis,
  CONVOY_QUEUE_PROVIDER: 'redis',
  CONVOY_CACHE_PROVIDER: 'redis',
  CONVOY_LIMITER_TYPE: 'redis',
  CONVOY_JWT_REALM_ENABLED: 'true',
  CONVOY_NATIVE_REALM_ENABLED: 'true',
  CONVOY_ANALYTICS_ENABLED: 'false',
  CONVOY_HOST: `127.0.0.1:${port}`,
};
await prepare(binary, ['migrate', 'up'], env);
start(binary, ['server', '--port', port, ...more], env);

interface Answer<T> {
  data: T;
}
const user = { username: 'superuser@default.com', password: 'default' };
const { data: login } = await post<Answer<{ token: { access_token: string } }>>('/ui/auth/login', user);
const authorization = `Bearer ${login.token.access_token}`;
const made = async (path: string, body: unknown) => (await post<Answer<Record<string, unknown>>>(path, body, { authorization })).data;

const secret = 'bench-secret';
const org = await made('/ui/organisations', { name: 'bench' });
const created = (await made(`/ui/organisations/${org.uid}/projects`, { name: 'bench', type: 'incoming' })) as { project: { uid: string } };
const source = await made(`/ui/organisations/${org.uid}/projects/${created.project.uid}/sources`, {
  name: 'bench',
  type: 'http',
  verifier: { type: 'hmac', hmac: { header: 'x-signature', hash: 'SHA256', encoding: 'hex', secret } },
});

ready({
  path: `/ingest/${source.mask_id}`,
  verification: { scheme: 'hmac', header: 'x-signature' },
  secret,
  count: 'select count(*) from convoy.events',
});
