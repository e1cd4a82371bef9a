import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import type { EventRow } from './queries.ts';

/** The whole list is one stop of the Tab key; the arrow keys, Page Up and Down, Home and End move within it. */
export function useArrowKeys(rows: readonly EventRow[], openedIndex: number, scrollTo: (index: number) => void) {
  const [stop, setStop] = useState(0);
  const wanted = useRef<number>(undefined);
  useEffect(() => {
    if (wanted.current === undefined) return;
    const link = document.querySelector<HTMLElement>(`[data-event-index="${wanted.current}"]`);
    if (!link) return;
    wanted.current = undefined;
    link.focus({ preventScroll: true });
  });
  return {
    tabStop: openedIndex >= 0 && stop === 0 ? openedIndex : stop,
    onFocus: ({ target }: { target: Element }) => {
      const index = target.getAttribute('data-event-index');
      if (index !== null) setStop(Number(index));
    },
    onKeyDown: (event: KeyboardEvent) => {
      const at = Number((event.target as Element).getAttribute('data-event-index') ?? Number.NaN);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1, PageDown: at + 10, PageUp: at - 10 }[event.key];
      if (to === undefined || Number.isNaN(at) || rows.length === 0) return;
      event.preventDefault();
      const next = Math.min(Math.max(to, 0), rows.length - 1);
      wanted.current = next;
      setStop(next);
      scrollTo(next);
    },
  };
}
