-- Operators: named accounts with a token each, the journal of what they did, and what they may see and change of an org.

create table private.operators (
  id uuid primary key default gen_random_uuid(),
  name text not null check (name ~ '^[a-z][a-z0-9._-]{1,39}$' and name <> 'bootstrap'),
  token_sha256 bytea not null unique check (length(token_sha256) = 32),
  created_by text not null check (length(created_by) between 1 and 40),
  created_at timestamptz not null default now(),
  last_used_on date,
  revoked_at timestamptz
);
-- A name may be given again after its account was revoked.
create unique index operators_name_key on private.operators (name) where revoked_at is null;
comment on table private.operators is
'The accounts of the operators. A token is 256 random bits, shown once, and only its SHA-256 is stored. The token in the environment (OPERATOR_TOKEN) is an
account too, named bootstrap, with which the first accounts are created.';

create table private.operator_acts (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  operator text not null check (length(operator) between 1 and 40),
  action text not null check (action ~ '^[a-z_]{2,40}$'),
  org_id uuid,                     -- no foreign key: the entry outlives the org
  reason text check (length(reason) <= 500),
  detail jsonb not null default '{}' check (jsonb_typeof(detail) = 'object' and pg_column_size(detail) <= 16384)
);
create index operator_acts_org_id_idx on private.operator_acts (org_id, id desc) where org_id is not null;
comment on table private.operator_acts is 'Everything that operators did, with the name of the account and the reason. Rows are only appended.';

create function private.refuse_change()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise insufficient_privilege using message = 'rows of this table are only appended';
end
$$;
comment on function private.refuse_change() is 'Trigger function: refuses to change or delete rows of a table that is only appended to, also for the owner of the table.';
create trigger append_only before update or delete or truncate on private.operator_acts for each statement execute function private.refuse_change();

create function private.record_operator_act(p_operator text, p_action text, p_org_id uuid, p_reason text, p_detail jsonb)
returns void
language sql volatile security definer
set search_path = ''
as $$
  insert into private.operator_acts (operator, action, org_id, reason, detail) values (p_operator, p_action, p_org_id, p_reason, p_detail)
$$;
comment on function private.record_operator_act(text, text, uuid, text, jsonb) is 'Adds an entry to the journal of the operators.';

create function private.list_operator_acts(p_org_id uuid, p_before bigint, p_limit integer)
returns setof private.operator_acts
language sql stable security definer
set search_path = ''
as $$
  select * from private.operator_acts
  where (p_org_id is null or org_id = p_org_id) and (p_before is null or id < p_before)
  order by id desc limit p_limit
$$;
comment on function private.list_operator_acts(uuid, bigint, integer) is 'What operators did, newest first; of one org when p_org_id is given.';

-- Accounts ------------------------------------------------------------------------------------------------------------

create function private.active_operators()
returns table (name text, token_sha256 bytea)
language sql stable security definer
set search_path = ''
as $$
  select o.name, o.token_sha256 from private.operators o where o.revoked_at is null
$$;
comment on function private.active_operators() is
'The accounts that are valid now. A process reads them at most once a second and compares tokens in its memory, so that guesses cost no query each.';

create function private.use_operator(p_name text)
returns void
language sql volatile security definer
set search_path = ''
as $$
  update private.operators set last_used_on = (now() at time zone 'utc')::date
  where name = p_name and revoked_at is null and last_used_on is distinct from (now() at time zone 'utc')::date
$$;
comment on function private.use_operator(text) is 'Records on which day an account was last used.';

create function private.create_operator(p_by text, p_name text, p_token_sha256 bytea)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  insert into private.operators (name, token_sha256, created_by) values (p_name, p_token_sha256, p_by);
  perform private.record_operator_act(p_by, 'create_operator', null, null, jsonb_build_object('name', p_name));
end
$$;
comment on function private.create_operator(text, text, bytea) is 'Creates an account. Raises 23505 when an account of this name is active.';

create function private.revoke_operator(p_by text, p_name text)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  update private.operators set revoked_at = now() where name = p_name and revoked_at is null;
  if not found then
    return false;
  end if;
  perform private.record_operator_act(p_by, 'revoke_operator', null, null, jsonb_build_object('name', p_name));
  return true;
end
$$;
comment on function private.revoke_operator(text, text) is 'Revokes an account, on every instance within a second. Returns false when no account of this name is active.';

create function private.list_operators()
returns table (name text, created_by text, created_at timestamptz, last_used_on date, revoked_at timestamptz)
language sql stable security definer
set search_path = ''
as $$
  select o.name, o.created_by, o.created_at, o.last_used_on, o.revoked_at
  from private.operators o order by o.revoked_at is not null, o.created_at desc limit 200
$$;
comment on function private.list_operators() is 'The accounts, the active ones first, without their tokens.';

-- The quotas and the use of an org ---------------------------------------------------------------------------------------

