-- A filter may also come as text: the embedded Data API passes JSON on as a JSON string, PostgREST as what it is.

create function private.unwrapped(p_json jsonb)
returns jsonb
language sql immutable
set search_path = ''
as $$ select case jsonb_typeof(p_json) when 'string' then (p_json #>> '{}')::jsonb when 'null' then null else p_json end $$;

alter function public.search_events(uuid, jsonb, jsonb, integer) set schema private;
alter function public.events_histogram(uuid, timestamptz, timestamptz, integer, jsonb) set schema private;

-- A page of the org's events that match, newest first, before a place in the list: as far back as a quarter of a second reaches.
create function public.search_events(org_id uuid, filter jsonb default '{}', before jsonb default null, page_limit integer default 50)
returns jsonb
language sql stable security invoker
set search_path = ''
as $$ select private.search_events(org_id, private.unwrapped(filter), private.unwrapped(before), page_limit) $$;

-- How many of the org's events that match happened in each bucket of [from, to): as far back as a quarter of a second reaches.
create function public.events_histogram(org_id uuid, "from" timestamptz, "to" timestamptz, bucket_seconds integer, filter jsonb default '{}')
returns jsonb
language sql stable security invoker
set search_path = ''
as $$ select private.events_histogram(org_id, "from", "to", bucket_seconds, private.unwrapped(filter)) $$;

grant execute on function private.unwrapped(jsonb), public.search_events(uuid, jsonb, jsonb, integer),
  public.events_histogram(uuid, timestamptz, timestamptz, integer, jsonb) to authenticated;
