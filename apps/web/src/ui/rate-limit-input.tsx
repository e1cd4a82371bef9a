import { useTexts } from '../lib/i18n.ts';
import { NumberField } from './number-field.tsx';
import { uiTexts } from './texts.ts';

/** Records per second, or no limit (null). The description says what happens above the limit. */
export function RateLimitInput({
  label,
  hint,
  value,
  onChange,
  error,
}: {
  label: string;
  hint: string;
  value: number | null;
  onChange: (value: number | null) => void;
  error?: string | undefined;
}) {
  const t = useTexts(uiTexts);
  return (
    <NumberField
      label={label}
      description={`${hint} ${t('rateLimitHint')}`}
      placeholder={t('noLimit')}
      suffix={t('perSecond')}
      min={1}
      max={100_000}
      allowDecimal={false}
      allowNegative={false}
      thousandSeparator=" "
      value={value}
      onChange={onChange}
      error={error}
    />
  );
}
