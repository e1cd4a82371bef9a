import { defineTexts, useTexts } from '../../lib/i18n.ts';
import { Page } from '../../ui/page.tsx';

const texts = defineTexts('alerts', { en: { title: 'Alerts' }, 'pt-BR': { title: 'Alertas' } });

export function Alerts() {
  const t = useTexts(texts);
  return <Page title={t('title')}>{null}</Page>;
}
