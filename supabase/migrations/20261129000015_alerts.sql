-- Alerts: the rules of an org, the channels that notify it, and its incidents.

create function private.alert_rank(p_level text)
returns integer
language sql immutable
set search_path = ''
as $$ select array_position(array['info', 'warning', 'critical'], p_level) $$;
comment on function private.alert_rank(text) is 'The rank of a level: info 1, warning 2, critical 3.';

create function private.are_alert_thresholds(p_kind text, p jsonb)
returns boolean
language sql immutable
set search_path = ''
as $$
  select coalesce(
    jsonb_typeof(p) = 'object'
    and length(p::text) <= 512
    and array(select jsonb_object_keys(p) order by 1) = case
      when p_kind in ('ConnectionSilent', 'ConnectionLag') then '{critical,info,minRecords,warning}'::text[]
      else '{critical,info,minRecords,warning,windowMinutes}'::text[] end
    and not exists (
      select from jsonb_each(p) as t (key, value)
      where case
        when t.key in ('info', 'warning', 'critical') and t.value = 'null' then false
        when jsonb_typeof(t.value) <> 'number' then true
        when t.key = 'windowMinutes' then t.value::numeric not between 1 and 60 or t.value::numeric % 1 <> 0
        when t.key = 'minRecords' then t.value::numeric not between 1 and 1000000 or t.value::numeric % 1 <> 0
        when p_kind in ('IngestDLQRateHigh', 'DuplicateRateHigh', 'RejectedRateHigh') then t.value::numeric not between 0.0001 and 0.9999
        else t.value::numeric not between 1 and 31536000 end)
    and coalesce(p ->> 'info', p ->> 'warning', p ->> 'critical') is not null
    and coalesce((p ->> 'info')::numeric < (p ->> 'warning')::numeric, true)
    and coalesce((p ->> 'warning')::numeric < (p ->> 'critical')::numeric, true)
    and coalesce((p ->> 'info')::numeric < (p ->> 'critical')::numeric, true),
    false)
$$;
comment on function private.are_alert_thresholds(text, jsonb) is
'Whether thresholds are valid for a kind of rule. The levels must rise: a value above `critical` is critical. A level that is null is not used; at
least one level must be set. The text is bounded, because every pass would read a number with sixteen thousand decimals; valid thresholds are a
handful of numbers.';

create table public.alert_rules (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  kind text not null check (kind in ('IngestLagHigh', 'ConnectionSilent', 'ConnectionLag', 'IngestDLQRateHigh', 'IngestDLQSpike',
    'DuplicateRateHigh', 'RejectedRateHigh')),
  enabled boolean not null default true,
  thresholds jsonb not null,
  renotify_minutes integer check (renotify_minutes between 5 and 10080),  -- null: notified once
  resolve_after_minutes integer not null default 5 check (resolve_after_minutes between 0 and 1440),
  updated_at timestamptz not null default now(),
  unique (org_id, kind)
);
comment on table public.alert_rules is 'What an org is alerted about: one row per kind, created together with the org.';

create function private.check_alert_thresholds()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if not private.are_alert_thresholds(new.kind, new.thresholds) then
    raise check_violation using message = 'these thresholds are not valid', constraint = 'alert_rules_thresholds_check';
  end if;
  return new;
end
$$;
comment on function private.check_alert_thresholds() is
'Trigger function: refuses thresholds that are not valid. It is not a check constraint, because every role that updates a rule would then need a
grant on the function.';
create trigger check_thresholds before insert or update of kind, thresholds on public.alert_rules
  for each row execute function private.check_alert_thresholds();

create function private.create_alert_rules(p_org_id uuid)
returns void
language sql volatile security definer
set search_path = ''
as $$
  insert into public.alert_rules (org_id, kind, thresholds, renotify_minutes)
  select p_org_id, d.kind, d.thresholds::jsonb, 240
  from (values
    ('IngestLagHigh', '{"info": null, "warning": 60, "critical": 300, "windowMinutes": 5, "minRecords": 20}'),
    ('ConnectionSilent', '{"info": null, "warning": null, "critical": 900, "minRecords": 5}'),
    ('ConnectionLag', '{"info": null, "warning": 600, "critical": 1800, "minRecords": 5}'),
    ('IngestDLQRateHigh', '{"info": 0.005, "warning": 0.05, "critical": 0.1, "windowMinutes": 15, "minRecords": 30}'),
    ('IngestDLQSpike', '{"info": null, "warning": 100, "critical": null, "windowMinutes": 10, "minRecords": 1}'),
    ('DuplicateRateHigh', '{"info": 0.01, "warning": 0.1, "critical": 0.25, "windowMinutes": 15, "minRecords": 100}'),
    ('RejectedRateHigh', '{"info": null, "warning": 0.25, "critical": 0.9, "windowMinutes": 15, "minRecords": 10}')
  ) as d (kind, thresholds)
  on conflict do nothing
