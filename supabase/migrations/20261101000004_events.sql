-- Journal, keys, canonical events, dead letters and activity.

-- Every delivery received. Replay always starts here.
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
  primary key (id, received_at),
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id)
) partition by range (received_at);
create index event_journal_org_received_idx on public.event_journal (org_id, received_at desc, id desc);

-- The sealed delivery beside its journal row. Dropped with it.
create table private.journal_payloads (
  journal_id uuid not null,
  received_at timestamptz not null,
  org_id uuid not null,
  key_version integer not null,
  sealed bytea not null,
  primary key (journal_id, received_at)
) partition by range (received_at);
-- Ciphertext does not compress: do not try.
alter table private.journal_payloads alter column sealed set storage external;

-- Permanent idempotency. Unpartitioned on purpose: a unique key of a partitioned table must contain the partition key,
-- and then would hold only inside one partition. Kept when partitions of events are dropped.
create table private.event_keys (
  source_connection_id uuid not null,
  idempotency_key text not null check (length(idempotency_key) between 1 and 255),
  event_id uuid not null,
  event_time timestamptz not null,     -- finds the event's partition
  body_sha256 bytea not null check (length(body_sha256) = 32),  -- the record's fingerprint
  created_at timestamptz not null default now(),
  constraint unique_event_per_source primary key (source_connection_id, idempotency_key)
);

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
  primary key (id, event_time),
  -- An event can never point at another org's connection or project, whatever the code does.
  foreign key (org_id, project_id, source_connection_id) references public.source_connections (org_id, project_id, id)
) partition by range (event_time);
create index canonical_events_org_time_idx on public.canonical_events (org_id, event_time desc, id desc);
create index canonical_events_connection_time_idx on public.canonical_events (source_connection_id, event_time desc);

create table public.dlq_events (
  id uuid primary key,
  org_id uuid not null,
  project_id uuid not null,
  source_connection_id uuid not null,
  journal_id uuid not null,
  record_index integer,               -- position in the delivery; null: the whole delivery
  error_class text not null,
  last_error_message text not null,
  field_path text,
  source_event_type text,
  idempotency_key text,
  status text not null default 'pending' check (status in ('pending', 'retrying', 'resolved', 'exhausted', 'discarded')),
  attempts integer not null default 0 check (attempts >= 0),
  next_retry_at timestamptz,
  is_quarantine boolean not null default false,
  sample jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  resolved_at timestamptz,
  foreign key (org_id, project_id, source_connection_id) references public.source_connections (org_id, project_id, id)
);
create index dlq_events_org_created_idx on public.dlq_events (org_id, created_at desc, id desc);
create index dlq_events_connection_idx on public.dlq_events (org_id, project_id, source_connection_id);
create index dlq_events_due_idx on public.dlq_events (next_retry_at) where status = 'pending' and next_retry_at is not null;

create trigger touch before update on public.dlq_events for each row execute function private.touch_updated_at();

-- Counters, one row per connection and flush: insert-only, so that two flushes never wait for each other's row.
-- lag_histogram counts source-to-commit lag in seconds by the upper bounds 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600 and beyond:
-- histograms add up, percentiles do not.
create table public.connection_activity (
  id bigint generated always as identity,
  org_id uuid not null,
  source_connection_id uuid not null,
  bucket timestamptz not null,        -- the minute of the flush
  received integer not null default 0,
  accepted integer not null default 0,
  duplicates integer not null default 0,
  dead_lettered integer not null default 0,
  rejected integer not null default 0,
  lag_sum_ms bigint not null default 0,
  lag_max_ms bigint not null default 0,
  lag_histogram integer[] not null default '{}',
  last_event_time timestamptz,
  primary key (bucket, id),
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id)
) partition by range (bucket);
create index connection_activity_connection_bucket_idx on public.connection_activity (org_id, source_connection_id, bucket desc);

-- Rejected deliveries stored in an hour, over all processes: beyond the cap they are counted only.
create table private.quarantine_hours (
  source_connection_id uuid not null,
  hour timestamptz not null,
  stored integer not null,
  primary key (source_connection_id, hour)
);

-- Partitions --------------------------------------------------------------------------------------------------------

