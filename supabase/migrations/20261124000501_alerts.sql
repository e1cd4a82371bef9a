-- Alerts: what is watched, whom to tell, what happened, and what was said about it.

create function private.alert_rank(p_level text)
returns integer
language sql immutable
set search_path = ''
as $$ select array_position(array['info', 'warning', 'critical'], p_level) $$;

-- Levels rise: value greater than `critical` is critical. Those that are null are not used; one at least is.
create function private.are_alert_thresholds(p_kind text, p jsonb)
returns boolean
language sql immutable
set search_path = ''
as $$
  select coalesce(
    jsonb_typeof(p) = 'object'
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

-- A trigger and not a check: whoever updates a rule would need to be granted the function.
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
create trigger check_thresholds before insert or update of kind, thresholds on public.alert_rules
  for each row execute function private.check_alert_thresholds();

-- What an org starts with. Seconds, shares of the records, or records; a share of few records is none.
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
create trigger create_alert_rules after insert on public.orgs for each row execute function private.create_alert_rules_of_new_org();
select private.create_alert_rules(id) from public.orgs;

create table public.alert_channels (
  id uuid primary key,
  org_id uuid not null references public.orgs (id) on delete cascade,
  type text not null check (type in ('slack', 'pagerduty', 'webhook', 'email')),
  name text not null check (length(btrim(name)) between 1 and 120),
  target text not null check (length(target) between 1 and 2560),  -- where it goes, with everything secret left out
  min_level text not null default 'warning' check (min_level in ('info', 'warning', 'critical')),
  is_enabled boolean not null default true,
  last_sent_at timestamptz,
  last_failed_at timestamptz,
  last_error text check (length(last_error) <= 500),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,        -- what was said over it stays, so the row stays
  unique (org_id, id)
);

-- Webhook URLs, keys and signing secrets, sealed under the org's data key.
create table private.alert_channel_secrets (
  org_id uuid not null,
  channel_id uuid not null,
  sealed bytea not null,
  primary key (org_id, channel_id),
  foreign key (org_id, channel_id) references public.alert_channels (org_id, id) on delete cascade
);

create table public.alert_incidents (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  kind text not null,
  source_connection_id uuid not null,
  status text not null default 'open' check (status in ('open', 'acknowledged', 'resolved')),
  level text not null check (level in ('info', 'warning', 'critical')),
  peak_level text not null check (peak_level in ('info', 'warning', 'critical')),  -- the highest that was notified
  value double precision not null,
  threshold double precision not null,
  message text not null,
  opened_at timestamptz not null,
  last_seen_at timestamptz not null,    -- when the condition last held
  clear_since timestamptz,              -- since when it has not
  last_notified_at timestamptz not null,
  reminders integer not null default 0,
  acknowledged_at timestamptz,
  acknowledged_by uuid,
  resolved_at timestamptz,
  resolved_by uuid,                     -- null: by itself
  resolution text check (resolution in ('recovered', 'no_traffic', 'not_watched', 'by_person')),
  check ((status = 'resolved') = (resolved_at is not null) and (status = 'resolved') = (resolution is not null)),
  foreign key (org_id, kind) references public.alert_rules (org_id, kind) on delete cascade,
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id) on delete cascade,
  unique (org_id, id)
) with (fillfactor = 80);
-- One at a time, whoever evaluates.
create unique index alert_incidents_open_key on public.alert_incidents (source_connection_id, kind) where status <> 'resolved';
create index alert_incidents_org_opened_idx on public.alert_incidents (org_id, opened_at desc, id desc);
create index alert_incidents_connection_idx on public.alert_incidents (org_id, source_connection_id, kind);
create index alert_incidents_rule_idx on public.alert_incidents (org_id, kind);

