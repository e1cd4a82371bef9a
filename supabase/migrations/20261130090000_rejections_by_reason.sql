-- Every delivery that the ingest endpoint refuses is counted by its reason, so that the page of the connection shows what is refused and why.

create table public.connection_rejections (
  org_id uuid not null,
  source_connection_id uuid not null,
  hour timestamptz not null,
  code text not null check (code ~ '^[a-z_]{1,40}$'),
  rejected bigint not null check (rejected > 0),
  last_at timestamptz not null,
  primary key (org_id, source_connection_id, hour, code),
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id)
);
comment on table public.connection_rejections is
'The refused deliveries of a connection by hour and reason (the code of the answer): also those that the sender is asked to send again, and those beyond
the cap of the quarantine. One row for each reason and hour, however many deliveries are refused.';
create index connection_rejections_org_hour_idx on public.connection_rejections (org_id, hour);

alter table public.connection_rejections enable row level security;
create policy connection_rejections_select on public.connection_rejections for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
grant select on public.connection_rejections to authenticated, service_role;

insert into private.row_retention (table_name, kind, keep_days, clock, condition, key_columns, has_org, is_held) values
  ('public.connection_rejections', null, 8, 'hour', 'true', '{ctid}', true, false);

create function private.count_rejections(p_rows jsonb)
returns void
language sql volatile security definer
set search_path = ''
as $$
  with counted as materialized (
    select r.org_id, r.source_connection_id, r.code, r.refused, r.unstored
    from jsonb_to_recordset(p_rows) r (org_id uuid, source_connection_id uuid, code text, refused bigint, unstored integer)
    join public.source_connections c on c.org_id = r.org_id and c.id = r.source_connection_id
  ), activity as (
    insert into public.connection_activity (org_id, source_connection_id, bucket, received, rejected)
    select org_id, source_connection_id, date_trunc('minute', now()), sum(unstored), sum(unstored)
    from counted group by org_id, source_connection_id having sum(unstored) > 0
  )
  -- Two processes that count at the same time lock the rows in the same order.
  insert into public.connection_rejections as kept (org_id, source_connection_id, hour, code, rejected, last_at)
  select org_id, source_connection_id, date_trunc('hour', now()), code, refused, now()
  from counted where refused > 0
  order by org_id, source_connection_id, code
  on conflict (org_id, source_connection_id, hour, code) do update
  set rejected = kept.rejected + excluded.rejected, last_at = greatest(kept.last_at, excluded.last_at)
$$;
comment on function private.count_rejections(jsonb) is
'Counts refused deliveries, in rows of org_id, source_connection_id, code, refused and unstored: refused by their reason, and in the activity of their
connection those that the quarantine did not store, since the others are counted with their row. A connection that is gone is left out.';
grant execute on function private.count_rejections(jsonb) to ingest;

drop function private.count_rejected(uuid, uuid, integer);

create function public.rejections_by_reason(org_id uuid, connection_id uuid)
returns table (code text, last_day bigint, last_week bigint, last_at timestamptz)
language sql stable security invoker
set search_path = ''
as $$
  select r.code, coalesce(sum(r.rejected) filter (where r.hour > now() - interval '24 hours'), 0)::bigint, sum(r.rejected)::bigint, max(r.last_at)
  from public.connection_rejections r
  where r.org_id = rejections_by_reason.org_id and r.source_connection_id = rejections_by_reason.connection_id and r.hour > now() - interval '7 days'
  group by r.code
  order by max(r.last_at) desc
$$;
comment on function public.rejections_by_reason(uuid, uuid) is
'The refused deliveries of a connection in the last 24 hours and seven days by reason, with the time of the last one.';
grant execute on function public.rejections_by_reason(uuid, uuid) to authenticated;
