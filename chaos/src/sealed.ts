import { orgDigest } from '@tributary/pipeline/crypto/org-digest.ts';
import { journalAad, open } from '@tributary/pipeline/crypto/seal.ts';
import { unpackDelivery } from '@tributary/pipeline/journal.ts';
import { sha256 } from './sender.ts';
import type { ProofStack } from './stack.ts';

export interface StoredDelivery {
  id: string;
  /** SHA-256 of the bytes that were sealed; undefined when they cannot be opened or do not match the digest in the same row. */
  digest: string | undefined;
}

/** The digest that the API stores of a body with this SHA-256. */
export const storedDigest = ({ org }: ProofStack, sha256Hex: string) => orgDigest(org.digestKey, 'delivery', sha256Hex);

/** Opens the sealed deliveries of the journal: all of them, or the entries with these ids. */
export async function openStored(stack: ProofStack, ids?: readonly string[]): Promise<StoredDelivery[]> {
  const rows = await stack.query<{ id: string; body_sha256: string; sealed: Buffer | null }>(
    `select j.id, j.body_sha256, p.sealed from public.event_journal j left join private.journal_payloads p on p.journal_id = j.id
     where $1::uuid[] is null or j.id = any ($1)`,
    [ids ?? null],
  );
  return rows.map(({ id, body_sha256, sealed }) => {
    try {
      const packed = Buffer.from(open(stack.org.dataKey, sealed ?? Buffer.alloc(0), journalAad(stack.org.id, id)));
      const digest = sha256(unpackDelivery(packed).raw);
      return { id, digest: storedDigest(stack, digest) === body_sha256 ? digest : undefined };
    } catch {
      return { id, digest: undefined };
    }
  });
}
