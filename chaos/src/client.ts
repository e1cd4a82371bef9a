import { Agent, request } from 'node:http';

export type Answer =
  | { kind: 'answered'; status: number; body: string; retryAfter: string | undefined }
  /** No connection could be made: the request was never sent. */
  | { kind: 'refused' }
  /** The request was sent and no answer came: the delivery may or may not have been stored. */
  | { kind: 'unknown'; code: string };

export interface Client {
  post(url: string, headers: Record<string, string>, body: string | Buffer): Promise<Answer>;
  close(): void;
}

/** An HTTP client with at most `sockets` kept-alive connections to one host, as proxies of webhook senders have. */
export function createClient(sockets: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets, scheduling: 'fifo' });
  return {
    post(url, headers, body) {
      return new Promise((resolve) => {
        const sent = request(url, { agent, method: 'POST', headers: { ...headers, 'content-length': Buffer.byteLength(body) } });
        // Longer than every deadline of the server, so a request that takes longer counts as unanswered. The longest is twice the limit of a statement,
        // for a delivery that waits behind a batch that hangs and then hangs in the next one.
        sent.setTimeout(40_000, () => sent.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
        sent.on('error', (error: NodeJS.ErrnoException) =>
          resolve(error.code === 'ECONNREFUSED' ? { kind: 'refused' } : { kind: 'unknown', code: error.code ?? error.message }),
        );
        sent.on('response', (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', () => resolve({ kind: 'unknown', code: 'ANSWER_CUT' }));
          response.on('end', () =>
            resolve({
              kind: 'answered',
              status: response.statusCode ?? 0,
              body: Buffer.concat(chunks).toString('utf8'),
              retryAfter: response.headers['retry-after'],
            }),
          );
        });
        sent.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}
