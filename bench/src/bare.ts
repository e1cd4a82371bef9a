import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';

// (a) The server and router of the API with one route that only reads the body and answers: the upper limit of this HTTP stack.
const app = new Hono();
app.post('/', async (c) => {
  const body = await c.req.arrayBuffer();
  return c.json({ status: 'accepted', records: [{ status: 'accepted', bytes: body.byteLength }] });
});
const server = createAdaptorServer({ fetch: app.fetch });
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  process.send?.({ url: `http://127.0.0.1:${address.port}/` });
});
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
