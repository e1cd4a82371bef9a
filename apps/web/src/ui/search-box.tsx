import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';

const pauseMs = 300;

/**
 * A search whose text stands in the URL, trimmed, after a pause in the typing. What is being typed stays as it is typed; what changes the URL
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
  /** What this box has asked for and not seen come back: the URL follows late, and not through every step. */
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
