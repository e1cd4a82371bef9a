-- An org with three thousand connections that all stop took ten seconds to choose their conditions, because every condition was compared with every
-- other one. A window over each connection compares only those of one connection.

create or replace function private.conditions_of_incidents(p_measured private.alert_condition[])
returns setof private.alert_condition
language sql stable
set search_path = ''
as $$
  select distinct on (m.source_connection_id, m.family)
    m.incident_id, m.org_id, m.kind, m.source_connection_id, m.value, m.threshold, m.level, m.shown_level, m.holds, m.message, m.renotify_minutes, m.cause
  from (
    select r.*,
      max(r.shown_rank) filter (where r.kind = 'RejectedRateHigh' and r.is_met) over w as rejected,
      max(r.shown_rank) filter (where r.kind in ('IngestLagHigh', 'IngestDLQRateHigh', 'RejectedRateHigh') and r.is_met) over w as hindered
    from (
      select u.*, private.alert_family(u.kind) as family, private.alert_rank(u.level) as rank, private.alert_rank(u.shown_level) as shown_rank,
        (u.level is not null or u.holds) as is_met
      from unnest(p_measured) u
    ) r
    window w as (partition by r.source_connection_id)
  ) m
  where m.incident_id is not null or coalesce(m.rank > case m.kind when 'ConnectionSilent' then m.rejected when 'ConnectionLag' then m.hindered end, true)
  order by m.source_connection_id, m.family, m.rank desc nulls last, m.holds desc, m.kind = 'ConnectionSilent' desc, m.kind
$$;
comment on function private.conditions_of_incidents(private.alert_condition[]) is
'Of everything that was measured, the gravest condition of each connection and family. A condition that only repeats another one of its connection opens
no incident: when deliveries are rejected, become dead letters or are stored late, the newest event grows old as well, and a connection whose
deliveries are rejected is not silent.';

drop function private.is_alert_suppressed(text, text);
