import { useSearch } from '@tanstack/react-router';
import type { ReplayFilter } from '@tributary/shared/replays.ts';
import dayjs from 'dayjs';
import { useState } from 'react';
import type { NewPlan } from './queries.ts';

export const outcomes = ['accepted', 'duplicate', 'dead_lettered', 'mixed', 'incomplete'] as const;

export const throttleDefault = 100;

/** The plan in the URL, as the API takes it. An invalid time counts as missing. */
export function usePlan(name: string): { plan: NewPlan; problem: 'rangeMissing' | 'rangeWrong' | undefined } {
  const search = useSearch({ from: '/signed-in/o/$org/replays' });
  // By default the last 24 hours, up to the end of the minute in which the form is opened.
  const [now] = useState(() => dayjs().add(1, 'minute').startOf('minute'));
  const moment = (text: string | undefined, fallback: dayjs.Dayjs) => {
    const at = text === undefined ? fallback : dayjs(text);
    return at.isValid() ? at.toISOString() : '';
  };
  const [from, to] = [moment(search.from, now.subtract(1, 'day')), moment(search.to, now)];
  const chosen = outcomes.filter((outcome) => search.outcomes?.includes(outcome));
  const filter: ReplayFilter = {
    from,
    to,
    ...(search.connections ? { connectionIds: search.connections } : {}),
    ...(search.types ? { eventTypes: search.types } : {}),
    ...(chosen.length > 0 ? { outcomes: chosen } : {}),
    ...(search.replays ? { includeReplays: true } : {}),
  };
  const rate = Number(search.rate ?? throttleDefault);
  const throttlePerSecond = Number.isInteger(rate) && rate >= 1 && rate <= 1_000 ? rate : throttleDefault;
  return {
    plan: { ...(name.trim() ? { name: name.trim() } : {}), mode: search.mode ?? 'replay', throttlePerSecond, filter },
    problem: from === '' || to === '' ? 'rangeMissing' : from < to ? undefined : 'rangeWrong',
  };
}
