import { Agent, request } from 'node:http';

export type Answer =
  | { kind: 'answered'; status: number; body: string; retryAfter: string | undefined }
  /** No connection could be made: the request was never sent. */
  | { kind: 'refused' }
  /** Sent, and no answer came: it may have been stored or not. */
  | { kind: 'unknown'; code: string };

export interface Client {
  post(url: string, headers: Record<string, string>, body: string | Buffer): Promise<Answer>;
  close(): void;
}

/** Keeps at most `sockets` connections to one host, alive between requests as webhook senders' proxies do. */
export function createClient(sockets: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets, scheduling: 'fifo' });
  return {
    post(url, headers, body) {
      return new Promise((resolve) => {
        const sent = request(url, { agent, method: 'POST', headers: { ...headers, 'content-length': Buffer.byteLength(body) } });
        // Above every deadline of the server: an answer that is later than this is none.
        sent.setTimeout(30_000, () => sent.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
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
