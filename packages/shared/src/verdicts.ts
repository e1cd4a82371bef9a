/**
 * What can be said about a connection, the first that applies: `paused` its deliveries are refused because somebody wants that, `needs_secret`
 * they are rejected until the secret is set, `failing`, `silent` or `late` by the rules of the org, `waiting` for the first event of the
 * platform, or `ok`. The database computes it (private.connection_verdicts), for the dashboard, the API, the command line and the health.
 */
export const connectionVerdicts = ['ok', 'needs_secret', 'paused', 'failing', 'silent', 'late', 'waiting'] as const;
export type ConnectionVerdict = (typeof connectionVerdicts)[number];
