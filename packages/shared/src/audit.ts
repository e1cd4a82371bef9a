import { z } from 'zod';
import { nextPage, pageQuery, pageRowsMax } from './pages.ts';

// Wire contracts of the audit log: its export, and the verification of its chain. Times are ISO 8601 in UTC.

const Id = z.guid();
const Timestamp = z.iso.datetime();
const Hash = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal digits');
const Seq = z.int().min(0).describe('The place of an entry in the chain of its org, from 1 on.');

export const AuditExportFormat = z.enum(['ndjson', 'csv']);
export type AuditExportFormat = z.infer<typeof AuditExportFormat>;

export const ExportAudit = z.strictObject({ orgId: Id.optional(), format: AuditExportFormat }).meta({ id: 'ExportAudit' });
export type ExportAudit = z.input<typeof ExportAudit>;

export const AuditExport = z
  .object({ url: z.string().describe('Download it within a minute; the URL needs no access token.'), expiresAt: Timestamp })
  .meta({ id: 'AuditExport' });
export type AuditExport = z.infer<typeof AuditExport>;

/** A line of the NDJSON export. */
export const AuditRecord = z.object({
  seq: Seq,
  id: z.string(),
  at: Timestamp,
  actorId: Id.nullable(),
  action: z.string(),
  targetId: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
  canonical: z
    .string()
    .describe('The text that is hashed: hash = SHA-256(hash of the entry before, as bytes, followed by this text in UTF-8).'),
  hash: Hash,
});
export type AuditRecord = z.infer<typeof AuditRecord>;

export const AuditQuery = z.strictObject({ orgId: Id.optional(), ...pageQuery(pageRowsMax) });
export type AuditQuery = z.input<typeof AuditQuery>;

export const AuditPage = z
  .object({ entries: z.array(AuditRecord).max(pageRowsMax).describe('In the order of the chain, oldest first.'), ...nextPage })
  .meta({ id: 'AuditPage' });
export type AuditPage = z.infer<typeof AuditPage>;

export const VerifyAuditQuery = z.strictObject({
  orgId: Id.optional(),
  after: z.coerce.number().int().min(0).optional().describe('Verify the entries after this place. Needs `hash`.'),
  hash: Hash.optional().describe('The hash of the entry `after`, from an earlier verification or an export.'),
});
export type VerifyAuditQuery = z.input<typeof VerifyAuditQuery>;

export const AuditVerdict = z
  .object({
    verifiedTo: Seq,
    hash: Hash.describe(
      'The hash of the last verified entry. Keep it outside: it proves later that nothing before was changed or removed.',
    ),
    entryAt: Timestamp.nullable().describe('The time of the last verified entry.'),
    entries: z.int().describe('Entries that this request has verified.'),
    isEnd: z.boolean().describe('false: verify on with `after` and `hash`.'),
    problem: z
      .enum(['changed', 'missing', 'unlinked', 'trimmed'])
      .nullable()
      .describe(
        'null: the chain is intact so far. changed: an entry or hash does not match. missing: an entry was removed. unlinked: an entry was written past the chain. trimmed: retention has removed the entry `after`.',
      ),
    problemAt: Seq.nullable(),
  })
  .meta({ id: 'AuditVerdict' });
export type AuditVerdict = z.infer<typeof AuditVerdict>;
