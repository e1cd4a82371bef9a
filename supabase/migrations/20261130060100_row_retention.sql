-- Retention by row: tables without partitions, and orgs that keep data for a shorter time than the platform does.

create table private.row_retention (
  table_name text primary key,        -- schema.table
  -- The setting by which an org shortens the time. Null: the time is the same for every org.
  kind text check (kind in ('events', 'deliveries', 'dead_letters', 'activity')),
  -- Null: the platform drops whole partitions (private.retention), and rows are deleted only by the setting of an org.
  keep_days integer check (keep_days > 0),
  clock text not null,                -- the column that says how old a row is
  condition text not null default 'true',  -- rows (named s) that may be deleted
  key_columns text[] not null default '{ctid}',
  has_org boolean not null default true,
  is_held boolean not null default false,  -- a legal hold keeps rows
  check (kind is not null or keep_days is not null)
);
comment on table private.row_retention is
'The tables from which rows are deleted when they are old, in bounded steps that take turns by org (private.delete_expired_rows). These rules belong to
the installation and are changed by an update; orgs shorten them with retention_settings. A table that grows for ever is in this table, in
private.retention, or in the list of permanent tables of the structure test.';

insert into private.row_retention (table_name, kind, keep_days, clock, condition, key_columns, has_org, is_held) values
  ('public.canonical_events', 'events', null, 'event_time', 'true', '{id,event_time}', true, true),
  ('public.event_journal', 'deliveries', null, 'received_at', 'true', '{id,received_at}', true, true),
  ('public.dlq_events', 'dead_letters', 180, 'created_at', $$status <> 'retrying'$$, '{id}', true, true),
  ('public.connection_activity', 'activity', null, 'bucket', 'true', '{bucket,id}', true, false),
  ('public.activity_minutes', 'activity', null, 'bucket', 'true', '{source_connection_id,bucket}', true, false),
  ('public.activity_hours', 'activity', null, 'bucket', 'true', '{source_connection_id,bucket}', true, false),
  ('public.activity_days', 'activity', 1830, 'bucket', 'true', '{source_connection_id,bucket}', true, false),
  ('public.dlq_operations', null, 400, 'created_at', $$status in ('done', 'failed', 'canceled')$$, '{ctid}', true, false),
  ('public.replay_plans', null, 400, 'created_at', $$status not in ('running', 'paused')$$, '{ctid}', true, false),
  -- The record that a person was erased outlives the longest usual limitation period of complaints.
  ('public.erasures', null, 1830, 'created_at', $$status = 'completed'$$, '{ctid}', true, false),
  -- With an incident, its notifications are deleted.
  ('public.alert_incidents', null, 400, 'opened_at', $$status = 'resolved'$$, '{ctid}', true, false),
  -- A deleted channel stays while it is what remembers that an address asked for no more mail.
  ('public.alert_channels', null, 400, 'deleted_at',
    'not exists (select from private.alert_recipients r where r.org_id = s.org_id and r.channel_id = s.id and r.stopped_at is not null)', '{ctid}', true, false),
  ('public.org_invites', null, 30, 'expires_at', 'true', '{ctid}', true, false),
  ('public.legal_holds', null, 1830, 'released_at', 'true', '{ctid}', true, false),
  ('private.connection_secrets', null, 1, 'expires_at', 'true', '{ctid}', true, false),
  ('public.approvals', null, 400, 'expires_at', 'true', '{ctid}', true, false),
  ('private.quota_usage', null, 40, 'day', 'true', '{ctid}', true, false),
  -- Trimmed by private.trim_audit_log only, which removes the oldest entries of an org and keeps the chain of the others verifiable.
  ('public.audit_log', null, 730, 'created_at', 'true', '{ctid}', false, false),
  ('private.quarantine_hours', null, 2, 'hour', 'true', '{ctid}', false, false),
  ('private.flow_transitions', null, 400, 'at', 'true', '{ctid}', false, false);

create index activity_days_org_bucket_idx on public.activity_days (org_id, bucket);
create index quarantine_hours_hour_idx on private.quarantine_hours (hour);
create index flow_transitions_at_idx on private.flow_transitions (at);