-- Both the outbox and the incident's timeline: written in the transaction that changes the incident, delivered by the task alerts.notify.
create table public.alert_notifications (
  id uuid primary key default gen_random_uuid(),
  seq bigint generated always as identity,
  org_id uuid not null references public.orgs (id) on delete cascade,
  incident_id uuid not null,
  channel_id uuid not null,
  kind text not null check (kind in ('opened', 'escalated', 'reminder', 'acknowledged', 'resolved')),
  round integer not null,               -- which escalation or reminder
  level text not null,
  value double precision not null,
  threshold double precision not null,
  message text not null,
  status text not null default 'pending' check (status in ('pending', 'sent', 'failed', 'canceled')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null, -- while an attempt runs: when another instance may take it up
  last_error text check (length(last_error) <= 500),
  created_at timestamptz not null,
  settled_at timestamptz,
  unique (incident_id, channel_id, kind, round),
  foreign key (org_id, incident_id) references public.alert_incidents (org_id, id) on delete cascade,
  foreign key (org_id, channel_id) references public.alert_channels (org_id, id) on delete cascade
);
create index alert_notifications_pending_idx on public.alert_notifications (next_attempt_at) where status = 'pending';
create index alert_notifications_incident_idx on public.alert_notifications (org_id, incident_id, seq);
create index alert_notifications_channel_idx on public.alert_notifications (org_id, channel_id);

create trigger touch before update of enabled, thresholds, renotify_minutes, resolve_after_minutes on public.alert_rules
  for each row execute function private.touch_updated_at();
create trigger touch before update of name, target, min_level, is_enabled, deleted_at on public.alert_channels
  for each row execute function private.touch_updated_at();

create trigger audit after update on public.alert_rules for each row execute function private.audit('kind');
create trigger audit_insert after insert on public.alert_channels for each row execute function private.audit('id');
create trigger audit after update of name, target, min_level, is_enabled, deleted_at on public.alert_channels
  for each row execute function private.audit('id');
create trigger audit after insert or update or delete on private.alert_channel_secrets for each row execute function private.audit('channel_id');
-- Only what people do to an incident.
create trigger audit after update on public.alert_incidents
  for each row when (new.acknowledged_by is distinct from old.acknowledged_by or new.resolved_by is distinct from old.resolved_by)
  execute function private.audit('id');

-- What is said of each incident: to the channels that ask for its level; that it is over or taken care of, to those that were told of it.
create function private.queue_alert_notifications(p_incidents uuid[], p_kind text, p_now timestamptz)
returns integer
language plpgsql volatile
set search_path = ''
as $$
declare
  v_count integer;
begin
  insert into public.alert_notifications (org_id, incident_id, channel_id, kind, round, level, value, threshold, message, next_attempt_at, created_at)
  select i.org_id, i.id, c.id, p_kind,
    case p_kind when 'escalated' then private.alert_rank(i.level) when 'reminder' then i.reminders else 0 end,
    i.level, i.value, i.threshold, i.message, p_now, p_now
  from public.alert_incidents i
  join public.alert_channels c on c.org_id = i.org_id and c.is_enabled and c.deleted_at is null
  where i.id = any (p_incidents) and case
    when p_kind in ('acknowledged', 'resolved')
      then exists (select from public.alert_notifications n where n.org_id = i.org_id and n.incident_id = i.id and n.channel_id = c.id)
    else private.alert_rank(c.min_level) <= private.alert_rank(i.level) end
  on conflict do nothing;
  get diagnostics v_count = row_count;
  if v_count > 0 then
    perform graphile_worker.add_job('alerts.notify', payload => '{}', job_key => 'alerts.notify', job_key_mode => 'preserve_run_at', max_attempts => 1);
  end if;
  return v_count;
end
$$;

-- What people do -----------------------------------------------------------------------------------------------------

-- False: the org has as many as it may. Every channel is somewhere that we send to on somebody's word.
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

-- False: no such channel, for this caller.
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

-- False: no such channel, for this caller.
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

-- A person takes care of it (acknowledged) or ends it (resolved). Pressed twice it is done once. False: no such incident, for this caller.
create function private.change_alert_incident(p_id uuid, p_status text)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_incident public.alert_incidents;
  v_now timestamptz := clock_timestamp();
begin
  select * into v_incident from public.alert_incidents where id = p_id for update;
  if v_incident.id is null or v_incident.org_id <> all (array(select private.my_orgs())) then
    return false;
  end if;
  perform private.require_admin(v_incident.org_id);
  if v_incident.status = 'open' and p_status = 'acknowledged' then
    update public.alert_incidents set status = 'acknowledged', acknowledged_at = v_now, acknowledged_by = auth.uid() where id = p_id;
  elsif v_incident.status <> 'resolved' and p_status = 'resolved' then
    update public.alert_incidents set status = 'resolved', resolved_at = v_now, resolved_by = auth.uid(), resolution = 'by_person' where id = p_id;
  else
    return true;
  end if;
  perform private.queue_alert_notifications(array[p_id], p_status, v_now);
  return true;
end
$$;

grant execute on function private.create_alert_channel(uuid, uuid, text, text, text, text, bytea), private.set_alert_channel_target(uuid, text, bytea),
  private.delete_alert_channel(uuid), private.change_alert_incident(uuid, text) to authenticated;

grant select on public.alert_rules, public.alert_channels, public.alert_incidents, public.alert_notifications to authenticated;
grant update (enabled, thresholds, renotify_minutes, resolve_after_minutes) on public.alert_rules to authenticated;
grant update (name, min_level, is_enabled) on public.alert_channels to authenticated;

alter table public.alert_rules enable row level security;
alter table public.alert_channels enable row level security;
alter table private.alert_channel_secrets enable row level security;
alter table public.alert_incidents enable row level security;
alter table public.alert_notifications enable row level security;

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
create policy alert_notifications_select on public.alert_notifications for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
