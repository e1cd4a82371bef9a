import { defineTexts, useTexts } from '../../lib/i18n.ts';
import { Page } from '../../ui/page.tsx';

const texts = defineTexts('replays', { en: { title: 'Replays' }, 'pt-BR': { title: 'Reprocessamentos' } });

export function Replays() {
  const t = useTexts(texts);
  return <Page title={t('title')}>{null}</Page>;
}
