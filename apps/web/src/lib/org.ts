import { useRouteContext } from '@tanstack/react-router';
import type { Org } from './orgs.ts';

/** The org of the page at hand: the router finds it by the URL before the page is drawn, and only among the user's own. */
export function useOrg(): Org {
  return useRouteContext({ from: '/signed-in/o/$org' }).org;
}
