import { createFairQueue } from './fair-queue.ts';
import { createRoom, type Sender } from './room.ts';
import type { WriteItem } from './rows.ts';

export interface Rejected {
  connection: { id: string; orgId: string };
  /** The size of the body, in memory and when it is stored. */
  bytes: number;
  /** Whether it carries the form of a credential of its source: a signature, a token or a password, which are wrong. */
  hasCredential: boolean;
  /** Called only when there is room: digests and sealing cost time, and anybody can send deliveries that are rejected. */
  seal(): WriteItem;
}

/** Rejected deliveries that may wait, over all connections: three quarters for those that carry the form of a credential. */
const waitingMax = {
  withCredential: { recordsMax: 150, bytesMax: 12_582_912 },
  withoutCredential: { recordsMax: 50, bytesMax: 4_194_304 },
} as const;
const perFlushMax = { rejections: 50, bytes: 2_097_152 };
const bytesPerRejection = perFlushMax.bytes / perFlushMax.rejections;
/** An org that is alone fills four fifths of the places, and within the org so does a connection. */
const sharePerFree = 4;

/**
 * The rejected deliveries that wait to be stored. Orgs and their connections have a share each of the places and take turns, and those that carry
 * the form of a credential come first: what strangers send keeps no genuine delivery of another connection out.
 */
export function createRejectedQueue<Waiting extends Rejected>() {
  const classOf = (limits: { recordsMax: number; bytesMax: number }) => ({
    room: createRoom({ ...limits, sharePerFree }),
    turns: createFairQueue<Waiting>(1),
  });
  const classes = { withCredential: classOf(waitingMax.withCredential), withoutCredential: classOf(waitingMax.withoutCredential) };
  const of = ({ hasCredential }: Pick<Rejected, 'hasCredential'>) => classes[hasCredential ? 'withCredential' : 'withoutCredential'];
  const senderOf = ({ id, orgId }: Rejected['connection']): Sender => ({ orgId, connectionId: id });
  const size = () => classes.withCredential.room.load.records + classes.withoutCredential.room.load.records;

  return {
    size,
    hasRoom: (rejected: Pick<Rejected, 'connection' | 'bytes' | 'hasCredential'>): boolean =>
      of(rejected).room.full(senderOf(rejected.connection), rejected.bytes) === undefined,

    add(waiting: Waiting): void {
      const { room, turns } = of(waiting);
      room.add(senderOf(waiting.connection), { records: 1, bytes: waiting.bytes });
      turns.add(senderOf(waiting.connection), waiting);
    },

    /** Takes as many as one statement should carry, and at least one. Those without a credential get a quarter, or what the others leave. */
    take(): Waiting[] {
      const batch: Waiting[] = [];
      let bytes = 0;
      const takeFrom = (from: typeof classes.withCredential, max: number) =>
        from.turns.take((waiting) => {
          if (batch.length > 0 && (batch.length >= max || bytes + waiting.bytes > perFlushMax.bytes)) return undefined;
          batch.push(waiting);
          bytes += waiting.bytes;
          from.room.remove(senderOf(waiting.connection), { records: 1, bytes: waiting.bytes });
          return { cost: Math.max(1, waiting.bytes / bytesPerRejection), isPart: false, isFilled: batch.length >= max };
        });
      const isWaiting = classes.withoutCredential.room.load.records > 0;
      takeFrom(classes.withCredential, isWaiting ? (perFlushMax.rejections * 3) / 4 : perFlushMax.rejections);
      takeFrom(classes.withoutCredential, perFlushMax.rejections);
      return batch;
    },
  };
}
