import { createHash } from 'node:crypto';
import { AuditRecord } from '@tributary/shared/audit.ts';
import { Failure } from './errors.ts';

/** What the verification of an exported file found out: its last entry, or the first entry that does not fit. */
export interface FileVerdict {
  verifiedTo: number;
  hash: string;
  entries: number;
  problemAt: number | null;
}

/**
 * Verifies the NDJSON export of an audit log without the server: each hash is that of the hash before it and the entry's text, and the fields
 * are those of the text. An export that begins after entry 1 is verified from its first entry on. Throws Failure for another file.
 */
export function verifyAuditFile(text: string): FileVerdict {
  const lines = text.split('\n').filter((line) => line !== '');
  let previous: Buffer | undefined;
  let last = { verifiedTo: 0, hash: '', entries: 0 };
  for (const line of lines) {
    const record = readRecord(line);
    const { seq, hash, canonical } = record;
    const isNext = last.entries === 0 || seq === last.verifiedTo + 1;
    if (!isNext || !isText(record)) return { ...last, problemAt: last.verifiedTo + 1 };
    if (seq === 1) previous = sha256(`tributary audit log of ${(JSON.parse(canonical) as unknown[])[2]}`);
    if (previous && createHash('sha256').update(previous).update(canonical).digest('hex') !== hash) return { ...last, problemAt: seq };
    previous = Buffer.from(hash, 'hex');
    last = { verifiedTo: seq, hash, entries: last.entries + 1 };
  }
  return { ...last, problemAt: null };
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

function readRecord(line: string): AuditRecord {
  try {
    return AuditRecord.parse(JSON.parse(line));
  } catch {
    throw new Failure('This is not an NDJSON export of an audit log: make one with tributary audit export.');
  }
}

/** Whether the fields of a record say what its hashed text says. */
function isText({ seq, id, actorId, action, targetId, detail, canonical }: AuditRecord): boolean {
  const [hashedSeq, hashedId, , ...rest] = JSON.parse(canonical) as unknown[];
  return sameJson([hashedSeq, String(hashedId), ...rest.slice(0, 4)], [seq, id, actorId, action, targetId, detail]);
}

const sameJson = (one: unknown, other: unknown): boolean => JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}
