import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { mayBecomePersonal, personalKind } from '@tributary/shared/personal.ts';
import { useEffect, useRef, useState } from 'react';
import { useTexts } from '../lib/i18n.ts';
import { uiTexts } from './texts.ts';

const pauseMs = 300;

/**
 * A search box whose trimmed text is put into the URL after a pause in typing. The text being typed is not changed, but a change of the URL
 * from elsewhere (Back, a link, "clear filters") changes the box.
 *
 * An e-mail address, phone number or document never reaches the URL: a text that may become one waits for Enter, and is then given to
 * `onPerson` alone, or refused where people cannot be looked up.
 */
export function SearchBox({
  label,
  value = '',
  onChange,
  onPerson,
}: {
  label: string;
  value: string | undefined;
  onChange: (text: string | undefined) => void;
  /** Looks the person up. It rejects with the reason when that fails. */
  onPerson?: (text: string) => Promise<unknown>;
}) {
  const t = useTexts(uiTexts);
  const [typed, setTyped] = useState(value);
  const [refused, setRefused] = useState<string>();
  /** Values that this box has put into the URL and that have not come back yet: the URL follows late and may skip some of them. */
  const asked = useRef<string[]>([]);
  const put = (text: string) => {
    if (text === (asked.current.at(-1) ?? value)) return;
    asked.current.push(text);
    onChange(text === '' ? undefined : text);
  };
  const commit = useDebouncedCallback(put, pauseMs);
  useEffect(() => {
    const own = asked.current.indexOf(value);
    asked.current.splice(0, own === -1 ? asked.current.length : own + 1);
    if (own !== -1) return;
    commit.cancel();
    setTyped((old) => (old.trim() === value ? old : value));
  }, [value, commit]);
  const finish = async (text: string) => {
    commit.cancel();
    if (personalKind(text) === undefined) return put(text);
    if (!onPerson) return setRefused(t('personNotHere'));
    try {
      await onPerson(text);
      setTyped('');
    } catch (error) {
      setRefused(error instanceof Error ? error.message : String(error));
    }
  };
  const waits = mayBecomePersonal(typed) && typed.trim() !== value;
  return (
    <TextInput
      size="xs"
      w={{ base: '100%', xs: 240 }}
      aria-label={label}
      placeholder={label}
      maxLength={200}
      leftSection={<IconSearch size={14} aria-hidden />}
      value={typed}
      error={refused}
      description={waits && refused === undefined ? t('pressEnter') : undefined}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      onChange={({ currentTarget }) => {
        const text = currentTarget.value;
        setTyped(text);
        setRefused(undefined);
        if (mayBecomePersonal(text) || personalKind(text) !== undefined) commit.cancel();
        else commit(text.trim());
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') void finish(typed.trim());
      }}
    />
  );
}
