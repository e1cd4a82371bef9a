import { ApiError } from '../../lib/errors.ts';
import { useTexts } from '../../lib/i18n.ts';
import { memberTexts } from './texts.ts';

/** Refusals of the database in the reader's language. */
export function useRefusal() {
  const t = useTexts(memberTexts);
  return {
    /** Row level security refuses a change by changing no row, without an error. */
    requireChange: async (change: Promise<boolean>) => {
      if (!(await change)) throw new Error(t('refusedMember'));
    },
    say: (error: Error) => (error instanceof ApiError && error.code === '23514' ? t('keepOwner') : error.message),
  };
}
