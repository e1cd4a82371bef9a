-- Quotas and suspension: how much an org may make, store and send, and whether an operator has suspended it.

alter table public.orgs
  add column suspended_at timestamptz,
  add column suspended_reason text check (length(btrim(suspended_reason)) >= 1 and length(suspended_reason) <= 500),
  add constraint orgs_suspended_check check ((suspended_at is null) = (suspended_reason is null));
comment on column public.orgs.suspended_at is
'When an operator suspended the org; null: the org is active. The members of a suspended org can read and not write, its deliveries are refused and
its background work rests. Nothing is deleted.';

create trigger notify_suspended after update of suspended_at on public.orgs
  for each row execute function private.notify_connection_changed();

create table private.quotas (
  name text not null check (name ~ '^[a-z][a-z_]{2,39}$'),
  org_id uuid references public.orgs (id) on delete cascade,  -- null: the default of every org
  value bigint not null check (value between 0 and 9007199254740991),
  unique nulls not distinct (name, org_id)
);
create index quotas_org_id_idx on private.quotas (org_id);
insert into private.quotas (name, value) values
  -- Rows that exist at the same time. The first counts the orgs that a user owns, the others the rows of an org.
  ('orgs', 10),
  ('projects', 50),
  ('connections', 200),
  ('members', 200),
  ('open_invites', 50),
  ('alert_channels', 20),
  ('open_replay_plans', 20),
  ('open_erasures', 100),
  ('open_dlq_operations', 20),
  ('open_legal_holds', 100),
  ('org_keys', 500),
  ('stored_bytes', 53687091200),
  -- Made in one day in UTC, also when it was deleted since.
  ('connections_per_day', 200),
  ('projects_per_day', 50),
  ('invites_per_day', 100),
  ('alert_channels_per_day', 40),
  ('replay_plans_per_day', 100),
  ('journal_replays_per_day', 2000),
  ('erasures_per_day', 200),
  ('exports_per_day', 100),
  ('dlq_operations_per_day', 200),
  ('legal_holds_per_day', 100),
  ('key_rotations_per_day', 20),
  ('changes_per_day', 100000),
  ('events_per_day', 5000000),
  ('bytes_per_day', 10737418240);
comment on table private.quotas is
'How much of everything an org may have, with one default for all orgs and the values that operators have set for single orgs. The value of `orgs` that
is set for an org holds for the owners of this org.';

create table private.quota_usage (
  org_id uuid not null references public.orgs (id) on delete cascade,
  quota text not null,
  day date not null,
  used bigint not null check (used >= 0),
  primary key (org_id, quota, day)
);
comment on table private.quota_usage is
'What an org has used of the quotas that are counted by day. Commands count themselves in their transaction; events and bytes are measured from the
activity and the journal every few seconds.';

create table private.org_measures (
  org_id uuid primary key references public.orgs (id) on delete cascade,
  counted_until timestamptz not null,  -- the bytes of every delivery that arrived until then are counted
  exceeded text                        -- the quota because of which the org's deliveries are refused; null: they are accepted
);
create index org_measures_exceeded_idx on private.org_measures (org_id) where exceeded is not null;
comment on table private.org_measures is 'How far the traffic of an org is measured, and whether its quotas still accept deliveries.';

create function private.quota_value(p_name text, p_org_id uuid)
returns bigint
language sql stable security definer
set search_path = ''
as $$
  select q.value from private.quotas q where q.name = p_name and (q.org_id = p_org_id or q.org_id is null)
  order by q.org_id nulls last limit 1
$$;
comment on function private.quota_value(text, uuid) is 'The quota of an org: the value that an operator has set for the org, or else the default.';

create function private.org_intake(p_org_id uuid)
returns table (suspended boolean, exceeded text)
language sql stable security definer
set search_path = ''
as $$
  select o.suspended_at is not null, m.exceeded
  from public.orgs o left join private.org_measures m on m.org_id = o.id
  where o.id = p_org_id
$$;
comment on function private.org_intake(uuid) is
'Whether deliveries to the org are refused: because it is suspended, or because of an exceeded quota (its name). Two look-ups by key. Every process is
told through the channel connection_changed when the answer changes.';

