import { defineTexts, useTexts } from '../../lib/i18n.ts';
import { Page } from '../../ui/page.tsx';

const texts = defineTexts('settings', { en: { title: 'Settings' }, 'pt-BR': { title: 'Configurações' } });

export function Settings() {
  const t = useTexts(texts);
  return <Page title={t('title')}>{null}</Page>;
}
