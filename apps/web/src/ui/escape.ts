import { useWindowEvent } from '@mantine/hooks';
import type { RefObject } from 'react';

/** The topmost dialog at the moment Escape was pressed, read before any dialog handles the key and closes. */
let top: Element | undefined;
window.addEventListener(
  'keydown',
  ({ key }) => {
    if (key === 'Escape') top = [...document.querySelectorAll('[role=dialog]')].at(-1);
  },
  { capture: true },
);

/** An open menu or list of options handles Escape itself. */
const taken = '[role=menu], [role=listbox], [aria-expanded=true], [data-mantine-stop-propagation=true]';

/**
 * Closes a panel with Escape, but not together with a dialog above it. Mantine's drawers and dialogs each listen for Escape, so one press
 * would close all of them: a drawer that uses this hook sets `closeOnEscape={false}`.
 */
export function useEscape(panel: RefObject<HTMLElement | null>, onClose: () => void, isOpen = true): void {
  useWindowEvent(
    'keydown',
    (event) => {
      if (!isOpen || event.key !== 'Escape' || event.isComposing) return;
      const isCovered = top !== undefined && top !== panel.current;
      if (!isCovered && !(event.target instanceof Element && event.target.closest(taken))) onClose();
    },
    { capture: true },
  );
}
