import { NumberInput, type NumberInputProps } from '@mantine/core';
import { useState } from 'react';

const read = (typed: string | number) => (typed === '' || Number.isNaN(Number(typed)) ? null : Number(typed));

/**
 * A number; null where there is none. It stays as it is typed: on the way to 0.05 stand "0." and "0.0", from 100 to 200 perhaps "00", none of
 * them another number than 0.
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
