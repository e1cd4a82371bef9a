-- The journal: every delivery received. Replay always starts here.

create table public.event_journal (
  id uuid not null,
  org_id uuid not null,
  source_connection_id uuid not null,
  received_at timestamptz not null,
  content_type text,
  byte_size integer not null check (byte_size >= 0),
  body_sha256 text not null check (length(body_sha256) = 64),  -- hex, of the bytes as they were sent
  record_count integer not null,
  outcome text not null check (outcome in ('accepted', 'duplicate', 'dead_lettered', 'mixed', 'rejected')),
  is_test boolean not null default false,
  replay_of uuid,
  -- Canonical types and the platform's own names of the delivery's events, so that a replay finds deliveries by them.
  event_types text[] not null default '{}',
  -- Marks an erased delivery, so that the dashboard does not show it as an empty one, and so that it is never run again.
  erased_at timestamptz,
  primary key (id, received_at),
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id)
) partition by range (received_at);
create index event_journal_org_received_idx on public.event_journal (org_id, received_at desc, id desc);
-- The replays of a delivery.
create index event_journal_replay_idx on public.event_journal (replay_of) where replay_of is not null;
comment on table public.event_journal is 'Every delivery received, with its outcome. The source of truth: replay always starts here.';

create table private.journal_payloads (
  journal_id uuid not null,
  received_at timestamptz not null,
  org_id uuid not null,
  key_version integer not null,
  sealed bytea not null,
  primary key (journal_id, received_at)
) partition by range (received_at);
-- Ciphertext does not compress, so Postgres must not try to compress it.
alter table private.journal_payloads alter column sealed set storage external;
comment on table private.journal_payloads is 'The sealed body of each delivery, stored beside its journal row and dropped together with it.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant select on public.event_journal to authenticated;
grant insert on public.event_journal, private.journal_payloads to ingest;
-- Jobs read a delivery to run it again, and write the new delivery as the hot path does, in the transaction that ends the dead letter.
grant select, insert on public.event_journal, private.journal_payloads to worker;

-- `true` is enough for ingest: the role may only insert, and the composite foreign keys decide which rows.
alter table public.event_journal enable row level security;
alter table private.journal_payloads enable row level security;

create policy event_journal_select on public.event_journal for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy event_journal_ingest on public.event_journal for insert to ingest with check (true);
create policy event_journal_worker on public.event_journal for select to worker using (true);
create policy event_journal_worker_insert on public.event_journal for insert to worker with check (true);
create policy journal_payloads_ingest on private.journal_payloads for insert to ingest with check (true);
create policy journal_payloads_worker on private.journal_payloads for select to worker using (true);
create policy journal_payloads_worker_insert on private.journal_payloads for insert to worker with check (true);
