-- Event search: finds events by any filter among any number of events. Each call takes about a quarter of a second and says how far it looked.

create function private.find_events_of_subject(p_org_id uuid, p_hash text)
returns table (id uuid, event_time timestamptz)
language plpgsql stable security definer
set search_path = ''
-- Planned for the given hash: in a plan for an unknown hash, the planner prefers to walk the org's whole history by time.
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
comment on function private.find_events_of_subject(uuid, text) is
'Under row level security, an operator that might leak (`@>` on jsonb) may not select rows before the policy has, so the index on subject is never
used. This function therefore bypasses the policy, for members of the org only, and returns ids; the policy still decides which of these events
the caller sees. Newest first, at most 1,000.';

create function public.events_of_subject(org_id uuid, hash text)
returns setof public.canonical_events
language sql stable security invoker
set search_path = ''
as $$
  select e.* from private.find_events_of_subject(events_of_subject.org_id, hash) f
  join public.canonical_events e on e.id = f.id and e.event_time = f.event_time
$$;
comment on function public.events_of_subject(uuid, text) is
'The events about one person of an org, by the keyed hash of an e-mail address, phone, document or external id.';

create function private.event_condition(p_filter jsonb)
returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  v_key text;
  v_value jsonb;
  v_text text;
  v_list text[];
  v_conditions text[] := '{}';
begin
  if jsonb_typeof(p_filter) is distinct from 'object' then
    raise invalid_parameter_value using message = 'the filter must be an object';
  end if;
  for v_key, v_value in select * from jsonb_each(p_filter) loop
    v_text := v_value #>> '{}';
    if v_key in ('connectionIds', 'types', 'subjects') then
      if jsonb_typeof(v_value) <> 'array' or jsonb_array_length(v_value) not between 1 and 100
        or exists (select from jsonb_array_elements(v_value) v where jsonb_typeof(v) <> 'string') then
        raise invalid_parameter_value using message = format('%s must be a list of 1 to 100 texts', v_key);
      end if;
      v_list := array(select distinct jsonb_array_elements_text(v_value));
    elsif jsonb_typeof(v_value) <> 'string' or length(v_text) not between 1 and 1000 then
      raise invalid_parameter_value using message = format('%s must be a text', left(v_key, 100));
    end if;
    v_conditions := v_conditions || case v_key
      when 'from' then format('e.event_time >= %L::timestamptz', v_text::timestamptz)
      when 'to' then format('e.event_time < %L::timestamptz', v_text::timestamptz)
      when 'connectionIds' then format('e.source_connection_id = any (%L::uuid[])', v_list::uuid[])
      when 'types' then format('e.type = any (%L::text[])', v_list)
      when 'subjects' then format('(e.subject ->> ''email'' = any (%1$L::text[]) or e.subject ->> ''phone'' = any (%1$L::text[])
        or e.subject ->> ''document'' = any (%1$L::text[]) or e.subject ->> ''external_id'' = any (%1$L::text[]))', v_list)
      when 'orderRef' then format('e.order_ref = %L', v_text)
      when 'currency' then format('e.currency = %L', v_text)
      when 'amountMin' then format('e.amount_minor >= %L::bigint', v_text::bigint)
      when 'amountMax' then format('e.amount_minor <= %L::bigint', v_text::bigint)
      when 'test' then case v_text when 'only' then 'e.is_test' when 'hide' then 'not e.is_test' end
      -- A literal search that ignores case, by Unicode's rules on every host. In JSON a quote or a backslash is written with a backslash.
      when 'q' then format('(strpos(lower(concat_ws(E''\n'', e.type, e.source_event_type, e.source_event_id, e.order_ref) collate pg_catalog.pg_c_utf8), %1$L) > 0
        or strpos(lower(e.properties::text collate pg_catalog.pg_c_utf8), %2$L) > 0 or strpos(lower(e.attribution::text collate pg_catalog.pg_c_utf8), %2$L) > 0)',
        lower(v_text collate pg_catalog.pg_c_utf8), lower(substr(v_value::text, 2, length(v_value::text) - 2) collate pg_catalog.pg_c_utf8))
    end;
    if v_conditions[cardinality(v_conditions)] is null then
      raise invalid_parameter_value using message = format('%s is not a known filter, or its value is invalid', left(v_key, 100));
    end if;
  end loop;
  if (p_filter ? 'amountMin' or p_filter ? 'amountMax') and not p_filter ? 'currency' then
    raise invalid_parameter_value using message = 'an amount filter needs a currency';
  end if;
  return coalesce(nullif(array_to_string(v_conditions, ' and '), ''), 'true');
