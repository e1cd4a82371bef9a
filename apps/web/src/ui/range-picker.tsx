import { SegmentedControl } from '@mantine/core';
import { useTexts } from '../lib/i18n.ts';
import { type Range, ranges } from '../lib/search.ts';
import { uiTexts } from './texts.ts';

/** Chooses a time range that ends now; undefined: another time is chosen. The caller keeps the choice in the URL. */
export function RangePicker({ value, onChange }: { value: Range | undefined; onChange: (range: Range) => void }) {
  const t = useTexts(uiTexts);
  return (
    <SegmentedControl
      size="xs"
      aria-label={t('range')}
      value={value ?? ''}
      onChange={(range) => onChange(range as Range)}
      data={ranges.map((range) => ({ value: range, label: t(`range${range}`) }))}
    />
  );
}