$$;
comment on function private.create_alert_rules(uuid) is
'Creates the rules of a new org. Thresholds are seconds, shares of the records, or numbers of records; a share is computed only when there are at
least minRecords records.';

create function private.create_alert_rules_of_new_org()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform private.create_alert_rules(new.id);
  return null;
end
$$;
comment on function private.create_alert_rules_of_new_org() is 'Trigger function: gives a new org its rules.';
create trigger create_alert_rules after insert on public.orgs for each row execute function private.create_alert_rules_of_new_org();

create table public.alert_channels (
  id uuid primary key,
  org_id uuid not null references public.orgs (id) on delete cascade,
  type text not null check (type in ('slack', 'pagerduty', 'webhook', 'email')),
  name text not null check (length(btrim(name)) >= 1 and length(name) <= 120),
  target text not null check (length(target) between 1 and 2560),  -- the destination without its secret parts
  min_level text not null default 'warning' check (min_level in ('info', 'warning', 'critical')),
  is_enabled boolean not null default true,
  last_sent_at timestamptz,
  last_failed_at timestamptz,
  last_error text check (length(last_error) <= 500),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,        -- the notifications sent over the channel are kept, so its row is kept too
  unique (org_id, id)
);
comment on table public.alert_channels is 'The receivers of an org''s notifications.';

create table private.alert_channel_secrets (
  org_id uuid not null,
  channel_id uuid not null,
  sealed bytea not null,
  primary key (org_id, channel_id),
  foreign key (org_id, channel_id) references public.alert_channels (org_id, id) on delete cascade
);
comment on table private.alert_channel_secrets is 'Webhook URLs, keys and signing secrets, sealed under the org''s data key.';

create table public.alert_incidents (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  kind text not null,
  source_connection_id uuid not null,
  status text not null default 'open' check (status in ('open', 'acknowledged', 'resolved')),
  level text not null check (level in ('info', 'warning', 'critical')),
  peak_level text not null check (peak_level in ('info', 'warning', 'critical')),  -- the highest level that was notified
  value double precision not null,
  threshold double precision not null,
  message text not null,
  opened_at timestamptz not null,
  last_seen_at timestamptz not null,    -- when the condition was last met
  clear_since timestamptz,              -- since when the condition has not been met
  last_notified_at timestamptz not null,
  reminders integer not null default 0,
  acknowledged_at timestamptz,
  acknowledged_by uuid,
  resolved_at timestamptz,
  resolved_by uuid,                     -- null: resolved by the evaluation
  resolution text check (resolution in ('recovered', 'no_traffic', 'not_watched', 'by_person')),
  check ((status = 'resolved') = (resolved_at is not null) and (status = 'resolved') = (resolution is not null)),
  foreign key (org_id, kind) references public.alert_rules (org_id, kind) on delete cascade,
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id) on delete cascade,
  unique (org_id, id)
) with (fillfactor = 80);
-- Allows one open incident of a kind and connection, even if two passes evaluate at once.
create unique index alert_incidents_open_key on public.alert_incidents (source_connection_id, kind) where status <> 'resolved';
create index alert_incidents_org_opened_idx on public.alert_incidents (org_id, opened_at desc, id desc);
create index alert_incidents_connection_idx on public.alert_incidents (org_id, source_connection_id, kind);
create index alert_incidents_rule_idx on public.alert_incidents (org_id, kind);
comment on table public.alert_incidents is 'An incident: the condition of a rule is or was met on one connection.';

create trigger touch before update of enabled, thresholds, renotify_minutes, resolve_after_minutes on public.alert_rules
  for each row execute function private.touch_updated_at();
create trigger touch before update of name, target, min_level, is_enabled, deleted_at on public.alert_channels
  for each row execute function private.touch_updated_at();

create trigger audit after update on public.alert_rules for each row execute function private.audit('kind');
create trigger audit_insert after insert on public.alert_channels for each row execute function private.audit('id');
create trigger audit after update of name, target, min_level, is_enabled, deleted_at on public.alert_channels
  for each row execute function private.audit('id');
create trigger audit after insert or update or delete on private.alert_channel_secrets for each row execute function private.audit('channel_id');
-- Audits only the changes that people make to an incident.
create trigger audit after update on public.alert_incidents
  for each row when (new.acknowledged_by is distinct from old.acknowledged_by or new.resolved_by is distinct from old.resolved_by)
  execute function private.audit('id');