create function private.measure_org(p_org_id uuid, p_now timestamptz, p_rows integer default 50000)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_today date := (p_now at time zone 'utc')::date;
  v_keep_days integer := coalesce((select keep_days from private.retention where table_name = 'private.journal_payloads'), 90);
  v_from timestamptz;
  v_to timestamptz;
  v_stored bigint;
  v_before text;
  v_exceeded text;
begin
  insert into private.org_measures (org_id, counted_until) values (p_org_id, p_now - make_interval(days => v_keep_days)) on conflict do nothing;
  select counted_until, exceeded into v_from, v_before from private.org_measures where org_id = p_org_id for update;
  -- A delivery is visible once its batch has been committed, a little after it arrived: the last 15 s are counted by the next run.
  v_to := greatest(v_from, p_now - interval '15 seconds');
  v_to := coalesce((
    select least(v_to, j.received_at) from public.event_journal j
    where j.org_id = p_org_id and j.received_at > v_from order by j.received_at offset p_rows limit 1), v_to);

  insert into private.quota_usage as u (org_id, quota, day, used)
  select p_org_id, 'bytes_per_day', (j.received_at at time zone 'utc')::date, sum(j.byte_size)
  from public.event_journal j
  where j.org_id = p_org_id and j.received_at > v_from and j.received_at <= v_to
  group by 3
  on conflict (org_id, quota, day) do update set used = u.used + excluded.used;

  insert into private.quota_usage as u (org_id, quota, day, used)
  select p_org_id, 'events_per_day', v_today, coalesce(sum(d.accepted + d.duplicates + d.dead_lettered), 0)
  from public.source_connections c
  join public.activity_days d on d.org_id = c.org_id and d.source_connection_id = c.id and d.bucket = v_today::timestamp at time zone 'utc'
  where c.org_id = p_org_id
  on conflict (org_id, quota, day) do update set used = excluded.used where u.used <> excluded.used;

  delete from private.quota_usage where org_id = p_org_id and quota in ('events_per_day', 'bytes_per_day') and day <= v_today - v_keep_days;
  select coalesce(sum(used), 0) into v_stored from private.quota_usage where org_id = p_org_id and quota = 'bytes_per_day';
  v_exceeded := (
    select u.quota from (
      select u.quota, u.used from private.quota_usage u
      where u.org_id = p_org_id and u.day = v_today and u.quota in ('events_per_day', 'bytes_per_day')
      union all select 'stored_bytes', v_stored) u
    where u.used >= private.quota_value(u.quota, p_org_id)
    order by u.quota limit 1);
  update private.org_measures set counted_until = v_to, exceeded = v_exceeded where org_id = p_org_id;
  if v_exceeded is distinct from v_before then
    perform pg_notify('connection_changed', 'org:' || p_org_id);
  end if;
end
$$;
comment on function private.measure_org(uuid, timestamptz, integer) is
'Measures the events and bytes of one org, and decides whether its quotas still accept deliveries. Rejected deliveries are not events: strangers must
not use up the quota of the org that they send to. Reads each delivery of the journal once, and at most about p_rows of them in one run.';

create function private.list_orgs_to_measure(p_now timestamptz default clock_timestamp())
returns setof uuid
language sql volatile security definer
set search_path = ''
as $$
  select a.org_id from public.connection_activity a where a.bucket >= date_trunc('minute', p_now - interval '2 minutes')
  union
  -- A quota that was used up yesterday accepts deliveries again today.
  select m.org_id from private.org_measures m where m.exceeded is not null
$$;
comment on function private.list_orgs_to_measure(timestamptz) is
'The orgs that had traffic in the last minutes, and those that have exceeded a quota. Each is measured in a transaction of its own.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.list_orgs_to_measure(timestamptz), private.measure_org(uuid, timestamptz, integer) to worker;

-- No policy: the tables are reached through functions only.
alter table private.quotas enable row level security;
alter table private.quota_usage enable row level security;
alter table private.org_measures enable row level security;
