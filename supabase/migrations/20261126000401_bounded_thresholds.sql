-- Thresholds are a handful of numbers: one with sixteen thousand decimals would be read by every pass.
create or replace function private.are_alert_thresholds(p_kind text, p jsonb)
returns boolean
language sql immutable
set search_path = ''
as $$
  select coalesce(
    jsonb_typeof(p) = 'object'
    and length(p::text) <= 512
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
