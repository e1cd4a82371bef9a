import { NumberInput, type NumberInputProps } from '@mantine/core';
import { useState } from 'react';

const read = (typed: string | number) => (typed === '' || Number.isNaN(Number(typed)) ? null : Number(typed));

/**
 * A number field; null when empty. The text stays as it is typed: on the way to 0.05 people type "0." and "0.0", and from 100 to 200
 * perhaps "00", which are all the number 0.
 */
export function NumberField({
  value,
  onChange,
  ...others
}: Omit<NumberInputProps, 'value' | 'onChange' | 'defaultValue'> & { value: number | null; onChange: (value: number | null) => void }) {
  const [typed, setTyped] = useState<string | number>(value ?? '');
  return (
    <NumberInput
      {...others}
      value={read(typed) === value ? typed : (value ?? '')}
      onChange={(next) => {
        setTyped(next);
        onChange(read(next));
      }}
    />
  );
}
