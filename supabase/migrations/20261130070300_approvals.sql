-- Approvals: irreversible acts that wait until a second person has approved them.

create table private.approval_kinds (
  kind text primary key check (kind ~ '^[a-z][a-z_]{2,39}$'),
  roles text[] not null check (roles <@ '{owner,admin}' and cardinality(roles) > 0)
);
insert into private.approval_kinds (kind, roles) values
  ('erase_person', '{owner,admin}'),
  ('purge', '{owner,admin}'),
  ('rotate_key', '{owner,admin}'),
  ('release_hold', '{owner,admin}'),
  ('delete_org', '{owner}'),
  ('change_security', '{owner}');
comment on table private.approval_kinds is
'The acts that can need a second person, and the roles that may request and approve them. An act is guarded by a trigger of
private.require_second_person on the table that it writes. `change_security` always needs a second person once an org uses approvals.';

create table public.approvals (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  kind text not null references private.approval_kinds (kind),
  params jsonb not null check (jsonb_typeof(params) = 'object' and pg_column_size(params) <= 65536),  -- what is done; names no person
  status text not null default 'pending' check (status in ('pending', 'approved', 'rejected', 'withdrawn', 'expired', 'ended')),
  requested_by uuid not null,
  requested_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '7 days',
  decided_by uuid,
  decided_at timestamptz,
  ran_in xid8,                        -- the transaction in which the act was approved and done
  check ((status = 'pending') = (decided_at is null)),
  check (status <> 'approved' or (decided_by <> requested_by and ran_in is not null))
);
create index approvals_org_idx on public.approvals (org_id, requested_at desc, id desc);
create index approvals_kind_idx on public.approvals (kind);
create index approvals_pending_idx on public.approvals (expires_at) where status = 'pending';
comment on table public.approvals is
'An irreversible act that a person has requested and that another person approves or rejects. Ended: the person who requested it lost the role for it.';

create table private.approval_secrets (
  approval_id uuid primary key references public.approvals (id) on delete cascade,
  key_version integer not null,
  sealed bytea not null
);
comment on table private.approval_secrets is
'The personal part of a requested act, such as the identifiers of the person to erase, sealed under the org''s data key. Deleted when the request is
decided or expires.';

create trigger audit after insert or update on public.approvals for each row execute function private.audit('id');

create function private.drop_approval_secret()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  delete from private.approval_secrets where approval_id = new.id;
  return null;
end
$$;
comment on function private.drop_approval_secret() is 'Trigger function: a request that is decided keeps no personal data.';
-- An approved act reads the secret first: see private.take_approval_secret.
create trigger drop_secret after update of status on public.approvals
  for each row when (new.status not in ('pending', 'approved')) execute function private.drop_approval_secret();

create function private.needs_second_person(p_org_id uuid, p_kind text, p_count integer default null)
returns boolean
language sql stable security definer
set search_path = ''
as $$
  select exists (
    select from public.org_security s
    where s.org_id = p_org_id and (p_kind = any (s.second_person) or (p_kind = 'change_security' and s.second_person <> '{}'))
      and (p_kind <> 'purge' or s.purge_count < p_count + coalesce((
        select sum(o.total) from public.dlq_operations o
        where o.org_id = p_org_id and o.kind = 'purge' and o.created_at > now() - interval '1 day'
          and not exists (select from public.approvals a where a.org_id = p_org_id and a.kind = 'purge' and a.status = 'approved' and a.decided_at = o.created_at)), 0)))
$$;
comment on function private.needs_second_person(uuid, text, integer) is
'Whether an act in the org needs a second person. A purge does when the entries of all purges of a day that nobody approved, together with p_count,
exceed the org''s limit: many small purges must not do what a big one may not.';

create function private.require_second_person()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  v_row jsonb := to_jsonb(new);
  v_kind text := tg_argv[0];
begin
  if v_kind = 'purge' then
    -- Purges at the same moment are counted one after the other.
    perform pg_advisory_xact_lock(hashtextextended('tributary.purge ' || new.org_id, 0));
  end if;
  if private.needs_second_person(new.org_id, v_kind, (v_row ->> 'total')::integer) and not exists (
    select from public.approvals a
    where a.org_id = new.org_id and a.kind = v_kind and a.status = 'approved' and a.ran_in = pg_current_xact_id()
      and a.params -> tg_argv[2] = v_row -> tg_argv[1]) then
    raise insufficient_privilege using message = 'this act needs the approval of a second person', hint = 'approval_required';
  end if;
  return new;
end
$$;
comment on function private.require_second_person() is
'Trigger function: refuses an irreversible act of a person that needs a second person, unless the act was approved in this transaction. Its arguments
are the kind of the act, the column that says what it is about, and the name of this column in the parameters of the approval.';

