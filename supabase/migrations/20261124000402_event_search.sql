-- What people look events up by, beside time and connection: their type, their order, and the person they are about.

create index canonical_events_org_type_time_idx on public.canonical_events (org_id, type, event_time desc, id desc);
create index canonical_events_org_order_idx on public.canonical_events (org_id, order_ref, event_time desc) where order_ref is not null;
create index canonical_events_subject_idx on public.canonical_events using gin (subject jsonb_path_ops);

-- Row level security keeps an operator that might leak (`@>` on jsonb) from choosing rows before the policy has: under a policy the index
-- on subject is never used. So this looks past the policy, for members of the org only, and answers ids; what the caller sees of them is
-- decided by the policy as ever. Newest first, at most 1,000.
create function private.find_events_of_subject(p_org_id uuid, p_hash text)
returns table (id uuid, event_time timestamptz)
language plpgsql stable security definer
set search_path = ''
-- Planned for the hash at hand: for any hash at all the planner would rather walk the org's whole history by time.
set plan_cache_mode = 'force_custom_plan'
as $$
begin
  return query
  with found as materialized (
    select e.id, e.event_time
    from public.canonical_events e
    where e.org_id = p_org_id and p_org_id = any (array(select private.my_orgs()))
      and (e.subject @> jsonb_build_object('email', p_hash) or e.subject @> jsonb_build_object('phone', p_hash)
        or e.subject @> jsonb_build_object('document', p_hash) or e.subject @> jsonb_build_object('external_id', p_hash))
  )
  select f.id, f.event_time from found f order by f.event_time desc, f.id desc limit 1000;
end
$$;

-- The events about one person of an org, by the keyed hash of an e-mail address, phone, document or external id.
create function public.events_of_subject(org_id uuid, hash text)
returns setof public.canonical_events
language sql stable security invoker
set search_path = ''
as $$
  select e.* from private.find_events_of_subject(events_of_subject.org_id, hash) f
  join public.canonical_events e on e.id = f.id and e.event_time = f.event_time
$$;

grant execute on function private.find_events_of_subject(uuid, text), public.events_of_subject(uuid, text) to authenticated;