-- How long history is kept, and how far ahead its partitions are made. Platform-wide; change with an update.
create table private.retention (
  table_name text primary key,        -- schema.table of a partitioned parent
  keep_days integer not null check (keep_days > 0),
  months_back integer not null,       -- made behind us at first: late events have a month to land in
  months_ahead integer not null check (months_ahead > 0)
);
insert into private.retention (table_name, keep_days, months_back, months_ahead) values
  ('public.canonical_events', 400, 13, 3),
  ('public.event_journal', 90, 0, 3),
  ('private.journal_payloads', 90, 0, 3),
  ('public.connection_activity', 400, 0, 3);

create function private.create_partition(p_parent regclass, p_month date)
returns boolean
language plpgsql security definer
set search_path = ''
as $$
declare
  v_table text := (select relname from pg_catalog.pg_class where oid = p_parent);
  v_name text := coalesce(v_table || to_char(p_month, '"_y"YYYY"m"MM'), v_table || '_default');
  v_clock text := (
    select a.attname from pg_catalog.pg_partitioned_table t
    join pg_catalog.pg_attribute a on a.attrelid = t.partrelid and a.attnum = t.partattrs[0]
    where t.partrelid = p_parent);
  v_from timestamptz := p_month::timestamp at time zone 'utc';
  v_to timestamptz := (p_month + interval '1 month') at time zone 'utc';
begin
  if to_regclass('private.' || quote_ident(v_name)) is not null then
    return false;
  end if;
  if p_month is null then
    execute format('create table private.%I partition of %s default', v_name, p_parent);
  else
    -- Attached, not created in place: `partition of` would lock the parent against every insert.
    execute format('create table private.%I (like %s including defaults including constraints including storage)', v_name, p_parent);
    -- Rows that came before their month was made (an event dated far ahead, a job that stood still) wait in the default partition,
    -- and no month can be attached over them.
    if to_regclass('private.' || quote_ident(v_table || '_default')) is not null then
      execute format('lock table private.%I in access exclusive mode', v_table || '_default');
      execute format('with moved as (delete from private.%1$I where %2$I >= %3$L and %2$I < %4$L returning *) insert into private.%5$I select * from moved',
        v_table || '_default', v_clock, v_from, v_to, v_name);
    end if;
    execute format('alter table %s attach partition private.%I for values from (%L) to (%L)', p_parent, v_name, v_from, v_to);
  end if;
  -- Out of the exposed schema, without a grant, and closed by RLS besides: rows are reached through the parent only.
  execute format('alter table private.%I enable row level security', v_name);
  -- A sealed webhook is about 2 kB, just over the size from which rows are spread over a TOAST table: keep it in one piece.
  if v_table = 'journal_payloads' then
    execute format('alter table private.%I set (toast_tuple_target = 8160)', v_name);
  end if;
  return true;
end
$$;

-- Makes what is missing; safe to call at any time, by any number of processes. Returns how many it made.
create function private.ensure_partitions(p_now timestamptz default now())
returns integer
language plpgsql security definer
set search_path = ''
set lock_timeout = '2s'
as $$
declare
  v_rule private.retention;
  v_month date;
  v_made integer := 0;
  v_this_month date := date_trunc('month', p_now at time zone 'utc')::date;
begin
  perform pg_advisory_xact_lock(hashtext('tributary.partitions'));
  for v_rule in select * from private.retention loop
    for v_month in
      select generate_series(v_this_month - make_interval(months => v_rule.months_back),
        v_this_month + make_interval(months => v_rule.months_ahead), interval '1 month')::date
    loop
      v_made := v_made + private.create_partition(v_rule.table_name::regclass, v_month)::integer;
    end loop;
    v_made := v_made + private.create_partition(v_rule.table_name::regclass, null)::integer;
  end loop;
  return v_made;
end
$$;

-- Drops whole partitions that ended before the retention; nothing is deleted row by row. Returns their names.
-- The default partition holds what fits no month (older than all of them on arrival): it is emptied
-- once its newest row was received before the retention.
create function private.drop_expired_partitions(p_now timestamptz default now())
returns setof text
language plpgsql security definer
set search_path = ''
set lock_timeout = '2s'
as $$
declare
  v_rule private.retention;
  v_partition record;
  v_clock text;
  v_expired boolean;