create trigger second_person before insert on public.erasures
  for each row when (auth.uid() is not null) execute function private.require_second_person('erase_person', 'id', 'erasureId');
create trigger second_person before insert on public.dlq_operations
  for each row when (auth.uid() is not null and new.kind = 'purge') execute function private.require_second_person('purge', 'filter', 'filter');
create trigger second_person before insert on private.org_keys
  for each row when (auth.uid() is not null and new.version > 1) execute function private.require_second_person('rotate_key', 'kind', 'keyKind');
create trigger second_person before update of released_at on public.legal_holds
  for each row when (auth.uid() is not null and old.released_at is null and new.released_at is not null)
  execute function private.require_second_person('release_hold', 'id', 'holdId');

create trigger second_person before insert on public.org_deletions
  for each row when (auth.uid() is not null) execute function private.require_second_person('delete_org', 'org_id', 'orgId');

create function private.request_approval(p_org_id uuid, p_kind text, p_params jsonb, p_key_version integer default null, p_sealed bytea default null)
returns uuid
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_roles text[] := (select roles from private.approval_kinds where kind = p_kind);
  v_id uuid;
begin
  perform private.require_admin(p_org_id);
  if not exists (select from public.org_members where org_id = p_org_id and user_id = auth.uid() and role = any (v_roles)) then
    raise insufficient_privilege using message = 'your role may not request this';
  end if;
  perform from public.orgs where id = p_org_id for no key update;
  select a.id into v_id from public.approvals a
  where a.org_id = p_org_id and a.kind = p_kind and a.params = p_params and a.requested_by = auth.uid() and a.status = 'pending' and a.expires_at > now();
  if v_id is not null then
    return v_id;
  end if;
  if (select count(*) from public.approvals a where a.org_id = p_org_id and a.status = 'pending') >= 100 then
    raise check_violation using message = 'the org has 100 requests that wait for a second person: decide or withdraw some of them';
  end if;
  insert into public.approvals (org_id, kind, params, requested_by) values (p_org_id, p_kind, p_params, auth.uid()) returning id into v_id;
  if p_sealed is not null then
    insert into private.approval_secrets (approval_id, key_version, sealed) values (v_id, p_key_version, p_sealed);
  end if;
  return v_id;
end
$$;
comment on function private.request_approval(uuid, text, jsonb, integer, bytea) is
'Requests the approval of an act. The same request of the same person is made once. An org has at most 100 open requests.';

create function private.decide_approval(p_id uuid, p_decision text)
returns text
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_approval public.approvals;
  v_roles text[];
begin
  select * into v_approval from public.approvals where id = p_id and org_id = any (array(select private.my_orgs()));
  perform private.require_admin(v_approval.org_id);
  -- The role of the person who requested it is kept until the act is done. The membership is locked before the request, in the order in which a
  -- demotion locks them.
  v_roles := (select roles from private.approval_kinds where kind = v_approval.kind);
  perform from public.org_members where org_id = v_approval.org_id and user_id = v_approval.requested_by and role = any (v_roles) for share;
  if not found and p_decision = 'approved' then
    return 'the person who requested this no longer has the role for it';
  end if;
  select * into v_approval from public.approvals where id = p_id for update;
  if v_approval.status <> 'pending' or v_approval.expires_at <= now() then
    return format('this request is %s already', case v_approval.status when 'pending' then 'expired' else v_approval.status end);
  elsif p_decision = 'withdrawn' and v_approval.requested_by <> auth.uid() then
    return 'only the person who requested this can withdraw it: you can reject it';
  elsif p_decision <> 'withdrawn' and v_approval.requested_by = auth.uid() then
    return 'another person must decide what you have requested';
  elsif p_decision = 'approved' and not exists (
    select from public.org_members where org_id = v_approval.org_id and user_id = auth.uid() and role = any (v_roles)) then
    return 'only an owner can approve this';
  elsif p_decision not in ('approved', 'rejected', 'withdrawn') then
    raise invalid_parameter_value using message = 'this is not a decision';
  end if;
  update public.approvals
  set status = p_decision, decided_by = auth.uid(), decided_at = now(), ran_in = case p_decision when 'approved' then pg_current_xact_id() end
  where id = p_id;
  return null;
end
$$;
comment on function private.decide_approval(uuid, text) is
'Approves, rejects or withdraws a request; returns the reason why the caller may not, or null. The act must be done in the same transaction as its
approval: when it fails, the request stays open. The roles of both people are those of this moment.';

create function private.take_approval_secret(p_id uuid)
returns table (key_version integer, sealed bytea)
language sql volatile security definer
set search_path = ''
as $$
  delete from private.approval_secrets s using public.approvals a
  where s.approval_id = p_id and a.id = p_id and a.ran_in = pg_current_xact_id() and a.decided_by = auth.uid()
  returning s.key_version, s.sealed
