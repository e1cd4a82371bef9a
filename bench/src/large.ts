import type { ClosedLoopRequest, ClosedLoopResult } from './closed-loop.ts';
import type { Contestant } from './contestants.ts';
import { type Cost, costOf } from './cost.ts';
import type { ProbeRequest, ProbeResult } from './probe.ts';
import { measure } from './process.ts';

const recordsOfLarge = 10_000;
const recordsOfSmall = 100;

export interface Large {
  /** What a record costs in a delivery of 10,000 records (about 1 MiB), and in one of 100 such records. */
  large: Cost;
  small: Cost;
  /** The longest time that a request for /health took while the large deliveries were read, and while nothing was. It contains the longest stretch of the event loop. */
  longestAnswerMs: number;
  longestAnswerIdleMs: number;
}

/** Sends large deliveries one after another, and asks the server every 2 ms whether it is alive. */
export async function measureLarge(contestant: Contestant, deliveries: number): Promise<Large | undefined> {
  const send = async (records: number, wanted: number) => {
    const traffic = contestant.traffic('small', records);
    if (!traffic) return undefined;
    const request: ClosedLoopRequest = { traffic, connections: 1, seconds: 30, accepted: wanted };
    const sent = await costOf(
      contestant,
      () => measure<ClosedLoopResult>('closed-loop', request),
      ({ accepted }) => accepted * records,
    );
    const { accepted, statuses } = sent.result;
    if (accepted < wanted)
      throw new Error(`${contestant.name} accepted ${accepted} of ${wanted} deliveries of ${records} records: ${JSON.stringify(statuses)}`);
    return sent;
  };
  const base = contestant.traffic('small', 1)?.url;
  if (base === undefined) return undefined;
  const probe = (seconds: number) => measure<ProbeResult>('probe', { url: new URL('/health', base).href, seconds } satisfies ProbeRequest);
  // Both kinds are read once before, so that neither pays for the first run of the code.
  await send(recordsOfLarge, 1);
  const small = await send(recordsOfSmall, (deliveries * recordsOfLarge) / recordsOfSmall);
  const large = await send(recordsOfLarge, deliveries);
  const idle = await probe(2);
  const probing = probe(4);
  await send(recordsOfLarge, deliveries);
  const busy = await probing;
  if (!large || !small) return undefined;
  return { large: large.cost, small: small.cost, longestAnswerMs: busy.longestMs, longestAnswerIdleMs: idle.longestMs };
}