end
$$;
comment on function private.event_condition(jsonb) is
'Turns a filter into a condition on canonical_events e. Every value is written as a literal of its type. A filter that this version does not know
is refused, because ignoring it would return more events than were asked for.';

create function private.find_people_events(p_org_id uuid, p_hashes text[], p_from timestamptz, p_to timestamptz)
returns table (times timestamptz[], ids uuid[])
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if p_org_id <> all (array(select private.my_orgs())) then
    return query select '{}'::timestamptz[], '{}'::uuid[];
    return;
  end if;
  -- The patterns are joined by `or`, because `any` would not use the index.
  return query execute format($sql$
    with found as materialized (
      select e.event_time, e.id from public.canonical_events e
      where e.org_id = $1 and e.event_time >= $2 and e.event_time <= $3 and (%s) limit 20001
    )
    select array_agg(f.event_time order by f.event_time desc, f.id desc), array_agg(f.id order by f.event_time desc, f.id desc)
    from found f having count(*) between 1 and 20000
    union all select '{}'::timestamptz[], '{}'::uuid[] where not exists (select from found)$sql$,
    (select string_agg(format('e.subject @> %L', jsonb_build_object(kind, hash)), ' or ')
     from unnest(p_hashes) hash, unnest('{email,phone,document,external_id}'::text[]) kind))
  using p_org_id, p_from, p_to;
end
$$;
comment on function private.find_people_events(uuid, text[], timestamptz, timestamptz) is
'The places of people''s events in the list, newest first, before a given place. Null when there are more than 20,000: a walk back through time
then meets such events soon enough. Bypasses the policy as private.find_events_of_subject does, for the same reason and for members of the org
only, and returns places; the policy decides what the caller sees there.';

create function private.event_walk(p_filter jsonb, p_driver text)
returns text
language sql immutable
set search_path = ''
as $$
  select case
    when p_driver in ('types', 'connectionIds') then format('unnest(%1$L::%2$s[]) d(value) cross join lateral (%3$s and %4$s = d.value order by e.event_time desc, e.id desc limit $4) e',
      array(select distinct jsonb_array_elements_text(p_filter -> p_driver)), case p_driver when 'types' then 'text' else 'uuid' end, w.events,
      case p_driver when 'types' then 'e.type' else 'e.source_connection_id' end)
    when p_driver = 'subjects' then format('(select * from unnest($5::timestamptz[], $6::uuid[]) p(event_time, id) where (p.event_time, p.id) < ($2, $3)
      order by p.event_time desc, p.id desc limit $4) p cross join lateral (%s and e.id = p.id and e.event_time = p.event_time) e', w.events)
    when p_driver = 'orderRef' then format('(%s and e.order_ref = %L order by e.event_time desc, e.id desc limit $4) e', w.events, p_filter ->> 'orderRef')
    else format('(%s order by e.event_time desc, e.id desc limit $4) e', w.events)
  end || ' order by e.event_time desc, e.id desc limit $4'
  from (select format('select e.id, e.event_time, e.source_connection_id, e.type, e.source_type, e.source_event_type, e.received_at, e.subject, e.amount_minor, e.currency,
      e.order_ref, e.is_test, e.journal_id, (%s) as hit
    from public.canonical_events e where e.org_id = $1 and e.event_time <= $2 and (e.event_time, e.id) < ($2, $3) and %s',
    private.event_condition(p_filter - '{from,to}'::text[] - p_driver), private.event_condition(p_filter - array(select k from jsonb_object_keys(p_filter) k where k not in ('from', 'to')))) as events) w
