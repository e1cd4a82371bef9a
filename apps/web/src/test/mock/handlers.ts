import { PublicConfig } from '@tributary/shared/api.ts';
import { type HttpHandler, HttpResponse, http } from 'msw';
import { alertHandlers, channelRows, incidentConnectionRows, incidentRows } from './alerts.ts';
import { answer } from './answers.ts';
import { connectionHandlers, connectionRows } from './connections.ts';
import { deadLetterHandlers, deadLetterRows } from './dead-letters.ts';
import { eventHandlers, eventRows, journalRows } from './events.ts';
import { flowHandlers } from './flow.ts';
import { planRows, replayHandlers } from './replays.ts';
import { auditRows, memberRows, orgRows, projectRows, settingsHandlers } from './settings.ts';
import { type Tables, tableHandlers } from './tables.ts';
import { type Row, session, type World } from './world.ts';

/** Both servers of the dashboard, ours and Supabase, as one list of handlers over the rows of a world. */
export function handlersOf(world: World): HttpHandler[] {
  const tables = {
    orgs: orgRows(world),
    org_members: memberRows(world),
    projects: projectRows(),
    source_connections: connectionRows(world),
    canonical_events: eventRows(world),
    event_journal: journalRows(world),
    dlq_events: deadLetterRows(world),
    replay_plans: planRows(world),
    alert_incidents: incidentRows(world),
    alert_incident_connections: incidentConnectionRows(world),
    alert_channels: channelRows(world),
    audit_log: auditRows(world),
    org_invites: [] as Row<'org_invites'>[],
  } satisfies Tables;
  return [
    http.get('*/api/config', () =>
      answer(PublicConfig, { supabaseUrl: world.supabaseUrl, publishableKey: 'publishable', version: '0.0.0' }),
    ),
    http.get('*/api/sources', ({ request }) => {
      const language = new URL(request.url).searchParams.get('language') === 'pt-BR' ? 'pt-BR' : 'en';
      return HttpResponse.json(world.sources[language]);
    }),
    ...authHandlers(world),
    ...flowHandlers(),
    ...connectionHandlers(world, tables.source_connections),
    ...eventHandlers(world, tables.canonical_events, tables.event_journal),
    ...deadLetterHandlers(world),
    ...replayHandlers(world),
    ...alertHandlers(world, tables.alert_incidents),
    ...settingsHandlers(world, tables.orgs, tables.org_members),
    ...tableHandlers(world.supabaseUrl, tables),
  ];
}

const authHandlers = ({ supabaseUrl }: World) => [
  http.post(`${supabaseUrl}/auth/v1/token`, () => HttpResponse.json(session())),
  http.post(`${supabaseUrl}/auth/v1/signup`, () => HttpResponse.json(session())),
  http.post(`${supabaseUrl}/auth/v1/recover`, () => HttpResponse.json({})),
  http.post(`${supabaseUrl}/auth/v1/logout`, () => new HttpResponse(null, { status: 204 })),
  http.get(`${supabaseUrl}/auth/v1/user`, () => HttpResponse.json(session().user)),
];