create table public.retention_settings (
  org_id uuid not null references public.orgs (id) on delete cascade,
  kind text not null check (kind in ('events', 'deliveries', 'dead_letters', 'activity')),
  keep_days integer not null check (keep_days between 1 and 36500),
  -- A shorter time takes effect a day after it was set, so that a mistake can be undone before it deletes anything.
  applies_from timestamptz not null,
  changed_by uuid default auth.uid(),
  changed_at timestamptz not null default now(),
  primary key (org_id, kind)
);
comment on table public.retention_settings is
'How long an org keeps its data, where that is shorter than the maximum of the platform. Without a row, the maximum applies.';
create trigger audit after insert or update or delete on public.retention_settings for each row execute function private.audit('kind');

create table private.retention_cursors (
  org_id uuid not null references public.orgs (id) on delete cascade,
  table_name text not null,
  cursor_at timestamptz not null,
  cursor_id uuid not null,
  primary key (org_id, table_name)
);
comment on table private.retention_cursors is
'How far the deletion of old rows has come in an org with a legal hold on a connection: the held rows stay and must not be read again by every step.';

create table private.retention_walk (
  id boolean primary key default true check (id),
  org_id uuid,                        -- the last org that had its turn; null: the round has not begun
  is_behind boolean not null default false,  -- an org had more rows to delete than a turn allows
  ended_at timestamptz not null default 'epoch'
);
insert into private.retention_walk default values;
comment on table private.retention_walk is 'The round over all orgs in which old rows are deleted, in one row.';

create function private.retention_maximum(p_kind text)
returns integer
language sql stable security definer
set search_path = ''
as $$
  select max(coalesce(w.keep_days, p.keep_days))
  from private.row_retention w left join private.retention p on p.table_name = w.table_name
  where w.kind = p_kind
$$;
comment on function private.retention_maximum(text) is 'The days for which the platform keeps data of this kind, and the most that an org can choose.';

create view public.data_retention with (security_invoker = true) as
  select o.id as org_id, k.kind, least(s.keep_days, private.retention_maximum(k.kind)) as keep_days,
    private.retention_maximum(k.kind) as maximum_days, s.keep_days as chosen_days, s.applies_from
  from public.orgs o
  cross join unnest('{events,deliveries,dead_letters,activity}'::text[]) as k (kind)
  left join public.retention_settings s on s.org_id = o.id and s.kind = k.kind;
comment on view public.data_retention is
'How many days each of the caller''s orgs keeps its events, deliveries, dead letters and figures. keep_days is what applies (from applies_from, when it
is shorter than before); chosen_days is the setting of the org, null when the maximum of the platform applies.';

create or replace function private.list_retention()
returns table (table_name text, keep_days integer)
language sql stable security definer
set search_path = ''
as $$
  select r.table_name, r.keep_days from private.retention r
  union all
  select w.table_name, w.keep_days from private.row_retention w where w.keep_days is not null
$$;

create function private.set_data_retention(p_org_id uuid, p_kind text, p_keep_days integer)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_maximum integer := private.retention_maximum(p_kind);
  v_before integer;
begin
  perform private.require_admin(p_org_id);
  if p_keep_days > v_maximum then
    raise check_violation using message = format('the platform keeps this for %s days at most', v_maximum), constraint = 'retention_settings_maximum';
  end if;
  if p_keep_days is null or p_keep_days = v_maximum then
    delete from public.retention_settings where org_id = p_org_id and kind = p_kind;
    return;
  end if;
  select case when s.applies_from <= now() then s.keep_days end into v_before
  from public.retention_settings s where s.org_id = p_org_id and s.kind = p_kind for update;
  insert into public.retention_settings as s (org_id, kind, keep_days, applies_from)
  values (p_org_id, p_kind, p_keep_days, now() + case when p_keep_days < coalesce(v_before, v_maximum) then interval '1 day' else interval '0' end)
  on conflict (org_id, kind) do update
  set keep_days = excluded.keep_days, applies_from = excluded.applies_from, changed_by = auth.uid(), changed_at = now()
  where s.keep_days <> excluded.keep_days;
end
$$;
comment on function private.set_data_retention(uuid, text, integer) is
'Sets how many days an org keeps data of one kind; null: as long as the platform does. A longer time takes effect at once, a shorter one after a day.';

create function private.delete_rows_of_org(p_rule private.row_retention, p_org_id uuid, p_before timestamptz, p_rows integer)
returns table (seen integer, deleted integer)
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_held uuid[];
  v_cursor private.retention_cursors;
  v_page record;
  v_keys text := (select string_agg(format('s.%I as k%s', k, n), ', ') from unnest(p_rule.key_columns) with ordinality u (k, n));
  v_match text := (select string_agg(format('t.%I = g.k%s', k, n), ' and ') from unnest(p_rule.key_columns) with ordinality u (k, n));
