import { createRootRoute, createRoute, createRouter, lazyRouteComponent, notFound, Outlet, redirect } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { myOrgs } from '../lib/orgs.ts';
import { queryClient } from '../lib/query-client.ts';
import { safePath } from '../lib/redirect.ts';
import {
  alertsSearch,
  connectionSearch,
  connectionsSearch,
  deadLettersSearch,
  eventsSearch,
  rangeSearch,
  replaysSearch,
  settingsSearch,
  text,
  wizardSearch,
} from '../lib/search.ts';
import { needsSecondFactor, session } from '../lib/session.ts';
import { NotFound, PageFailed, PageLoading } from './boundaries.tsx';
import { loadWithRetry } from './reachable.ts';

// Every page of the dashboard, in order. The code of a page is loaded when the page is opened.

/**
 * A page in its own chunk. The type of the page is not inferred here: pages link to routes, so a route whose type came from its page would
 * be defined by itself.
 */
const page = (load: () => Promise<unknown>, name: string) =>
  lazyRouteComponent(() => loadWithRetry(load as () => Promise<Record<string, () => ReactNode>>), name);

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound, errorComponent: PageFailed });

/** Pages for people who are not signed in. A person who is signed in is sent on to the page they asked for. */
const guest = createRoute({
  getParentRoute: () => root,
  id: 'guest',
  component: Outlet,
  validateSearch: (search): { next?: string } => text('next', search.next),
  beforeLoad: ({ search, location }) => {
    if (session()) throw redirect({ href: safePath(search.next, location.hash) });
  },
});
/** The guest pages are loaded together, so that a person who moves between them can type at once. */
const guestPage = (name: 'SignIn' | 'SignUp' | 'ForgotPassword') =>
  page(async () => {
    const [signIn, signUp, reset] = await Promise.all([
      import('../features/auth/sign-in.tsx'),
      import('../features/auth/sign-up.tsx'),
      import('../features/auth/reset-password.tsx'),
    ]);
    return { ...signIn, ...signUp, ...reset };
  }, name);
const signIn = createRoute({ getParentRoute: () => guest, path: '/sign-in', component: guestPage('SignIn') });
const signUp = createRoute({ getParentRoute: () => guest, path: '/sign-up', component: guestPage('SignUp') });
const forgot = createRoute({ getParentRoute: () => guest, path: '/forgot-password', component: guestPage('ForgotPassword') });

/** The step of the sign-in after the password. */
const secondFactor = createRoute({
  getParentRoute: () => root,
  path: '/second-factor',
  component: page(() => import('../features/auth/challenge.tsx'), 'Challenge'),
  validateSearch: (search): { next?: string } => text('next', search.next),
  beforeLoad: ({ search, location }) => {
    if (!session()) throw redirect({ to: '/sign-in', search: search.next ? { next: search.next } : {}, hash: location.hash });
    if (!needsSecondFactor()) throw redirect({ href: safePath(search.next, location.hash) });
  },
});

const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  component: Outlet,
  beforeLoad: ({ location }) => {
    const current = session();
    const next = { search: { next: location.pathname + location.searchStr }, hash: location.hash };
    if (!current) throw redirect({ to: '/sign-in', ...next });
    if (needsSecondFactor()) throw redirect({ to: '/second-factor', ...next });
    return { userId: current.user.id };
  },
});

const start = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  beforeLoad: async ({ context }) => {
    const orgs = await queryClient.ensureQueryData(myOrgs(context.userId));
    const last = localStorage.getItem('tributary.org');
    const org = orgs.find((one) => one.slug === last) ?? orgs[0];
    throw org ? redirect({ to: '/o/$org/overview', params: { org: org.slug } }) : redirect({ to: '/new-org' });
  },
});
const newOrg = createRoute({
  getParentRoute: () => signedIn,
  path: '/new-org',
  component: page(() => import('../features/orgs/new-org.tsx'), 'NewOrg'),
});
const newPassword = createRoute({
  getParentRoute: () => signedIn,
  path: '/new-password',
  component: page(() => import('../features/auth/reset-password.tsx'), 'NewPassword'),
});
const invite = createRoute({
  getParentRoute: () => signedIn,
  path: '/invite',
  component: page(() => import('../features/invites/accept-invite.tsx'), 'AcceptInvite'),
});

const org = createRoute({
  getParentRoute: () => signedIn,
  path: '/o/$org',
  component: page(() => import('./layout.tsx'), 'Layout'),
  beforeLoad: async ({ context, params }) => {
    const orgs = await queryClient.ensureQueryData(myOrgs(context.userId));
    const found = orgs.find((one) => one.slug === params.org);
    // An org that the user is not a member of looks like one that does not exist.
    if (!found) throw notFound();
    localStorage.setItem('tributary.org', found.slug);
    return { org: found };
  },
});

const overview = createRoute({
  getParentRoute: () => org,
  path: '/overview',
  validateSearch: rangeSearch,
  component: page(() => import('../features/overview/overview.tsx'), 'Overview'),
});
const connections = createRoute({
  getParentRoute: () => org,
  path: '/connections',
  validateSearch: connectionsSearch,
  component: page(() => import('../features/connections/list.tsx'), 'Connections'),
});
const newConnection = createRoute({
  getParentRoute: () => org,
  path: '/connections/new',
  validateSearch: wizardSearch,
  component: page(() => import('../features/connections/wizard.tsx'), 'NewConnection'),
});
const connection = createRoute({
  getParentRoute: () => org,
  path: '/connections/$connectionId',
  remountDeps: ({ params }) => params.connectionId,
  validateSearch: connectionSearch,
  component: page(() => import('../features/connections/detail.tsx'), 'ConnectionDetail'),
});
const events = createRoute({
  getParentRoute: () => org,
  path: '/events',
  validateSearch: eventsSearch,
  component: page(() => import('../features/events/events.tsx'), 'Events'),
});
const deadLetters = createRoute({
  getParentRoute: () => org,
  path: '/dead-letters',
  validateSearch: deadLettersSearch,
  component: page(() => import('../features/dead-letters/dead-letters.tsx'), 'DeadLetters'),
});
const replays = createRoute({
  getParentRoute: () => org,
  path: '/replays',
  validateSearch: replaysSearch,
  component: page(() => import('../features/replays/replays.tsx'), 'Replays'),
});
const alerts = createRoute({
  getParentRoute: () => org,
  path: '/alerts',
  validateSearch: alertsSearch,
  component: page(() => import('../features/alerts/alerts.tsx'), 'Alerts'),
});
const settings = createRoute({
  getParentRoute: () => org,
  path: '/settings',
  validateSearch: settingsSearch,
  component: page(() => import('./settings/settings.tsx'), 'Settings'),
});
const pipeline = createRoute({
  getParentRoute: () => org,
  path: '/pipeline',
  component: page(() => import('../features/pipeline/pipeline.tsx'), 'Pipeline'),
});
const installation = createRoute({
  getParentRoute: () => org,
  path: '/installation',
  component: page(() => import('../features/operators/installation.tsx'), 'Installation'),
});
const routes = root.addChildren([
  guest.addChildren([signIn, signUp, forgot]),
  secondFactor,
  signedIn.addChildren([
    start,
    newOrg,
    newPassword,
    invite,
    org.addChildren([
      overview,
      connections,
      newConnection,
      connection,
      events,
      deadLetters,
      replays,
      alerts,
      settings,
      pipeline,
      installation,
    ]),
  ]),
]);

export const router = createRouter({
  routeTree: routes,
  defaultPreload: 'intent',
  defaultPendingComponent: PageLoading,
  defaultErrorComponent: PageFailed,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
