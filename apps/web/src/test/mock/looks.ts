/** One look of the dashboard: a page, one of its tabs, or a row opened in it. */
export interface Look {
  name: string;
  /** The path below the dashboard's address. */
  path: string;
}

/** The rows of an org that its pages can open. A row that is left out has no look. */
export interface Rows {
  connection?: string;
  event?: string;
  deadLetter?: string;
  quarantined?: string;
  plan?: string;
  incident?: string;
}

/** Every page of an org with its tabs and panels, in the order of the menu. */
export function looksOf(slug: string, rows: Rows = {}): Look[] {
  const looks: [name: string, path: string, row?: string | undefined][] = [
    ['overview', 'overview'],
    ['connections', 'connections'],
    ['connections-new', 'connections/new'],
    ['connections-new-form', 'connections/new?type=hotmart'],
    ['connections-new-waiting', `connections/new?type=hotmart&created=${rows.connection}`, rows.connection],
    ...['activity', 'fields', 'setup', 'test', 'settings'].map((tab): [string, string, string | undefined] => [
      `connection-${tab}`,
      `connections/${rows.connection}?tab=${tab}`,
      rows.connection,
    ]),
    ['events', 'events'],
    ...['canonical', 'properties', 'delivery'].map((tab): [string, string, string | undefined] => [
      `event-${tab}`,
      `events?event=${rows.event}&tab=${tab}`,
      rows.event,
    ]),
    ...['groups', 'entries', 'quarantine', 'operations'].map((tab): [string, string] => [`dead-letters-${tab}`, `dead-letters?tab=${tab}`]),
    ['dead-letter', `dead-letters?tab=entries&entry=${rows.deadLetter}`, rows.deadLetter],
    ['quarantined', `dead-letters?tab=quarantine&entry=${rows.quarantined}`, rows.quarantined],
    ['replays', 'replays'],
    ['replays-new', 'replays?new=1'],
    ['replay-plan', `replays?plan=${rows.plan}`, rows.plan],
    ...['incidents', 'rules', 'channels'].map((tab): [string, string] => [`alerts-${tab}`, `alerts?tab=${tab}`]),
    ['incident', `alerts?tab=incidents&incident=${rows.incident}`, rows.incident],
    ...['org', 'projects', 'members', 'quotas', 'security', 'privacy', 'audit'].map((tab): [string, string] => [
      `settings-${tab}`,
      `settings?tab=${tab}`,
    ]),
    ['pipeline', 'pipeline'],
    ['installation', 'installation'],
  ];
  return looks.filter((look) => look.length === 2 || look[2] !== undefined).map(([name, path]) => ({ name, path: `/o/${slug}/${path}` }));
}

/** The looks that signed-in people see outside of an org. */
export const personalLooks: readonly Look[] = [
  { name: 'new-org', path: '/new-org' },
  { name: 'new-password', path: '/new-password' },
  { name: 'invite', path: '/invite' },
];

/** The looks that people see who are not signed in. */
export const guestLooks: readonly Look[] = [
  { name: 'sign-in', path: '/sign-in' },
  { name: 'sign-up', path: '/sign-up' },
  { name: 'forgot-password', path: '/forgot-password' },
];