begin
  seen := 0;
  deleted := 0;
  if p_rule.is_held then
    select array_agg(h.source_connection_id) into v_held from public.legal_holds h where h.org_id = p_org_id and h.released_at is null;
    -- A hold on the whole org has no connection.
    if array_position(v_held, null) is not null then
      return next;
      return;
    end if;
  end if;
  if v_held is null then
    execute format($sql$
      with page as materialized (select %1$s from %2$s s where s.org_id = $1 and s.%3$I < $2 and (%4$s) %5$s limit $3 for update skip locked),
      gone as (delete from %2$s t using page g where t.org_id = $1 and %6$s returning t.*) %7$s
      select count(*)::integer from gone$sql$,
      v_keys, p_rule.table_name, p_rule.clock, p_rule.condition,
      -- The key of the rollups begins with the connection, and the rest of the condition uses it.
      case p_rule.kind when 'activity' then 'and s.source_connection_id = any (array(select c.id from public.source_connections c where c.org_id = $1))'
        else format('order by s.%I', p_rule.clock) end,
      v_match,
      case p_rule.table_name when 'public.event_journal'
        then ', bodies as (delete from private.journal_payloads p using gone g where p.journal_id = g.id and p.received_at = g.received_at)' else '' end)
    into deleted using p_org_id, p_before, p_rows;
    seen := deleted;
    return next;
    return;
  end if;

  select * into v_cursor from private.retention_cursors where org_id = p_org_id and table_name = p_rule.table_name;
  execute format($sql$
    with page as materialized (
      select s.id, s.%1$I as at, s.source_connection_id, %2$s from %3$s s
      where s.org_id = $1 and s.%1$I < $2 and (%4$s) and ($3 is null or (s.%1$I, s.id) > ($3, $4))
      order by s.%1$I, s.id limit $5 for update skip locked),
    gone as (delete from %3$s t using page g where t.org_id = $1 and %5$s and g.source_connection_id <> all ($6) returning t.*) %6$s
    select (select count(*) from page)::integer as seen, (select count(*) from gone)::integer as deleted,
      (select g.at from page g order by g.at desc, g.id desc limit 1) as at, (select g.id from page g order by g.at desc, g.id desc limit 1) as id$sql$,
    p_rule.clock, v_keys, p_rule.table_name, p_rule.condition, v_match,
    case p_rule.table_name when 'public.event_journal'
      then ', bodies as (delete from private.journal_payloads p using gone g where p.journal_id = g.id and p.received_at = g.received_at)' else '' end)
  into v_page using p_org_id, p_before, v_cursor.cursor_at, v_cursor.cursor_id, p_rows, v_held;
  if v_page.seen < p_rows then
    delete from private.retention_cursors where org_id = p_org_id and table_name = p_rule.table_name;
  else
    insert into private.retention_cursors (org_id, table_name, cursor_at, cursor_id) values (p_org_id, p_rule.table_name, v_page.at, v_page.id)
    on conflict (org_id, table_name) do update set cursor_at = excluded.cursor_at, cursor_id = excluded.cursor_id;
  end if;
  seen := v_page.seen;
  deleted := v_page.deleted;
  return next;
end
$$;
comment on function private.delete_rows_of_org(private.row_retention, uuid, timestamptz, integer) is
'Deletes up to p_rows rows of an org that are older than p_before, oldest first, with the bodies of deliveries. Rows under a legal hold stay; with a hold
on some connections, p_rows rows are looked at, and the next call continues behind them. Rows that another transaction has locked are left.';

create function private.delete_expired_rows_of_org(p_org_id uuid, p_now timestamptz, p_rows integer)
returns table (deleted bigint, is_behind boolean)
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_rule private.row_retention;
  v_chosen integer;
  v_days integer;
  v_before timestamptz;
  v_step record;
