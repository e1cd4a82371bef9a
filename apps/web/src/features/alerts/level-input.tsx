import { NativeSelect } from '@mantine/core';
import { type AlertUnit, levelRange } from '@tributary/shared/alert-kinds.ts';
import { type ReactNode, useState } from 'react';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { formatAlertValue } from '../../lib/incidents.ts';
import { NumberField } from '../../ui/number-field.tsx';
import { ruleTexts } from './rule-texts.ts';

const spans = [
  { size: 3_600, key: 'hours' },
  { size: 60, key: 'minutes' },
  { size: 1, key: 'seconds' },
] as const;

/** The threshold of a level in a unit that people use: seconds, minutes or hours; percent; records. Empty: the level is not used. */
export function LevelInput({
  label,
  name,
  unit,
  value,
  onChange,
  isRefused,
}: {
  label: ReactNode;
  /** The accessible name of the field: its visible label is a badge. */
  name: string;
  unit: AlertUnit;
  value: number | null;
  onChange: (value: number | null) => void;
  isRefused: boolean;
}) {
  const t = useTexts(ruleTexts);
  const language = useLanguage();
  const [span, setSpan] = useState<number>(() => spans.find(({ size }) => value !== null && value % size === 0)?.size ?? 60);
  const factor = unit === 'share' ? 0.01 : unit === 'seconds' ? span : 1;
  // 0.07 / 0.01 is 7.000000000000001.
  const shown = value === null ? null : Number((value / factor).toFixed(4));
  const [least, most] = levelRange(unit);
  return (
    <NumberField
      label={label}
      aria-label={name}
      placeholder={t('notUsed')}
      value={shown}
      onChange={(next) => onChange(next === null ? null : Number((next * factor).toFixed(6)))}
      min={0}
      allowNegative={false}
      clampBehavior="none"
      decimalScale={unit === 'records' ? 0 : 2}
      decimalSeparator={formatNumber(1.5, language).charAt(1)}
      suffix={unit === 'share' ? ' %' : ''}
      hideControls
      error={isRefused && t('between', { least: formatAlertValue(least, unit, language), most: formatAlertValue(most, unit, language) })}
      {...(unit === 'seconds' && {
        rightSectionWidth: 116,
        rightSection: (
          <NativeSelect
            aria-label={`${name}: ${t('unit')}`}
            variant="unstyled"
            w={104}
            rightSectionWidth={28}
            // The select must not inherit the padding of the field it stands in.
            styles={{ input: { paddingInline: '8px 28px' } }}
            value={span}
            data={spans.map(({ size, key }) => ({ value: String(size), label: t(key) }))}
            onChange={(event) => {
              const next = Number(event.currentTarget.value);
              setSpan(next);
              // A change of the unit keeps the number: 5 minutes become 5 hours.
              if (value !== null) onChange((value / span) * next);
            }}
          />
        ),
      })}
    />
  );
}
