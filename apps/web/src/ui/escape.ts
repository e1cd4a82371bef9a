import { useWindowEvent } from '@mantine/hooks';
import type { RefObject } from 'react';

/** The dialog that lay on top when Escape went down. Read before any of them hears of the key, and closes. */
let top: Element | undefined;
window.addEventListener(
  'keydown',
  ({ key }) => {
    if (key === 'Escape') top = [...document.querySelectorAll('[role=dialog]')].at(-1);
  },
  { capture: true },
);

/** A menu or a list of options that is open has Escape for itself. */
const taken = '[role=menu], [role=listbox], [aria-expanded=true], [data-mantine-stop-propagation=true]';

/**
 * Closes a panel with Escape, but not together with what lies over it. Mantine's drawers and dialogs each listen for themselves, so that
 * one press would close all: a drawer that uses this has `closeOnEscape={false}`.
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
