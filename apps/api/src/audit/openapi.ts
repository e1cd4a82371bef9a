import { AuditExport, AuditPage, AuditVerdict } from '@tributary/shared/audit.ts';
import { describeRoute } from 'hono-openapi';
import { answers, command, refuses, user } from '../platform/openapi-parts.ts';

const tags = ['Audit log'];

/** The OpenAPI description of each route. */
export const describe = {
  listAudit: describeRoute({
    operationId: 'listAudit',
    tags,
    summary: 'Read the audit log in the order of its chain',
    description: 'For owners and admins, oldest first, with the hash of each entry and the text that was hashed.',
    security: user,
    responses: { ...answers(200, 'A page of entries.', AuditPage), ...refuses(400, 401, 403, 404, 503) },
  }),
  verifyAudit: describeRoute({
    operationId: 'verifyAudit',
    tags,
    summary: 'Verify the chain of the audit log',
    description:
      'For owners and admins. Each request verifies up to 10,000 entries. With `after` and `hash` of an earlier verification, which you keep outside, ' +
      'it proves that nothing up to there was changed, removed or written anew.',
    security: user,
    responses: { ...answers(200, 'How far the chain is intact.', AuditVerdict), ...refuses(400, 401, 403, 404, 503) },
  }),
  exportAudit: describeRoute({
    operationId: 'exportAudit',
    tags,
    summary: 'Export the audit log as NDJSON or CSV',
    description: 'For owners and admins. Answers a URL that downloads the file within a minute. Exports are written to the audit log.',
    security: user,
    responses: { ...answers(201, 'The download.', AuditExport), ...refuses(...command, 429) },
  }),
  downloadAudit: describeRoute({
    operationId: 'downloadAudit',
    tags,
    summary: 'Download an export of the audit log',
    security: [],
    description: 'The ticket in the URL authenticates the download. It ends when the person loses the role for it.',
    responses: {
      200: {
        description: 'The file. A connection that fails before its end means that the file is incomplete.',
        content: { 'application/x-ndjson': {}, 'text/csv': {} },
      },
      ...refuses(404, 429, 503),
    },
  }),
};
