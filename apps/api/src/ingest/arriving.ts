import type { IncomingMessage } from 'node:http';
import type { Delivery } from '@tributary/pipeline/source.ts';
import type { Connection } from '../deliveries/connection-cache.ts';
import type { WideEvent } from '../platform/request-log.ts';

/** A request for a webhook URL, without the framework by which it came: see listener.ts and routes.ts. */
export interface Arriving {
  method: string;
  /** The source and the id of the connection, as the URL names them. */
  type: string;
  connectionId: string;
  /** Path and query as they were called. */
  target: string;
  headers: Delivery['headers'];
  remoteAddress: string | undefined;
  /** Set for test sends, which come from the app itself: no request from outside can set it. */
  isTest: boolean;
  body: ArrivingBody;
  requestId: string;
  event: WideEvent;
  /** Set as soon as the connection is known. */
  connection?: Connection;
}

/** The body of a request that came over a socket is read from Node's own stream: a web stream costs more than all the parsing after it. */
export type ArrivingBody = { incoming: IncomingMessage } | { stream: ReadableStream<Uint8Array> | null };