begin
  perform pg_advisory_xact_lock(hashtext('tributary.partitions'));
  for v_rule in select * from private.retention loop
    v_clock := case when v_rule.table_name = 'public.connection_activity' then 'bucket' else 'received_at' end;
    for v_partition in
      select c.oid, c.relname, pg_get_expr(c.relpartbound, c.oid) as bound,
        substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([^'']+)''\)')::timestamptz as upper
      from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
      where i.inhparent = v_rule.table_name::regclass
    loop
      if v_partition.bound = 'DEFAULT' then
        execute format('select max(%I) < %L from private.%I', v_clock, p_now - make_interval(days => v_rule.keep_days), v_partition.relname)
        into v_expired;
        if v_expired then
          execute format('truncate private.%I', v_partition.relname);
          return next v_partition.relname;
        end if;
      elsif v_partition.upper <= p_now - make_interval(days => v_rule.keep_days) then
        execute format('drop table private.%I', v_partition.relname);
        return next v_partition.relname;
      end if;
    end loop;
  end loop;
end
$$;

select private.ensure_partitions();

-- Kept by this rollup and never by the hot path: an update per event would queue every flush behind one row.
create function private.refresh_last_event_at(p_since timestamptz default now() - interval '10 minutes')
returns integer
language sql security definer
set search_path = ''
as $$
  with newest as (
    select source_connection_id, max(last_event_time) as at
    from public.connection_activity where bucket >= p_since and last_event_time is not null
    group by source_connection_id
  ), updated as (
    update public.source_connections c set last_event_at = n.at
    from newest n where c.id = n.source_connection_id and (c.last_event_at is null or c.last_event_at < n.at)
    returning 1
  )
  select count(*)::integer from updated
$$;

-- Who may do what -----------------------------------------------------------------------------------------------------

grant execute on function private.ensure_partitions(timestamptz), private.drop_expired_partitions(timestamptz),
  private.refresh_last_event_at(timestamptz) to maintenance;

grant select on public.event_journal, public.canonical_events, public.dlq_events, public.connection_activity to authenticated;
-- A person asks for a retry or gives up on an entry; everything else about it is the pipeline's.
grant update (status, next_retry_at) on public.dlq_events to authenticated;

grant insert on public.event_journal, private.journal_payloads, private.event_keys, public.canonical_events, public.dlq_events,
  public.connection_activity, private.quarantine_hours to ingest;
-- Which keys were new, and what stands under the others. No event, no payload, no dead letter.
grant select on private.event_keys, private.quarantine_hours to ingest;
grant update (stored) on private.quarantine_hours to ingest;

alter table public.event_journal enable row level security;
alter table private.journal_payloads enable row level security;
alter table private.event_keys enable row level security;
alter table public.canonical_events enable row level security;
alter table public.dlq_events enable row level security;
alter table public.connection_activity enable row level security;
alter table private.quarantine_hours enable row level security;
alter table private.retention enable row level security;

create policy event_journal_select on public.event_journal for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy canonical_events_select on public.canonical_events for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy dlq_events_select on public.dlq_events for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy dlq_events_update on public.dlq_events for update to authenticated
  using (org_id = any (array(select private.my_orgs('{owner,admin}'))))
  with check (status in ('pending', 'discarded'));
create policy connection_activity_select on public.connection_activity for select to authenticated
  using (org_id = any (array(select private.my_orgs())));

-- `true` is no hole for ingest: it holds only `insert`, and the composite foreign keys decide.
create policy event_journal_ingest on public.event_journal for insert to ingest with check (true);
create policy journal_payloads_ingest on private.journal_payloads for insert to ingest with check (true);
create policy event_keys_ingest_insert on private.event_keys for insert to ingest with check (true);
create policy event_keys_ingest_select on private.event_keys for select to ingest using (true);
create policy canonical_events_ingest on public.canonical_events for insert to ingest with check (true);
create policy dlq_events_ingest on public.dlq_events for insert to ingest with check (true);
create policy connection_activity_ingest on public.connection_activity for insert to ingest with check (true);
create policy quarantine_hours_ingest_insert on private.quarantine_hours for insert to ingest with check (true);
create policy quarantine_hours_ingest_select on private.quarantine_hours for select to ingest using (true);
create policy quarantine_hours_ingest_update on private.quarantine_hours for update to ingest using (true);