create function private.list_quotas(p_org_id uuid)
returns table (name text, value bigint, default_value bigint, used bigint)
language sql stable security definer
set search_path = ''
as $$
  with counted as (
    select * from (values
      ('orgs', (
        select coalesce(max(o.n), 0) from (
          select count(*) as n from public.org_members m
          where m.role = 'owner' and m.user_id in (select w.user_id from public.org_members w where w.org_id = p_org_id and w.role = 'owner')
          group by m.user_id) o)),
      ('projects', (select count(*) from public.projects where org_id = p_org_id)),
      ('connections', (select count(*) from public.source_connections where org_id = p_org_id and deleted_at is null)),
      ('members', (select count(*) from public.org_members where org_id = p_org_id)),
      ('open_invites', (select count(*) from public.org_invites where org_id = p_org_id and accepted_at is null and expires_at > now())),
      ('alert_channels', (select count(*) from public.alert_channels where org_id = p_org_id and deleted_at is null)),
      ('open_replay_plans', (select count(*) from public.replay_plans where org_id = p_org_id and status not in ('completed', 'canceled'))),
      ('open_erasures', (select count(*) from public.erasures where org_id = p_org_id and status = 'running')),
      ('open_dlq_operations', (select count(*) from public.dlq_operations where org_id = p_org_id and status in ('queued', 'running'))),
      ('open_legal_holds', (select count(*) from public.legal_holds where org_id = p_org_id and released_at is null)),
      ('org_keys', (select count(*) from private.org_keys where org_id = p_org_id)),
      ('stored_bytes', (select coalesce(sum(u.used), 0) from private.quota_usage u where u.org_id = p_org_id and u.quota = 'bytes_per_day'))
    ) as c (name, used)
  )
  select q.name, coalesce(own.value, q.value), q.value, coalesce(c.used, u.used, 0)::bigint
  from private.quotas q
  left join private.quotas own on own.name = q.name and own.org_id = p_org_id
  left join counted c on c.name = q.name
  left join private.quota_usage u on u.org_id = p_org_id and u.quota = q.name and u.day = (now() at time zone 'utc')::date
  where q.org_id is null
  order by q.name
$$;
comment on function private.list_quotas(uuid) is
'Every quota of an org with its value, the default and what is used of it. With null: the defaults. `orgs` is counted for the owner who owns most.';

create function private.find_org_quotas(p_org_id uuid)
returns table (name text, value bigint, default_value bigint, used bigint)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  perform private.require_admin(p_org_id);
  return query select * from private.list_quotas(p_org_id);
end
$$;
comment on function private.find_org_quotas(uuid) is 'The quotas of the org and their use, for its owners and admins.';

create function private.set_quotas(p_operator text, p_org_id uuid, p_reason text, p_values jsonb)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v record;
begin
  if p_org_id is not null and not exists (select from public.orgs where id = p_org_id for no key update) then
    return false;
  end if;
  for v in select key as name, nullif(value, 'null')::bigint as value from jsonb_each(p_values) order by key loop
    if not exists (select from private.quotas q where q.name = v.name and q.org_id is null) then
      raise invalid_parameter_value using message = 'there is no such quota';
    elsif v.value is not null then
      insert into private.quotas (name, org_id, value) values (v.name, p_org_id, v.value)
      on conflict (name, org_id) do update set value = excluded.value;
    elsif p_org_id is not null then
      delete from private.quotas q where q.name = v.name and q.org_id = p_org_id;
    end if;
  end loop;
  perform private.record_operator_act(p_operator, 'set_quotas', p_org_id, p_reason, jsonb_build_object('values', p_values));
  if p_org_id is not null then
    perform private.measure_org(p_org_id, clock_timestamp());
  end if;
  return true;
end
$$;
comment on function private.set_quotas(text, uuid, text, jsonb) is
'Sets quotas of one org, or the defaults when p_org_id is null. A value of null removes the org''s own value, so that the default counts again. Returns
false when there is no such org.';

-- Orgs ----------------------------------------------------------------------------------------------------------------

create index orgs_created_at_idx on public.orgs (created_at desc, id desc);

create function private.list_orgs(p_id uuid, p_search text, p_suspended boolean, p_before_us bigint, p_before_id uuid, p_limit integer)
returns table (
  id uuid, name text, slug text, created_at timestamptz, created_us text, suspended_at timestamptz, suspended_reason text, exceeded text,
  members bigint, connections bigint, events_today bigint, bytes_today bigint, stored_bytes bigint, open_work bigint
)
language sql stable security definer
set search_path = ''
as $$
  with page as (
    select o.* from public.orgs o
    where (p_id is null or o.id = p_id)
      and (p_before_us is null or (o.created_at, o.id) < (timestamptz 'epoch' + p_before_us * interval '1 microsecond', p_before_id))
      and (p_suspended is null or p_suspended = (o.suspended_at is not null))
      and (p_search is null or strpos(lower(o.name), lower(p_search)) > 0 or strpos(o.slug, lower(p_search)) > 0 or o.id::text = lower(p_search))
    order by o.created_at desc, o.id desc limit p_limit
  )
  select o.id, o.name, o.slug, o.created_at, (extract(epoch from o.created_at) * 1000000)::bigint::text, o.suspended_at, o.suspended_reason, m.exceeded,
    (select count(*) from public.org_members p where p.org_id = o.id),
    (select count(*) from public.source_connections c where c.org_id = o.id and c.deleted_at is null),
    coalesce((select u.used from private.quota_usage u where u.org_id = o.id and u.quota = 'events_per_day' and u.day = (now() at time zone 'utc')::date), 0),
    coalesce((select u.used from private.quota_usage u where u.org_id = o.id and u.quota = 'bytes_per_day' and u.day = (now() at time zone 'utc')::date), 0),
    coalesce((select sum(u.used) from private.quota_usage u where u.org_id = o.id and u.quota = 'bytes_per_day'), 0)::bigint,
    (select count(*) from public.replay_plans r where r.org_id = o.id and r.status in ('approved', 'running'))
      + (select count(*) from public.erasures e where e.org_id = o.id and e.status = 'running')
      + (select count(*) from public.dlq_operations d where d.org_id = o.id and d.status in ('queued', 'running'))
  from page o left join private.org_measures m on m.org_id = o.id
  order by o.created_at desc, o.id desc
