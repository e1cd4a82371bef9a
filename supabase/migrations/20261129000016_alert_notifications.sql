-- Notifications of incidents: written to an outbox with the change that they are about, then claimed and sent by the task alerts.notify.

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
  next_attempt_at timestamptz not null, -- while an attempt runs: the time from which another instance may try
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
comment on table public.alert_notifications is
'Both the outbox and the incident''s timeline: written in the transaction that changes the incident, delivered by the task alerts.notify.';

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
comment on function private.queue_alert_notifications(uuid[], text, timestamptz) is
'Queues the notifications of incidents. When an incident opened, escalated or is still open, the channels that ask for its level are notified;
when it was resolved or acknowledged, the channels that were notified of it before.';

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
comment on function private.change_alert_incident(uuid, text) is
'Acknowledges or resolves an incident for a person. Repeating the request changes nothing. Returns false when the caller has no such incident.';

create function private.claim_alert_notifications(p_limit integer, p_lease_seconds integer, p_now timestamptz default clock_timestamp())
returns table (
  id uuid, attempts integer, kind text, level text, value double precision, threshold double precision, message text, created_at timestamptz,
  org_id uuid, org_name text, incident_id uuid, rule text, opened_at timestamptz, actor_email text,
  connection_id uuid, connection_name text, source_type text, channel_id uuid, channel_type text, sealed bytea
)
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  update public.alert_notifications n
  set status = 'canceled', settled_at = p_now, last_error = 'the channel was disabled or deleted'
  from public.alert_channels c
  where n.status = 'pending' and c.id = n.channel_id and not c.is_enabled;

  return query
  with due as (
    select o.id
    from (
      select d.id, d.seq, row_number() over (partition by d.org_id order by d.place, d.seq) as turn
      from (
        select n.id, n.seq, n.org_id, row_number() over (partition by n.channel_id order by n.seq) as place
        from public.alert_notifications n
        where n.status = 'pending' and n.next_attempt_at <= p_now and not exists (
          select from public.alert_notifications e
          where e.org_id = n.org_id and e.incident_id = n.incident_id and e.channel_id = n.channel_id and e.status = 'pending' and e.seq < n.seq)
      ) d
      where d.place <= 4
    ) o
    order by o.turn, o.seq limit p_limit
  ), locked as (
    select n.id from public.alert_notifications n
    where n.id in (select due.id from due) and n.status = 'pending' and n.next_attempt_at <= p_now
    for update skip locked
  ), claimed as (
    update public.alert_notifications n
    set attempts = n.attempts + 1, next_attempt_at = p_now + make_interval(secs => p_lease_seconds)
    from locked where n.id = locked.id
    returning n.*
  )
  select n.id, n.attempts, n.kind, n.level, n.value, n.threshold, n.message, n.created_at, n.org_id, o.name, n.incident_id, i.kind, i.opened_at,
    (select u.email::text from auth.users u where u.id = case n.kind when 'acknowledged' then i.acknowledged_by when 'resolved' then i.resolved_by end),
    i.source_connection_id, s.name, s.type, c.id, c.type, k.sealed
  from claimed n
  join public.orgs o on o.id = n.org_id
  join public.alert_incidents i on i.id = n.incident_id
  join public.source_connections s on s.id = i.source_connection_id
  join public.alert_channels c on c.id = n.channel_id
  left join private.alert_channel_secrets k on k.org_id = n.org_id and k.channel_id = n.channel_id
  order by n.seq;
end
$$;
comment on function private.claim_alert_notifications(integer, integer, timestamptz) is
'Claims the notifications that are due, each for p_lease_seconds: when an instance dies, another one sends them. The notifications of an incident
over a channel are sent in order, and a channel takes at most four places of a claim. Orgs take turns: otherwise fifty receivers of one org that
never answer would fill one claim after the other, and every other org would wait until they time out.';

create function private.settle_alert_notification(p_id uuid, p_attempt integer, p_outcome text, p_error text, p_after_seconds integer)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_channel uuid;
  v_now timestamptz := clock_timestamp();
begin
  update public.alert_notifications
  set status = case p_outcome when 'sent' then 'sent' when 'failed' then 'failed' else 'pending' end,
    attempts = attempts - case p_outcome when 'postponed' then 1 else 0 end,
    settled_at = case when p_outcome in ('sent', 'failed') then v_now end,
    next_attempt_at = case when p_outcome in ('retry', 'postponed') then v_now + make_interval(secs => p_after_seconds) else next_attempt_at end,
    last_error = case p_outcome when 'sent' then null else left(p_error, 500) end
  where id = p_id and attempts = p_attempt and status = 'pending'
  returning channel_id into v_channel;
  if v_channel is null then
    return false;
  end if;
  if p_outcome <> 'postponed' then
    perform private.record_alert_channel_result(v_channel, case p_outcome when 'sent' then null else p_error end);
  end if;
  return true;
end
$$;
comment on function private.settle_alert_notification(uuid, integer, text, text, integer) is
'Ends a claimed attempt and records its outcome. ''retry'' and ''postponed'' (nothing was sent) are due again after p_after_seconds. Returns false
when the notification was given to another instance meanwhile.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.change_alert_incident(uuid, text) to authenticated;
grant execute on function private.claim_alert_notifications(integer, integer, timestamptz),
  private.settle_alert_notification(uuid, integer, text, text, integer) to worker;

grant select on public.alert_notifications to authenticated;

alter table public.alert_notifications enable row level security;

create policy alert_notifications_select on public.alert_notifications for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