create function private.create_alert_channel(p_id uuid, p_org_id uuid, p_type text, p_name text, p_target text, p_min_level text, p_sealed bytea)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.require_admin(p_org_id);
  perform from public.orgs where id = p_org_id for no key update;
  if (select count(*) from public.alert_channels where org_id = p_org_id and deleted_at is null) >= 50 then
    return false;
  end if;
  insert into public.alert_channels (id, org_id, type, name, target, min_level) values (p_id, p_org_id, p_type, btrim(p_name), p_target, p_min_level);
  insert into private.alert_channel_secrets (channel_id, org_id, sealed) values (p_id, p_org_id, p_sealed);
  return true;
end
$$;
comment on function private.create_alert_channel(uuid, uuid, text, text, text, text, bytea) is
'Creates a channel with its sealed secrets. Returns false when the org has 50 channels already. That is the maximum, because this server sends
requests to every channel that a person enters.';

create function private.set_alert_channel_target(p_id uuid, p_target text, p_sealed bytea)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_org uuid;
begin
  select org_id into v_org from public.alert_channels where id = p_id and deleted_at is null for update;
  if v_org is null or v_org <> all (array(select private.my_orgs())) then
    return false;
  end if;
  perform private.require_admin(v_org);
  update public.alert_channels set target = p_target where id = p_id;
  update private.alert_channel_secrets set sealed = p_sealed where org_id = v_org and channel_id = p_id;
  return true;
end
$$;
comment on function private.set_alert_channel_target(uuid, text, bytea) is
'Replaces a channel''s target and its sealed secrets. Returns false when the caller has no such channel.';

create function private.delete_alert_channel(p_id uuid)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_org uuid;
begin
  select org_id into v_org from public.alert_channels where id = p_id and deleted_at is null for update;
  if v_org is null or v_org <> all (array(select private.my_orgs())) then
    return false;
  end if;
  perform private.require_admin(v_org);
  delete from private.alert_channel_secrets where org_id = v_org and channel_id = p_id;
  update public.alert_channels set is_enabled = false, deleted_at = now() where id = p_id;
  return true;
end
$$;
comment on function private.delete_alert_channel(uuid) is
'Deletes a channel''s secrets and hides the channel. Returns false when the caller has no such channel.';

create function private.record_alert_channel_result(p_id uuid, p_error text)
returns void
language sql volatile security definer
set search_path = ''
as $$
  update public.alert_channels
  set last_error = left(p_error, 500), last_sent_at = case when p_error is null then clock_timestamp() else last_sent_at end,
    last_failed_at = case when p_error is null then last_failed_at else clock_timestamp() end
  where id = p_id
$$;
comment on function private.record_alert_channel_result(uuid, text) is
'Records on the channel whether the last notification arrived (p_error null), or why it did not.';

create function private.find_alert_channel_secret(p_id uuid)
returns bytea
language sql stable security definer
set search_path = ''
as $$
  select k.sealed from private.alert_channel_secrets k join public.alert_channels c on c.org_id = k.org_id and c.id = k.channel_id where c.id = p_id
$$;
comment on function private.find_alert_channel_secret(uuid) is
'The sealed secrets of a channel. The caller of this function must have checked the user''s permission for the channel.';

create function private.count_open_incidents()
returns table (kind text, level text, incidents bigint)
language sql stable security definer
set search_path = ''
as $$
  select kind, level, count(*) from public.alert_incidents where status <> 'resolved' group by kind, level
$$;
comment on function private.count_open_incidents() is 'Open incidents by kind and level, over all orgs, for the operator''s metrics.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.create_alert_channel(uuid, uuid, text, text, text, text, bytea), private.set_alert_channel_target(uuid, text, bytea),
  private.delete_alert_channel(uuid) to authenticated;
grant execute on function private.record_alert_channel_result(uuid, text), private.find_alert_channel_secret(uuid), private.count_open_incidents() to worker;

grant select on public.alert_rules, public.alert_channels, public.alert_incidents to authenticated;
grant update (enabled, thresholds, renotify_minutes, resolve_after_minutes) on public.alert_rules to authenticated;
grant update (name, min_level, is_enabled) on public.alert_channels to authenticated;

alter table public.alert_rules enable row level security;
alter table public.alert_channels enable row level security;
alter table private.alert_channel_secrets enable row level security;
alter table public.alert_incidents enable row level security;

create policy alert_rules_select on public.alert_rules for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy alert_rules_update on public.alert_rules for update to authenticated
  using (org_id = any (array(select private.my_orgs('{owner,admin}'))));
create policy alert_channels_select on public.alert_channels for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy alert_channels_update on public.alert_channels for update to authenticated
  using (org_id = any (array(select private.my_orgs('{owner,admin}'))) and deleted_at is null);
create policy alert_incidents_select on public.alert_incidents for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
