import { ApiError } from '../../lib/errors.ts';
import { useTexts } from '../../lib/i18n.ts';
import { memberTexts } from './texts.ts';

/** The database's refusals in the reader's language. */
export function useRefusal() {
  const t = useTexts(memberTexts);
  return {
    /** Row level security refuses by touching no row. */
    requireChange: async (change: Promise<boolean>) => {
      if (!(await change)) throw new Error(t('refusedMember'));
    },
    say: (error: Error) => (error instanceof ApiError && error.code === '23514' ? t('keepOwner') : error.message),
  };
}
