-- Canonical events, and the keys that make each of them unique.

create table private.event_keys (
  source_connection_id uuid not null,
  idempotency_key text not null check (length(idempotency_key) between 1 and 255),
  event_id uuid not null,
  event_time timestamptz not null,     -- finds the event's partition
  body_sha256 bytea not null check (length(body_sha256) = 32),  -- the record's fingerprint
  created_at timestamptz not null default now(),
  constraint unique_event_per_source primary key (source_connection_id, idempotency_key)
);
comment on table private.event_keys is
'Permanent idempotency. The table is unpartitioned on purpose: a unique key of a partitioned table must contain the partition key, and would then
hold only inside one partition. The keys are kept when partitions of events are dropped.';

create table public.canonical_events (
  id uuid not null,
  org_id uuid not null,
  project_id uuid not null,
  source_connection_id uuid not null,
  type text not null,
  source_type text not null,
  source_event_type text not null,
  source_event_id text,
  event_time timestamptz not null,
  received_at timestamptz not null,
  ingested_at timestamptz not null,
  idempotency_key text not null,
  subject jsonb not null default '{}',
  amount_minor bigint,
  currency text check (length(currency) = 3 and currency = upper(currency)),
  order_ref text,
  attribution jsonb not null default '{}',
  properties jsonb not null default '{}',
  is_test boolean not null default false,
  journal_id uuid not null,
  schema_version integer not null,
  -- 1 when the event is first stored; each reprocessing that rewrites the event from the journal adds one.
  revision integer not null default 1 check (revision > 0),
  -- Marks an erased event, so that the dashboard does not show it as an empty one, and so that it is never rewritten.
  erased_at timestamptz,
  primary key (id, event_time),
  -- An event can never point at another org's connection or project, even if the code has an error.
  foreign key (org_id, project_id, source_connection_id) references public.source_connections (org_id, project_id, id)
) partition by range (event_time);
create index canonical_events_org_time_idx on public.canonical_events (org_id, event_time desc, id desc);
create index canonical_events_connection_time_idx on public.canonical_events (source_connection_id, event_time desc);
-- People look events up by time and connection, by type, by order, and by the person an event is about.
create index canonical_events_org_type_time_idx on public.canonical_events (org_id, type, event_time desc, id desc);
create index canonical_events_org_order_idx on public.canonical_events (org_id, order_ref, event_time desc) where order_ref is not null;
create index canonical_events_subject_idx on public.canonical_events using gin (subject jsonb_path_ops);
-- The events of a delivery.
create index canonical_events_journal_idx on public.canonical_events (journal_id);
comment on table public.canonical_events is
'One record of a delivery: verified, normalised, with its personal data hashed. Unique per connection and idempotency key, permanently.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant select on public.canonical_events to authenticated;
grant insert on public.canonical_events to ingest, worker;
-- A batch learns which keys were new, and the id of the stored event for each other key. It cannot read any event.
grant select, insert on private.event_keys to ingest, worker;

-- `true` is enough for ingest: the role may only insert, and the composite foreign keys decide which rows.
alter table private.event_keys enable row level security;
alter table public.canonical_events enable row level security;

create policy event_keys_ingest_insert on private.event_keys for insert to ingest with check (true);
create policy event_keys_ingest_select on private.event_keys for select to ingest using (true);
create policy event_keys_worker_insert on private.event_keys for insert to worker with check (true);
create policy event_keys_worker_select on private.event_keys for select to worker using (true);
create policy canonical_events_select on public.canonical_events for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy canonical_events_ingest on public.canonical_events for insert to ingest with check (true);
create policy canonical_events_worker_insert on public.canonical_events for insert to worker with check (true);
