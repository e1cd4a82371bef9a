import { Alert } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';

/**
 * What a command was refused with, or nothing. The first field that is wrong gets the focus, wherever it is in the form; where none is,
 * the words are brought into view. `atField`: the fields say it already.
 */
export function Refused({
  error,
  said = error?.message,
  title,
  atField = false,
  children,
}: {
  error: Error | null;
  /** In other words than the error's own. */
  said?: string | undefined;
  title?: string;
  atField?: boolean;
  children?: ReactNode;
}) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (!error) return;
    const wrong = place.current?.closest('form')?.querySelectorAll<HTMLElement>('[aria-invalid="true"]') ?? [];
    const shown = [...wrong].find((field) => field.offsetParent !== null);
    if (shown) shown.focus();
    else place.current?.nextElementSibling?.scrollIntoView({ block: 'nearest' });
  }, [error]);
  return (
    <>
      <span ref={place} hidden />
      {error && !atField && (
        <Alert color="red" role="alert" {...(title === undefined ? {} : { title })}>
          {said}
          {children}
        </Alert>
      )}
    </>
  );
}
