import { defineTexts, useTexts } from '../../lib/i18n.ts';
import { Page } from '../../ui/page.tsx';

const texts = defineTexts('pipeline', { en: { title: 'Pipeline' }, 'pt-BR': { title: 'Pipeline' } });

export function Pipeline() {
  const t = useTexts(texts);
  return <Page title={t('title')}>{null}</Page>;
}
