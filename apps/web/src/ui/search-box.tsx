import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';

const pauseMs = 300;

/**
 * A search box whose trimmed text is put into the URL after a pause in typing. The text being typed is not changed, but a change of the URL
 * from elsewhere (Back, a link, "clear filters") changes the box.
 */
export function SearchBox({
  label,
  value = '',
  onChange,
}: {
  label: string;
  value: string | undefined;
  onChange: (text: string | undefined) => void;
}) {
  const [typed, setTyped] = useState(value);
  /** Values that this box has put into the URL and that have not come back yet: the URL follows late and may skip some of them. */
  const asked = useRef<string[]>([]);
  const commit = useDebouncedCallback((text: string) => {
    if (text === (asked.current.at(-1) ?? value)) return;
    asked.current.push(text);
    onChange(text === '' ? undefined : text);
  }, pauseMs);
  useEffect(() => {
    const own = asked.current.indexOf(value);
    asked.current.splice(0, own === -1 ? asked.current.length : own + 1);
    if (own !== -1) return;
    commit.cancel();
    setTyped((old) => (old.trim() === value ? old : value));
  }, [value, commit]);
  return (
    <TextInput
      size="xs"
      w={{ base: '100%', xs: 240 }}
      aria-label={label}
      placeholder={label}
      maxLength={200}
      leftSection={<IconSearch size={14} aria-hidden />}
      value={typed}
      onChange={({ currentTarget }) => {
        setTyped(currentTarget.value);
        commit(currentTarget.value.trim());
      }}
    />
  );
}
