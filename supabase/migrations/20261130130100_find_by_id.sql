-- A search finds every id, whatever its age, and ignores case and accents.

-- Indexes -----------------------------------------------------------------------------------------------------------------

-- The platform's event id is mostly the idempotency key, which private.event_keys finds: only the other ids need an entry.
create index canonical_events_source_event_idx on public.canonical_events (org_id, source_event_id)
  where source_event_id is not null and source_event_id <> idempotency_key;
create index dlq_events_key_idx on public.dlq_events (org_id, idempotency_key) where idempotency_key is not null;

-- Functions ---------------------------------------------------------------------------------------------------------------

create function private.folded(p_text text)
returns text
language sql immutable strict parallel safe
set search_path = ''
as $$
  -- Most texts are plain ASCII, which has one byte for each character and nothing to take apart.
  select case when octet_length(p_text) = length(p_text) then lower(p_text collate pg_catalog.pg_c_utf8)
    else lower(regexp_replace(normalize(p_text, nfd), U&'[\0300-\036f]+', '', 'g') collate pg_catalog.pg_c_utf8) end
$$;
comment on function private.folded(text) is 'The text without case and accents, by which texts are compared in a search.';

create function private.find_by_id(p_org_id uuid, p_text text)
returns jsonb
language plpgsql stable security definer
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  v_text text := btrim(p_text, E' \t\r\n\u00a0\ufeff"''{}<>,;');
  v_hex text := regexp_replace(lower(v_text), '[\s{}-]', '', 'g');
  v_id uuid := case when v_hex ~ '^[0-9a-f]{32}$' then v_hex::uuid end;
  v_texts text[] := array(select distinct t from unnest(array[v_text, lower(v_text), upper(v_text), v_id::text]) t where length(t) between 1 and 255);
  v_connections uuid[];
  v_found jsonb;
begin
  if p_org_id <> all (array(select private.my_orgs())) or cardinality(v_texts) = 0 then
    return '[]';
  end if;
  v_connections := array(select c.id from public.source_connections c where c.org_id = p_org_id);
  with events as (
    select e.id, e.event_time, e.type from public.canonical_events e where e.id = v_id and e.org_id = p_org_id
    union select k.id, k.event_time, k.type from (
      select e.id, e.event_time, e.type from public.canonical_events e where e.journal_id = v_id and e.org_id = p_org_id limit 20) k
    union select e.id, e.event_time, e.type from private.event_keys k join public.canonical_events e on e.id = k.event_id and e.event_time = k.event_time
      where k.source_connection_id = any (v_connections) and k.idempotency_key = any (v_texts)
    union select o.id, o.event_time, o.type from (
      select e.id, e.event_time, e.type from public.canonical_events e where e.org_id = p_org_id and e.order_ref = any (v_texts) order by e.event_time desc limit 20) o
    union select s.id, s.event_time, s.type from (
      select e.id, e.event_time, e.type from public.canonical_events e
      where e.org_id = p_org_id and e.source_event_id = any (v_texts) and e.source_event_id <> e.idempotency_key limit 20) s
  ), letters as (
    select d.id, d.created_at, d.error_class from public.dlq_events d where d.id = v_id and d.org_id = p_org_id
    union select j.id, j.created_at, j.error_class from (
      select d.id, d.created_at, d.error_class from public.dlq_events d where d.journal_id = v_id and d.org_id = p_org_id limit 20) j
    union select k.id, k.created_at, k.error_class from (
      select d.id, d.created_at, d.error_class from public.dlq_events d where d.org_id = p_org_id and d.idempotency_key = any (v_texts) limit 20) k
  ), found as (
    select 'event' as kind, e.id, e.type as label, e.event_time as at from events e
    union all select 'dead_letter', l.id, l.error_class, l.created_at from letters l
    union all select 'connection', c.id, c.name, c.created_at from public.source_connections c
      where c.id = v_id and c.org_id = p_org_id and c.deleted_at is null
    union all select 'operation', o.id, o.kind, o.created_at from public.dlq_operations o where o.id = v_id and o.org_id = p_org_id
    union all select 'plan', p.id, p.name, p.created_at from public.replay_plans p where p.id = v_id and p.org_id = p_org_id
    union all select 'incident', i.id, i.kind, i.opened_at from public.alert_incidents i where i.id = v_id and i.org_id = p_org_id
    union all select 'delivery', j.id, j.outcome, j.received_at from public.event_journal j
      where j.id = v_id and j.org_id = p_org_id and not exists (select from events) and not exists (select from letters)
  )
  select coalesce(jsonb_agg(jsonb_build_object('kind', f.kind, 'id', f.id, 'label', f.label, 'at', f.at) order by f.at desc, f.id), '[]') into v_found
  from (select * from found order by at desc, id limit 20) f;
  return v_found;
end
$$;
comment on function private.find_by_id(uuid, text) is
'What an id names in the org: events (by their id, their delivery, their idempotency key, the platform''s event id or the order), dead letters,
connections, operations, replay plans, incidents and deliveries; the newest 20. The id may be pasted with blanks, quotes, in another case, and a UUID
without its dashes. Bypasses the policies, for members of the org only, because keys are in a table that people do not read; each part is served by
an index.';

create function public.find_by_id(org_id uuid, id text)
returns jsonb
language sql stable
set search_path = ''
as $$
  select private.find_by_id(org_id, id)
$$;
comment on function public.find_by_id(uuid, text) is 'What an id names in the org, the newest 20: [{ kind, id, label, at }].';

create or replace function private.event_condition(p_filter jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
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
    if v_key = 'q' and v_text ~ '[^\s@]@[^\s@]+\.[^\s@]' then
      raise invalid_parameter_value using message = 'a search text must not be an e-mail address: look the person up by POST /api/events/subject-hash';
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
      -- A literal search that ignores case and accents, on every host alike. In JSON a quote or a backslash is written with a backslash.
      when 'q' then format('(strpos(private.folded(concat_ws(E''\n'', e.type, e.source_event_type, e.source_event_id, e.order_ref, e.idempotency_key, e.id, e.journal_id)), %1$L) > 0
        or strpos(private.folded(e.properties::text), %2$L) > 0 or strpos(private.folded(e.attribution::text), %2$L) > 0)',
        private.folded(v_text), private.folded(substr(v_value::text, 2, length(v_value::text) - 2)))
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
$function$;
comment on function private.event_condition(jsonb) is 'Turns a filter into a condition on canonical_events e. Every value is written as a literal of its type. A filter that this version does not know
is refused, because ignoring it would return more events than were asked for.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.folded(text), private.find_by_id(uuid, text), public.find_by_id(uuid, text) to authenticated;
