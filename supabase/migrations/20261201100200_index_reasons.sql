-- Each index of the tables that every delivery writes costs processor time and log with each row, so each names the query that needs it. A test reads
-- these comments, runs the queries and checks that they use the index (apps/api/src/operate/hot-indexes.test.ts). The figures are measured with 64
-- purchases a batch: microseconds of the backend and bytes of log for a purchase, of 150 and 5,800.

comment on index public.canonical_events_pkey is
'Read by findEventHead in apps/api/src/events/store.ts: the panel of one event, everything that joins events by their ids, and the check of reprocessing. 35 bytes.';
comment on index public.canonical_events_connection_time_idx is
'Read by latestOfConnection in apps/web/src/features/connections/queries.ts: the newest events of a connection, also in public.search_events and findExplainable. 1 us, 104 bytes.';
comment on index public.canonical_events_journal_idx is
'Read by findRecords in apps/api/src/events/store.ts: what a delivery became, and private.find_by_id. 3 us, 76 bytes.';
comment on index public.canonical_events_org_order_idx is
'Read by private.find_by_id: the events of an order, also as a filter of public.search_events. Events without an order are not in it. 4 us, 130 bytes.';
comment on index public.canonical_events_org_time_idx is
'Read by public.events_histogram: the org''s events by time, which most lists, exports and counts walk. 2 us, 133 bytes.';
comment on index public.canonical_events_org_type_time_idx is
'Read by public.search_events: the events of some types, newest first; without it the walk for a rare type reads the whole history. 3 us, 157 bytes.';
comment on index public.canonical_events_source_event_idx is
'Read by private.find_by_id: an event by the platform''s id where it is not the idempotency key; the other events, nearly all, are not in it and cost nothing.';
comment on index public.canonical_events_subject_idx is
'Read by private.find_events_of_subject: the events of a person, also for erasures and filters. Ingestion only adds to its pending list (1 us, 220 bytes);
private.empty_pending_lists does the work (13 us).';

comment on index private.unique_event_per_source is
'Read by private.find_by_id: an event by its idempotency key. Every batch asks it whether a record was stored before; it is the guarantee of permanent idempotency. 111 bytes; see wal_compression in docs/deploy.md.';

comment on index public.event_journal_pkey is
'Read by findEntryHead in apps/api/src/journal/store.ts: a delivery by its id. 35 bytes.';
comment on index public.event_journal_org_received_idx is
'Read by findNextDeliveries in apps/api/src/erasures/store.ts: the org''s deliveries by time, which the list of deliveries, replays, quotas and legal holds walk too. 3 us, 145 bytes.';
comment on index public.event_journal_replay_idx is
'Read by findAttempts in apps/api/src/events/store.ts: the replays of a delivery. Only replays are in it.';
comment on index private.journal_payloads_pkey is
'Read by findJournalEntries in apps/api/src/deliveries/store.ts: the sealed body of a delivery. 35 bytes.';

comment on index public.connection_activity_pkey is
'Read by private.list_orgs_to_measure: the newest minutes of all orgs, as private.roll_up_activity reads them. One row for a batch and connection.';
comment on index public.connection_activity_connection_bucket_idx is
'Read by findExplainable in apps/api/src/connections/store.ts: the newest minutes of a connection; private.adapter_lag and private.connection_verdicts too. One row for a batch and connection.';

comment on index public.dlq_events_pkey is
'Read by findEntry in apps/api/src/dlq/store.ts: a dead letter by its id.';
comment on index public.dlq_events_class_idx is
'Read by listEntries in apps/api/src/dlq/store.ts: the dead letters of some classes, newest first.';
comment on index public.dlq_events_connection_idx is
'Read by countEntries in apps/api/src/dlq/store.ts: how many dead letters a connection has; it covers the foreign key to the connection.';
comment on index public.dlq_events_due_idx is
'Read by private.claim_dead_letters: what is due for a retry, by org.';
comment on index public.dlq_events_journal_idx is
'Read by findRecords in apps/api/src/events/store.ts: the dead letters of a delivery, also when a replay settles them (private.settle_replayed).';
comment on index public.dlq_events_key_idx is
'Read by private.find_by_id: a dead letter by the idempotency key of its record.';
comment on index public.dlq_events_leased_idx is
'Read by reclaim in apps/api/src/dlq/claims.ts: what an earlier run of an operation claimed and did not settle. Only entries under a retry are in it.';
comment on index public.dlq_events_open_idx is
'Read by summariseEntries in apps/api/src/dlq/store.ts: the groups of open entries, counted from the index alone.';
comment on index public.dlq_events_org_created_idx is
'Read by listEntries in apps/api/src/dlq/store.ts: the dead letters of an org of every status, newest first.';
comment on index public.dlq_events_record_idx is
'Read by private.free_record_key: the open entry of a record. It is the guarantee that a record has one.';
comment on index public.dlq_events_status_idx is
'Read by private.dlq_depth: the number of open entries of all orgs by status, and the age of the oldest.';
