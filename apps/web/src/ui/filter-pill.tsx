import { ActionIcon, Button, Group, Popover } from '@mantine/core';
import { IconChevronDown, IconX } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { useTexts } from '../lib/i18n.ts';
import { uiTexts } from './texts.ts';

/** One filter: its name, its value, and a button that removes it. Its editor opens below; `children` gets a function that closes it. */
export function FilterPill({
  label,
  value,
  onClear,
  width = 320,
  children,
}: {
  label: string;
  /** The value in words; undefined when the filter is not set. */
  value: string | undefined;
  onClear: () => void;
  width?: number;
  children: (close: () => void) => ReactNode;
}) {
  const t = useTexts(uiTexts);
  const [opened, setOpened] = useState(false);
  const close = () => setOpened(false);
  const isSet = value !== undefined;
  return (
    <Group gap={0} wrap="nowrap" maw="100%">
      <Popover opened={opened} onChange={setOpened} width={width} position="bottom-start" shadow="md" trapFocus returnFocus withinPortal>
        <Popover.Target>
          <Button
            size="xs"
            variant={isSet ? 'outline' : 'default'}
            onClick={() => setOpened((now) => !now)}
            {...(isSet
              ? { style: { borderStartEndRadius: 0, borderEndEndRadius: 0, borderInlineEnd: 0 } }
              : { rightSection: <IconChevronDown size={14} aria-hidden /> })}
            styles={{ label: { maxWidth: 260, unicodeBidi: 'isolate' } }}
          >
            {isSet ? `${label}: ${value}` : label}
          </Button>
        </Popover.Target>
        <Popover.Dropdown aria-label={label} maw="94vw">
          {children(close)}
        </Popover.Dropdown>
      </Popover>
      {isSet && (
        <ActionIcon
          size={30}
          variant="outline"
          onClick={onClear}
          aria-label={t('removeFilter', { filter: label })}
          style={{ borderStartStartRadius: 0, borderEndStartRadius: 0 }}
        >
          <IconX size={14} />
        </ActionIcon>
      )}
    </Group>
  );
}
