import type { Remedy } from '@tributary/shared/errors.ts';
import { defineTexts, useTexts } from '../lib/i18n.ts';
import { useOrg } from '../lib/orgs.ts';
import { ButtonLink } from './links.tsx';

const texts = defineTexts('remedies', {
  en: { fix_secret: 'Fix the secret', fix_settings: 'Change the settings', fix_key: 'See the keys' },
  'pt-BR': { fix_secret: 'Corrigir o segredo', fix_settings: 'Mudar as configurações', fix_key: 'Ver as chaves' },
});

/** A remedy that is done on another page, before the dead letters are run again. */
export type Correction = Extract<Remedy, keyof typeof corrections>;

const corrections = { fix_secret: 'setup', fix_settings: 'settings', fix_key: 'privacy' } as const;

export const isCorrection = (remedy: Remedy): remedy is Correction => Object.hasOwn(corrections, remedy);

/** The link to the place where a cause of dead letters is corrected: the secret or the settings of the connection, or the keys of the org. */
export function CorrectionLink({ remedy, connectionId, main = true }: { remedy: Correction; connectionId: string; main?: boolean }) {
  const t = useTexts(texts);
  const org = useOrg();
  const variant = main ? 'light' : 'default';
  if (remedy === 'fix_key')
    return (
      <ButtonLink to="/o/$org/settings" params={{ org: org.slug }} search={{ tab: 'privacy' }} size="xs" variant={variant}>
        {t(remedy)}
      </ButtonLink>
    );
  return (
    <ButtonLink
      to="/o/$org/connections/$connectionId"
      params={{ org: org.slug, connectionId }}
      search={{ tab: corrections[remedy] }}
      size="xs"
      variant={variant}
    >
      {t(remedy)}
    </ButtonLink>
  );
}
