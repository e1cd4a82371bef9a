import { type Approval, type ApprovalKind, OrgSecurity } from '@tributary/shared/approvals.ts';
import { useTexts } from '../../lib/i18n.ts';
import { securityTexts } from './texts.ts';

/** What a request is about, as a sentence in the reader's language. */
export function useActWords(): (approval: Approval) => string {
  const t = useTexts(securityTexts);
  return ({ kind, params, summary }) => {
    const said = (key: string) => (Array.isArray(params[key]) ? (params[key] as unknown[]).join(', ') : String(params[key] ?? ''));
    const security = kind === 'change_security' ? OrgSecurity.safeParse(params).data : undefined;
    const values: Record<ApprovalKind, Record<string, string>> = {
      erase_person: { kinds: said('kinds') },
      purge: { total: said('total') },
      rotate_key: { keyKind: said('keyKind') },
      release_hold: { reason: said('reason') },
      delete_org: { name: said('name') },
      change_security: {
        factor: t(security?.requiresSecondFactor ? 'on' : 'off'),
        acts: security?.secondPerson.map((act) => t(act)).join(', ') || t('nothing'),
        purgeCount: said('purgeCount'),
      },
    };
    // A newer server may know acts that this page has no words for.
    return kind in values ? t(`act_${kind}`, values[kind]) : summary;
  };
}