$$;
comment on function private.list_orgs(uuid, text, boolean, bigint, uuid, integer) is
'Orgs with what they use, newest first, for operators; only one when p_id is given. open_work counts replay plans, erasures and operations on dead letters that have not ended.';

create function private.list_org_owners(p_org_id uuid)
returns table (email text)
language sql stable security definer
set search_path = ''
as $$
  select u.email::text from public.org_members m join auth.users u on u.id = m.user_id
  where m.org_id = p_org_id and m.role = 'owner' order by m.created_at limit 20
$$;
comment on function private.list_org_owners(uuid) is 'The e-mail addresses by which an operator reaches the owners of an org.';

create function private.suspend_org(p_operator text, p_org_id uuid, p_reason text)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  update public.orgs set suspended_at = coalesce(suspended_at, now()), suspended_reason = p_reason where id = p_org_id;
  if not found then
    return false;
  end if;
  perform private.record_operator_act(p_operator, 'suspend_org', p_org_id, p_reason, '{}');
  return true;
end
$$;
comment on function private.suspend_org(text, uuid, text) is
'Suspends an org: its deliveries and the commands of its members are refused and its background work rests. Returns false when there is no such org.';

create function private.reactivate_org(p_operator text, p_org_id uuid, p_reason text)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  update public.orgs set suspended_at = null, suspended_reason = null where id = p_org_id;
  if not found then
    return false;
  end if;
  perform private.record_operator_act(p_operator, 'reactivate_org', p_org_id, p_reason, '{}');
  return true;
end
$$;
comment on function private.reactivate_org(text, uuid, text) is 'Ends the suspension of an org: everything continues where it stood.';

-- The mode of the fleet names the operator ---------------------------------------------------------------------------------

alter table private.flow_transitions add column operator text check (length(operator) between 1 and 40);
comment on column private.flow_transitions.operator is 'The account of the operator who made the change; null: the change was automatic, or made before there were accounts.';

drop function private.set_operator_mode(text, double precision, text, uuid);
create function private.set_operator_mode(p_mode text, p_brownout_rate double precision, p_reason text, p_instance_id uuid, p_operator text default null)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_state private.flow_state;
begin
  select * into v_state from private.flow_state for update;
  -- A repeated command changes nothing.
  if v_state.operator_mode is not distinct from p_mode and v_state.brownout_rate is not distinct from p_brownout_rate then
    return;
  end if;
  update private.flow_state
  set operator_mode = p_mode, brownout_rate = p_brownout_rate, reason = p_reason, changed_by = 'operator', changed_at = clock_timestamp();
  insert into private.flow_transitions (from_mode, to_mode, cause, changed_by, instance_id, operator)
  values (coalesce(v_state.operator_mode, v_state.automatic_mode), coalesce(p_mode, v_state.automatic_mode), p_reason, 'operator', p_instance_id, p_operator);
  perform private.record_operator_act(coalesce(p_operator, 'bootstrap'), case p_mode when 'paused' then 'pause' else coalesce(p_mode, 'resume') end, null,
    p_reason, jsonb_strip_nulls(jsonb_build_object('rate', p_brownout_rate)));
  perform pg_notify('flow_changed', '');
end
$$;
comment on function private.set_operator_mode(text, double precision, text, uuid, text) is
'Sets the mode that every instance must obey, and writes it to the journal of the operators. When p_mode is null, the automatic mode applies again.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.find_org_quotas(uuid) to authenticated;
grant execute on function private.record_operator_act(text, text, uuid, text, jsonb), private.list_operator_acts(uuid, bigint, integer),
  private.active_operators(), private.use_operator(text), private.create_operator(text, text, bytea), private.revoke_operator(text, text), private.list_operators(),
  private.list_quotas(uuid), private.set_quotas(text, uuid, text, jsonb), private.list_orgs(uuid, text, boolean, bigint, uuid, integer),
  private.list_org_owners(uuid), private.suspend_org(text, uuid, text), private.reactivate_org(text, uuid, text),
  private.set_operator_mode(text, double precision, text, uuid, text) to worker;

-- No policy: the tables are reached through functions only.
alter table private.operators enable row level security;
alter table private.operator_acts enable row level security;