begin
  deleted := 0;
  is_behind := false;
  for v_rule in select * from private.row_retention where has_org order by table_name loop
    v_chosen := (select s.keep_days from public.retention_settings s where s.org_id = p_org_id and s.kind = v_rule.kind and s.applies_from <= p_now);
    v_days := least(v_rule.keep_days, v_chosen);
    if v_days is not null then
      v_before := p_now - make_interval(days => v_days);
      -- Activity that is not rolled up yet is kept, however long the rollup has not run.
      if v_rule.kind = 'activity' then
        v_before := least(v_before, date_trunc('day', private.activity_rolled_until(), 'UTC'));
      end if;
      select * into v_step from private.delete_rows_of_org(v_rule, p_org_id, v_before, p_rows);
      deleted := deleted + v_step.deleted;
      is_behind := is_behind or v_step.seen >= p_rows;
    end if;
  end loop;
  return next;
end
$$;
comment on function private.delete_expired_rows_of_org(uuid, timestamptz, integer) is
'The turn of one org: deletes up to p_rows rows of each table that are older than the org, or the platform, keeps them. is_behind: there is more.';

create function private.delete_expired_rows(p_now timestamptz default now(), p_rows integer default 1000, p_budget interval default '200 ms')
returns table (deleted bigint, is_over boolean)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_walk private.retention_walk;
  v_rule private.row_retention;
  v_step record;
  v_count integer;
  v_until timestamptz := clock_timestamp() + p_budget;
begin
  deleted := 0;
  is_over := true;
  -- Another instance is at work.
  select * into v_walk from private.retention_walk for update skip locked;
  if v_walk.id is null or (v_walk.org_id is null and not v_walk.is_behind and v_walk.ended_at > p_now - interval '1 hour' and v_walk.ended_at <= p_now) then
    return next;
    return;
  end if;
  if v_walk.org_id is null then
    v_walk.is_behind := false;
    v_walk.org_id := '00000000-0000-0000-0000-000000000000';
  end if;
  is_over := false;
  loop
    v_walk.org_id := (select o.id from public.orgs o where o.id > v_walk.org_id order by o.id limit 1);
    exit when v_walk.org_id is null;
    select * into v_step from private.delete_expired_rows_of_org(v_walk.org_id, p_now, p_rows);
    deleted := deleted + v_step.deleted;
    v_walk.is_behind := v_walk.is_behind or v_step.is_behind;
    exit when clock_timestamp() >= v_until;
  end loop;
  if v_walk.org_id is null then
    for v_rule in select * from private.row_retention where not has_org order by table_name loop
      if v_rule.table_name = 'public.audit_log' then
        if to_regprocedure('private.trim_audit_log(timestamptz, integer)') is not null then
          execute 'select private.trim_audit_log($1, $2)' into v_count using p_now - make_interval(days => v_rule.keep_days), p_rows;
          deleted := deleted + v_count;
          v_walk.is_behind := v_walk.is_behind or v_count > 0;
        end if;
        continue;
      end if;
      execute format('with gone as (delete from %1$s where ctid = any (array(
          select s.ctid from %1$s s where s.%2$I < $1 and (%3$s) order by s.%2$I limit $2 for update skip locked)) returning 1)
        select count(*)::integer from gone', v_rule.table_name, v_rule.clock, v_rule.condition)
      into v_count using p_now - make_interval(days => v_rule.keep_days), p_rows;
      deleted := deleted + v_count;
      v_walk.is_behind := v_walk.is_behind or v_count >= p_rows;
    end loop;
    v_walk.ended_at := p_now;
    is_over := not v_walk.is_behind;
  end if;
  update private.retention_walk set org_id = v_walk.org_id, is_behind = v_walk.is_behind, ended_at = v_walk.ended_at;
  return next;
end
$$;
comment on function private.delete_expired_rows(timestamptz, integer, interval) is
'Deletes old rows, org by org, for about p_budget in one transaction; the next call continues with the next org. Each org gets the same turn (p_rows rows
of each table), however many rows it has, so that one org with a long backlog does not delay the others. A round over all orgs begins at most every
hour, or at once when an org had more to delete. is_over: there is nothing to do now.';

-- Grants and policies --------------------------------------------------------------------------------------------------

grant execute on function private.delete_expired_rows(timestamptz, integer, interval) to maintenance;
grant execute on function private.set_data_retention(uuid, text, integer), private.retention_maximum(text) to authenticated;
grant select on public.retention_settings, public.data_retention to authenticated;

alter table public.retention_settings enable row level security;
alter table private.row_retention enable row level security;
alter table private.retention_cursors enable row level security;
alter table private.retention_walk enable row level security;

create policy retention_settings_select on public.retention_settings for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
