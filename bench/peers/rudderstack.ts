import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { freePort } from '@tributary/supabase/local/ports.ts';
import { binary, database, fileNamed, port, ready, start } from './start.ts';

/**
 * RudderStack's gateway: node bench/peers/rudderstack.ts <rudder-server>
 *
 * It answers when a batch with the event is committed to a table of its queue, by COPY; it waits up to 15 ms for the events of a worker and 5 ms for those of
 * other workers. Before that it parses and writes the JSON again, with an id. It compares a write key, and verifies no signature. Copies are stored: the
 * processor, which does not run here, would remove them later. The server has its default settings, except that it takes events without a user, so that
 * it can be sent the same bodies as the others, and that it sends no statistics.
 */
const workspace = {
  workspaceId: 'bench',
  enableMetrics: false,
  sources: [
    {
      id: 'bench',
      name: 'bench',
      writeKey: 'bench-write-key',
      workspaceId: 'bench',
      enabled: true,
      config: {},
      destinations: [],
      sourceDefinition: { id: 'http', name: 'HTTP', category: null },
    },
  ],
};
writeFileSync(fileNamed('workspace.json'), JSON.stringify(workspace));

// The gateway listens after it has asked the service of transformations once what that can do.
const transformerPort = await freePort();
createServer((_request, response) =>
  response.end(JSON.stringify({ supportSourceTransformV1: true, upgradedToSourceTransformV2: true })),
).listen(transformerPort, '127.0.0.1');

start(binary, [], {
  APP_TYPE: 'GATEWAY',
  INSTANCE_ID: '1',
  RSERVER_GATEWAY_WEB_PORT: port,
  RSERVER_GATEWAY_ALLOW_REQS_WITHOUT_USER_IDAND_ANONYMOUS_ID: 'true',
  RSERVER_BACKEND_CONFIG_CONFIG_FROM_FILE: 'true',
  RSERVER_BACKEND_CONFIG_CONFIG_JSONPATH: fileNamed('workspace.json'),
  CONFIG_BACKEND_URL: 'http://127.0.0.1:9',
  DEST_TRANSFORM_URL: `http://127.0.0.1:${transformerPort}`,
  RSERVER_ENABLE_STATS: 'false',
  RSERVER_DIAGNOSTICS_ENABLE_DIAGNOSTICS: 'false',
  RSERVER_SOURCE_DEBUGGER_DISABLE_EVENT_UPLOADS: 'true',
  RSERVER_ADMIN_SERVER_ENABLED: 'false',
  RSERVER_PROFILER_ENABLED: 'false',
  RSERVER_DB_HOST: database.hostname,
  RSERVER_DB_PORT: database.port,
  RSERVER_DB_USER: database.username,
  RSERVER_DB_PASSWORD: database.password,
  RSERVER_DB_NAME: database.pathname.slice(1),
  RUDDER_TMPDIR: fileNamed('.'),
});

ready({
  path: '/v1/track',
  ready: '/health',
  headers: { authorization: `Basic ${Buffer.from('bench-write-key:').toString('base64')}` },
  // Its queue is a row of tables gw_jobs_1, gw_jobs_2 and so on.
  count: `select coalesce(sum((xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %I', tablename), true, true, '')))[1]::text::bigint), 0)
          from pg_tables where tablename ~ '^gw_jobs_[0-9]+$'`,
});
