-- A plan for an unknown time expects a third of all rows, so each measurement of the quotas, every ten seconds, read the activity of the whole month.
create or replace function private.list_orgs_to_measure(p_now timestamptz default clock_timestamp())
returns setof uuid
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
as $$
begin
  return query
  select a.org_id from public.connection_activity a where a.bucket >= date_trunc('minute', p_now - interval '2 minutes')
  union
  -- A quota that was used up yesterday accepts deliveries again today.
  select m.org_id from private.org_measures m where m.exceeded is not null;
end
$$;
