-- As before, and the orgs take turns: fifty receivers of one org that never answer would fill one claim after the other, and every other org
-- would wait out their time.
create or replace function private.claim_alert_notifications(p_limit integer, p_lease_seconds integer, p_now timestamptz default clock_timestamp())
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
  set status = 'canceled', settled_at = p_now, last_error = 'the channel was switched off'
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
