import { Button } from '@mantine/core';
import { useTexts } from '../../lib/i18n.ts';
import { eventTexts } from './texts.ts';

/** Submits the form of a filter. */
export function ApplyButton({ loading = false }: { loading?: boolean }) {
  const t = useTexts(eventTexts);
  return (
    <Button type="submit" size="xs" loading={loading} style={{ alignSelf: 'flex-end' }}>
      {t('apply')}
    </Button>
  );
}
