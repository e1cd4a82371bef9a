import { Button } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage } from '../../lib/i18n.ts';

/** A button and the dialog that it opens. */
export function ButtonWithDialog({
  label,
  isQuiet = false,
  children,
}: {
  label: string;
  isQuiet?: boolean;
  children: (opened: boolean, close: () => void) => ReactNode;
}) {
  const [opened, setOpened] = useState(false);
  return (
    <>
      <Button size="xs" {...(isQuiet ? { variant: 'default' } : {})} onClick={() => setOpened(true)}>
        {label}
      </Button>
      {children(opened, () => setOpened(false))}
    </>
  );
}

/** The values of a number in a text: `count` chooses the plural form, `shown` is what is written. */
export function useCountValues() {
  const language = useLanguage();
  return (count: number) => ({ count, shown: formatNumber(count, language) });
}