$$;
comment on function private.take_approval_secret(uuid) is
'Returns and deletes the sealed part of an act, in the transaction in which the caller has approved it.';

create function private.expire_approvals(p_limit integer)
returns integer
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_expired integer;
begin
  update public.approvals set status = 'expired', decided_at = now()
  where id in (select id from public.approvals where status = 'pending' and expires_at <= now() order by expires_at limit p_limit for update skip locked);
  get diagnostics v_expired = row_count;
  return v_expired;
end
$$;
comment on function private.expire_approvals(integer) is 'Marks up to p_limit requests as expired that nobody decided in time, and returns their number.';

create function private.end_approvals()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if not exists (select from public.orgs where id = old.org_id) then
    return null;
  end if;
  update public.approvals a set status = 'ended', decided_at = now()
  from private.approval_kinds k
  where a.org_id = old.org_id and a.requested_by = old.user_id and a.status = 'pending' and k.kind = a.kind
    and (tg_op = 'DELETE' or new.role <> all (k.roles));
  return null;
end
$$;
comment on function private.end_approvals() is 'Trigger function: a person''s open requests end when the person loses the role for them.';
create trigger end_approvals after delete or update of role on public.org_members
  for each row execute function private.end_approvals();

create function private.set_org_security(p_org_id uuid, p_second_factor boolean, p_second_person text[], p_purge_count integer)
returns text
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_old public.org_security;
  v_new jsonb;
begin
  perform private.require_admin(p_org_id);
  perform from public.org_members where org_id = p_org_id and user_id = auth.uid() and role = 'owner';
  if not found then
    raise insufficient_privilege using message = 'only an owner of the org may do this';
  end if;
  perform from public.orgs where id = p_org_id for no key update;
  select * into v_old from public.org_security where org_id = p_org_id;
  p_second_factor := coalesce(p_second_factor, v_old.requires_second_factor, false);
  p_second_person := array(select distinct k from unnest(coalesce(p_second_person, v_old.second_person, '{}')) k order by 1);
  p_purge_count := coalesce(p_purge_count, v_old.purge_count, 100);
  v_new := jsonb_build_object('requiresSecondFactor', p_second_factor, 'secondPerson', p_second_person, 'purgeCount', p_purge_count);

  if exists (select from unnest(p_second_person) k where k = 'change_security' or not exists (select from private.approval_kinds a where a.kind = k)) then
    raise invalid_parameter_value using message = 'this is not an act that can need a second person';
  elsif p_second_factor and not coalesce(v_old.requires_second_factor, false) and coalesce(auth.jwt() ->> 'aal', 'aal1') <> 'aal2' then
    raise insufficient_privilege using message = 'sign in with your second factor before you require one of everybody', hint = 'mfa_required';
  elsif p_second_person <> '{}' and (select count(*) from public.org_members where org_id = p_org_id and role in ('owner', 'admin')) < 2 then
    return 'alone';
  elsif private.needs_second_person(p_org_id, 'change_security')
    and (v_old.requires_second_factor and not p_second_factor or not v_old.second_person <@ p_second_person
      or ('purge' = any (v_old.second_person) and p_purge_count > v_old.purge_count))
    and not exists (
      select from public.approvals a
      where a.org_id = p_org_id and a.kind = 'change_security' and a.status = 'approved' and a.ran_in = pg_current_xact_id() and a.params = v_new) then
    return 'approval_required';
  end if;
  insert into public.org_security (org_id, requires_second_factor, second_person, purge_count)
  values (p_org_id, p_second_factor, p_second_person, p_purge_count)
  on conflict (org_id) do update set requires_second_factor = excluded.requires_second_factor, second_person = excluded.second_person,
    purge_count = excluded.purge_count, updated_at = now();
  return null;
end
$$;
comment on function private.set_org_security(uuid, boolean, text[], integer) is
'Changes the security settings of an org; null keeps a setting. For owners. Returns null when the change was made, `approval_required` when it weakens
the settings of an org that uses approvals, so that a second owner must approve it, and `alone` when the org has nobody who could approve anything.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.needs_second_person(uuid, text, integer), private.request_approval(uuid, text, jsonb, integer, bytea),
  private.decide_approval(uuid, text), private.take_approval_secret(uuid), private.set_org_security(uuid, boolean, text[], integer) to authenticated;
grant execute on function private.expire_approvals(integer) to worker;
grant select on public.approvals to authenticated;

alter table private.approval_kinds enable row level security;
alter table public.approvals enable row level security;
alter table private.approval_secrets enable row level security;

create policy approvals_select on public.approvals for select to authenticated
  using (org_id = any (array(select private.my_orgs('{owner,admin}'))));
