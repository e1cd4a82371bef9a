-- As before, with null where nothing came: `least` passes over a null, so that a connection which had never sent seemed to have sent just
-- now. One whose only events came by a retry or a replay then looked late, there was no minute to learn a rhythm from, and the row that
-- could not be written ended the pass over every org.
create or replace function private.connection_arrivals(p_now timestamptz)
returns table (source_connection_id uuid, org_id uuid, last_at timestamptz, last_event_at timestamptz, changed_at timestamptz)
language sql stable
set search_path = ''
as $$
  select c.id, c.org_id, case when a.bucket is not null then least(a.bucket + interval '1 minute', p_now) end,
    case when c.last_event_at is not null then least(c.last_event_at, p_now) end, c.updated_at
  from public.source_connections c
  left join lateral (
    select m.bucket from public.activity_minutes m
    where m.org_id = c.org_id and m.source_connection_id = c.id and m.bucket > p_now - interval '28 days' and m.bucket <= p_now
      and m.accepted + m.duplicates + m.dead_lettered > 0
    order by m.bucket desc limit 1
  ) a on true
  where c.is_active and c.deleted_at is null
$$;
