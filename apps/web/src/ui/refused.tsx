import { Alert } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';
import { ApiError } from '../lib/errors.ts';

/** The command was accepted and waits for a second person. */
const isWaiting = (error: Error) => error instanceof ApiError && error.code === 'approval_requested';

/**
 * Shows why a command was refused. The first invalid field gets the focus, wherever it is in the form; without one, the message is scrolled
 * into view. `atField`: the fields already show the reason.
 */
export function Refused({
  error,
  message = error?.message,
  title,
  atField = false,
  children,
}: {
  error: Error | null;
  /** A text to show instead of the error's message. */
  message?: string | undefined;
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
        <Alert color={isWaiting(error) ? 'blue' : 'red'} role="alert" {...(title === undefined ? {} : { title })}>
          {message}
          {children}
        </Alert>
      )}
    </>
  );
}