$$;
comment on function private.event_walk(jsonb, text) is
'The part of a query that walks back through the org''s events, newest first, from a place ($2, $3), over at most $4 of them, along the index that
serves p_driver best. The condition does not limit the walk but is returned as `hit`. $5 and $6 are the places of people''s events.';

create function private.search_events(org_id uuid, filter jsonb default '{}', before jsonb default null, page_limit integer default 50)
returns jsonb
language plpgsql stable security invoker
set search_path = ''
as $$
declare
  v_time timestamptz := coalesce((before ->> 'time')::timestamptz, 'infinity');
  v_id uuid := coalesce((before ->> 'id')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  v_condition text := private.event_condition(filter);
  v_driver text := '';
  v_times timestamptz[];
  v_ids uuid[];
  v_one timestamptz;
  v_other timestamptz;
  v_chunk integer;
  v_sql text;
  v_count integer;
  v_found jsonb;
  v_rows jsonb := '[]';
  v_scanned_to text;
  v_next jsonb;
begin
  if page_limit is null or page_limit not between 1 and 1000 then
    raise invalid_parameter_value using message = 'page_limit must be a number from 1 to 1000';
  end if;
  -- The walk along the index starts at the earlier of the place and `to`; from the later of the two, it would first have to reach the earlier.
  if v_time >= (filter ->> 'to')::timestamptz then
    v_time := (filter ->> 'to')::timestamptz;
    v_id := '00000000-0000-0000-0000-000000000000';
  end if;
  if filter ? 'orderRef' then
    v_driver := 'orderRef';
  elsif filter ? 'subjects' then
    select * into v_times, v_ids from private.find_people_events(org_id, array(select jsonb_array_elements_text(filter -> 'subjects')),
      coalesce((filter ->> 'from')::timestamptz, '-infinity'), v_time);
    if v_ids is not null then
      v_driver := 'subjects';
    end if;
  end if;
  if v_driver = '' and filter ? 'types' and filter ? 'connectionIds' then
    -- Walks along the rarer of the two filters: the one whose 500th event is further back.
    execute 'select min(w.event_time) from (select e.event_time from ' || private.event_walk(filter - 'connectionIds', 'types') || ') w having count(*) = 500'
      into v_one using org_id, v_time, v_id, 500, null, null;
    execute 'select min(w.event_time) from (select e.event_time from ' || private.event_walk(filter - 'types', 'connectionIds') || ') w having count(*) = 500'
      into v_other using org_id, v_time, v_id, 500, null, null;
    v_driver := case when v_one is null or v_one < v_other then 'types' else 'connectionIds' end;
  elsif v_driver = '' then
    v_driver := case when filter ? 'types' then 'types' when filter ? 'connectionIds' then 'connectionIds' else '' end;
  end if;

  v_chunk := case when private.event_condition(filter - '{from,to}'::text[] - v_driver) = 'true' then page_limit + 1 else greatest(500, page_limit + 1) end;
  v_sql := format($sql$
    with walked as materialized (select e.* from %s)
    select (select count(*) from walked), last.event_time, last.id, (
      select coalesce(jsonb_agg(jsonb_build_object('id', h.id, 'connectionId', h.source_connection_id, 'type', h.type, 'sourceType', h.source_type,
        'sourceEventType', h.source_event_type, 'eventTime', h.event_time, 'receivedAt', h.received_at,
        'subject', h.subject - 'hash_version', 'amountMinor', h.amount_minor::text,
        'currency', h.currency, 'orderRef', h.order_ref, 'isTest', h.is_test, 'journalId', h.journal_id) order by h.event_time desc, h.id desc), '[]')
      from (select * from walked where hit order by event_time desc, id desc limit $7) h)
    from (select 1) one left join (select event_time, id from walked order by event_time, id limit 1) last on true$sql$,
    private.event_walk(filter, v_driver));
  loop
    execute v_sql into v_count, v_time, v_id, v_found
    using org_id, v_time, v_id, v_chunk, v_times, v_ids, page_limit + 1 - jsonb_array_length(v_rows);
    v_rows := v_rows || v_found;
    if jsonb_array_length(v_rows) > page_limit then
      v_rows := v_rows - page_limit;
      v_next := jsonb_build_object('time', v_rows -> -1 -> 'eventTime', 'id', v_rows -> -1 -> 'id');
      exit;
    end if;
    exit when v_count < v_chunk;
    if clock_timestamp() > statement_timestamp() + interval '250 milliseconds' then
      v_scanned_to := to_jsonb(v_time) #>> '{}';
      v_next := jsonb_build_object('time', v_time, 'id', v_id);
      exit;
    end if;
    v_chunk := least(v_chunk * 4, 10000);
  end loop;
  return jsonb_build_object('rows', v_rows, 'next', v_next, 'scannedTo', v_scanned_to);
end
$$;
comment on function private.search_events(uuid, jsonb, jsonb, integer) is
'A page of the org''s matching events, newest first, before a place in the list. The search walks back along an index, a chunk at a time, and
checks each event on the way. After a quarter of a second it returns the events that it found and how far it looked.';

create function private.events_histogram(org_id uuid, "from" timestamptz, "to" timestamptz, bucket_seconds integer, filter jsonb default '{}')
returns jsonb
language plpgsql stable security invoker
set search_path = ''
as $$
declare
  v_bucket interval := make_interval(secs => bucket_seconds);
  v_buckets integer;
  v_counts bigint[];
  v_times timestamptz[];
  v_ids uuid[];
  v_sql text;
  v_until timestamptz := "to";
  v_since timestamptz;
  v_slice interval;
  v_started timestamptz;
  v_took double precision;
  v_part record;
  v_first integer;
begin
  if bucket_seconds is null or bucket_seconds not between 1 and 31536000 or not ("from" < "to") or not isfinite("from") or not isfinite("to")
    or extract(epoch from "to" - "from") / bucket_seconds > 1000 then
    raise invalid_parameter_value using message = 'from must be before to, with 1 to 1000 buckets of at least a second between them';
  end if;
  v_buckets := ceil(extract(epoch from "to" - "from") / bucket_seconds);
  v_counts := array_fill(0::bigint, array[v_buckets]);
  v_slice := ("to" - "from") / 128;
  v_sql := 'from public.canonical_events e where e.org_id = $1 and e.event_time >= $2 and e.event_time < $3 and ';
  if filter ? 'subjects' then
    perform private.event_condition(filter);
    select * into v_times, v_ids from private.find_people_events(org_id, array(select jsonb_array_elements_text(filter -> 'subjects')), "from", "to");
    if v_ids is not null then
      v_slice := "to" - "from";
      v_sql := 'from unnest($6::timestamptz[], $7::uuid[]) p(event_time, id) cross join lateral (select e.event_time '
        || v_sql || private.event_condition(filter - 'subjects') || ' and e.id = p.id and e.event_time = p.event_time) e where ';
      filter := '{}';
    end if;
  end if;
  v_sql := 'with counted as materialized (select date_bin($5, e.event_time, $4) as start, count(*) as c ' || v_sql
    || private.event_condition(filter)
    || ' group by 1) select array_agg(round(extract(epoch from start - $4) / extract(epoch from $5))::integer + 1) as ns, array_agg(c) as cs from counted';
  loop
    v_started := clock_timestamp();
    v_since := greatest("from", v_until - v_slice);
    execute v_sql into v_part using org_id, v_since, v_until, "from", v_bucket, v_times, v_ids;
    for i in 1 .. coalesce(cardinality(v_part.ns), 0) loop
      v_counts[v_part.ns[i]] := v_counts[v_part.ns[i]] + v_part.cs[i];
    end loop;
    v_until := v_since;
    exit when v_until <= "from" or clock_timestamp() > statement_timestamp() + interval '250 milliseconds';
    -- A slice should take about 40 ms, so the denser the events, the smaller the next slice.
    v_took := extract(epoch from clock_timestamp() - v_started) * 1000;
    v_slice := greatest(v_slice * least(4, greatest(0.1, 40 / greatest(v_took, 1))), interval '1 millisecond');
  end loop;
  v_first := floor(extract(epoch from v_until - "from") / bucket_seconds)::integer;
  return jsonb_build_object(
    'buckets', (select coalesce(jsonb_agg(jsonb_build_object('start', "from" + (n - 1) * v_bucket, 'count', v_counts[n]) order by n), '[]')
      from generate_series(v_first + 1, v_buckets) n),
    'countedFrom', case when v_until > "from" then v_until end);
end
$$;
comment on function private.events_histogram(uuid, timestamptz, timestamptz, integer, jsonb) is
'Counts the org''s matching events in each bucket of [from, to), from the newest back: exactly, for as much of the range as it can count in a
quarter of a second. It counts from the events'' index, because the rollups of activity are by the time of arrival.';

create function private.unwrapped(p_json jsonb)
returns jsonb
language sql immutable
set search_path = ''
as $$ select case jsonb_typeof(p_json) when 'string' then (p_json #>> '{}')::jsonb when 'null' then null else p_json end $$;
comment on function private.unwrapped(jsonb) is
'Returns the JSON value of a filter that arrived as a JSON string: the embedded Data API passes JSON as a JSON string, PostgREST passes it
unchanged.';

create function public.search_events(org_id uuid, filter jsonb default '{}', before jsonb default null, page_limit integer default 50)
returns jsonb
language sql stable security invoker
set search_path = ''
as $$ select private.search_events(org_id, private.unwrapped(filter), private.unwrapped(before), page_limit) $$;
comment on function public.search_events(uuid, jsonb, jsonb, integer) is
'A page of the org''s matching events, newest first, before a place in the list: as far back as the search gets in a quarter of a second.';

create function public.events_histogram(org_id uuid, "from" timestamptz, "to" timestamptz, bucket_seconds integer, filter jsonb default '{}')
returns jsonb
language sql stable security invoker
set search_path = ''
as $$ select private.events_histogram(org_id, "from", "to", bucket_seconds, private.unwrapped(filter)) $$;
comment on function public.events_histogram(uuid, timestamptz, timestamptz, integer, jsonb) is
'Counts the org''s matching events in each bucket of [from, to): as far back as the count gets in a quarter of a second.';

create function private.audit_export(p_org_id uuid, p_filter jsonb, p_format text)
returns void
language plpgsql security definer
set search_path = ''
as $$
begin
  if not p_org_id = any (array(select private.my_orgs())) then
    raise insufficient_privilege;
  end if;
  insert into public.audit_log (org_id, actor_id, action, detail)
  values (p_org_id, auth.uid(), 'canonical_events.export', jsonb_build_object('filter', p_filter, 'format', p_format));
end
$$;
comment on function private.audit_export(uuid, jsonb, text) is
'Records which member exported the org''s events, with which filter and in which format.';

grant execute on function private.find_events_of_subject(uuid, text), public.events_of_subject(uuid, text), private.event_condition(jsonb),
  private.find_people_events(uuid, text[], timestamptz, timestamptz), private.event_walk(jsonb, text), private.unwrapped(jsonb),
  private.search_events(uuid, jsonb, jsonb, integer), public.search_events(uuid, jsonb, jsonb, integer),
  private.events_histogram(uuid, timestamptz, timestamptz, integer, jsonb), public.events_histogram(uuid, timestamptz, timestamptz, integer, jsonb),
  private.audit_export(uuid, jsonb, text) to authenticated;
