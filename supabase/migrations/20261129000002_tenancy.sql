-- Tenancy: orgs, their members, projects, invites and the audit log.

create table public.orgs (
  id uuid primary key default gen_random_uuid(),
  -- The bound counts the surrounding spaces. A bound on the trimmed text accepted a name with forty million spaces, which made every statement
  -- that reads names time out, for every org. Names, references and reasons of the other tables are bounded in the same way.
  name text not null check (length(btrim(name)) >= 1 and length(name) <= 120),
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,79}$'),
  created_at timestamptz not null default now(),
  rate_limit_per_second integer check (rate_limit_per_second between 1 and 100000)  -- over all connections and instances; null: no limit
);
comment on table public.orgs is 'A tenant: every other row belongs to one.';

create table public.org_members (
  org_id uuid not null references public.orgs (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null check (role in ('owner', 'admin', 'analyst')),
  created_at timestamptz not null default now(),
  primary key (user_id, org_id)  -- private.my_orgs() reads by user
);
create index org_members_org_id_idx on public.org_members (org_id);
comment on table public.org_members is 'The users in an org, each with a role.';

create table public.projects (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  name text not null check (length(btrim(name)) >= 1 and length(name) <= 120),
  slug text not null check (slug ~ '^[a-z0-9][a-z0-9-]{0,79}$'),
  created_at timestamptz not null default now(),
  unique (org_id, slug),
  unique (org_id, id)  -- target of the composite foreign keys of connections
);
comment on table public.projects is 'A product or funnel inside an org; connections belong to one.';

create table public.org_invites (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  email text not null check (email = lower(btrim(email)) and email ~ '^[^@\s]+@[^@\s]+$' and length(email) <= 254),
  role text not null check (role in ('admin', 'analyst')),
  invited_by uuid,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '7 days',
  accepted_at timestamptz
);
create index org_invites_org_id_idx on public.org_invites (org_id);
comment on table public.org_invites is 'An invitation of one e-mail address to one org.';

create table private.invite_tokens (
  invite_id uuid primary key references public.org_invites (id) on delete cascade,
  token_sha256 bytea not null unique check (length(token_sha256) = 32)
);
comment on table private.invite_tokens is 'Hashes of the invitations'' tokens: the token itself is shown once and stored nowhere.';

create table public.audit_log (
  id bigint generated always as identity primary key,
  org_id uuid not null references public.orgs (id) on delete cascade,
  actor_id uuid,                      -- null: the system
  action text not null,               -- <table>.<insert|update|delete>
  target_id text,
  detail jsonb not null default '{}', -- changed columns; never a secret
  created_at timestamptz not null default now()
);
create index audit_log_org_id_created_at_idx on public.audit_log (org_id, created_at desc, id desc);
-- The log is also read by actor and by action, newest first.
create index audit_log_org_actor_idx on public.audit_log (org_id, actor_id, created_at desc, id desc);
create index audit_log_org_action_idx on public.audit_log (org_id, action, created_at desc, id desc);
comment on table public.audit_log is
'Who changed what. Written by private.audit, and by the few functions that audit a read or a command themselves.';

create function private.my_orgs(roles text[] default '{owner,admin,analyst}')
returns setof uuid
language sql stable security definer
set search_path = ''
as $$
  select org_id from public.org_members where user_id = (select auth.uid()) and role = any (roles)
$$;
comment on function private.my_orgs(text[]) is
'The caller''s orgs, read past row level security so that the policy of org_members cannot recurse. The function takes no value of a row: `any
(array(select private.my_orgs()))` runs once per statement (measured on 500,000 rows: 8.5 ms, against 9 s when it runs per row).';

create function private.require_admin(p_org_id uuid)
returns void
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if p_org_id is null or not exists (
    select from public.org_members
    where org_id = p_org_id and user_id = (select auth.uid()) and role in ('owner', 'admin')
  ) then
    raise insufficient_privilege using message = 'only an owner or admin of the org may do this';
  end if;
end
$$;
comment on function private.require_admin(uuid) is 'Raises 42501 unless the caller is owner or admin of the org. Every command calls it first.';

create function private.audit()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  v_row jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
  v_old jsonb := case when tg_op = 'UPDATE' then to_jsonb(old) end;
  v_org uuid := case when tg_table_name = 'orgs' then (v_row ->> 'id')::uuid else (v_row ->> 'org_id')::uuid end;
  v_detail jsonb;
begin
  -- When an org is deleted, the deletion of its rows is not audited: the org to which the entries would belong is gone.
  if not exists (select from public.orgs where id = v_org) then
    return null;
  end if;
  if tg_table_schema = 'private' then
    v_detail := jsonb_strip_nulls(jsonb_build_object('name', v_row -> 'name', 'kind', v_row -> 'kind', 'version', v_row -> 'version', 'expires_at', v_row -> 'expires_at'));
  elsif tg_op = 'UPDATE' then
    select coalesce(jsonb_object_agg(n.key, jsonb_build_object('from', v_old -> n.key, 'to', n.value)), '{}')
    into v_detail
    from jsonb_each(v_row) n
    where n.value is distinct from v_old -> n.key and n.key not in ('updated_at', 'last_event_at');
    if v_detail = '{}' then
      return null;
    end if;
  else
    v_detail := v_row - 'created_at' - 'updated_at';
  end if;
  insert into public.audit_log (org_id, actor_id, action, target_id, detail)
  values (v_org, auth.uid(), tg_table_name || '.' || lower(tg_op), v_row ->> tg_argv[0], v_detail);
  return null;
end
$$;
comment on function private.audit() is
'The one trigger function that writes the audit log, for every audited table and for every path by which a change can come. Its argument names the
key column. `detail` never holds a secret: for tables of the schema private, only the name, kind, version and expiry are written.';

create trigger audit after update on public.orgs for each row execute function private.audit('id');
create trigger audit after insert or update or delete on public.org_members for each row execute function private.audit('user_id');
create trigger audit after insert or update or delete on public.projects for each row execute function private.audit('id');
create trigger audit after insert or update or delete on public.org_invites for each row execute function private.audit('id');

create function private.touch_updated_at()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.updated_at := now();
  return new;
end
$$;
comment on function private.touch_updated_at() is
'Trigger function: sets updated_at. Each trigger lists the columns that people change, so that updates by the system itself do not count.';

create function private.keep_an_owner()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform from public.orgs where id = new.org_id for no key update;
  if not exists (select from public.org_members where org_id = new.org_id and role = 'owner') then
    raise check_violation using message = 'an org must keep at least one owner', constraint = 'org_members_keep_an_owner';
  end if;
  return null;
end
$$;
comment on function private.keep_an_owner() is
'Trigger function: refuses to demote the last owner. Row level security keeps owners from changing their own role, but two owners who demote each
other at the same moment would leave no owner: the lock on the org''s row makes the second one wait and see the first change. When a user is
deleted, the user''s memberships are deleted too, even that of the last owner.';
create trigger keep_an_owner after update of role on public.org_members
  for each row when (old.role = 'owner' and new.role <> 'owner') execute function private.keep_an_owner();

create function private.slugify(p_name text)
returns text
language sql immutable
set search_path = ''
as $$
  select coalesce(nullif(btrim(left(regexp_replace(lower(p_name), '[^a-z0-9]+', '-', 'g'), 60), '-'), ''), 'org')
$$;
comment on function private.slugify(text) is 'Turns a name into a part of a URL; "org" when the name has no ASCII letter or digit.';

create function private.create_org(p_name text, p_project_name text)
returns json
language plpgsql security definer
set search_path = ''
as $$
declare
  v_user uuid := auth.uid();
  v_org uuid;
  v_project uuid;
  v_slug text := private.slugify(p_name);
begin
  if v_user is null then
    raise insufficient_privilege using message = 'sign in to create an org';
  end if;
  -- When another org has the slug, the new org gets a random suffix: an error would tell its creator that the other org exists.
  if exists (select from public.orgs where slug = v_slug) then
    v_slug := v_slug || '-' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 8);
  end if;
  insert into public.orgs (name, slug) values (btrim(p_name), v_slug) returning id into v_org;
  insert into public.org_members (org_id, user_id, role) values (v_org, v_user, 'owner');
  insert into public.projects (org_id, name, slug)
  values (v_org, btrim(p_project_name), private.slugify(p_project_name)) returning id into v_project;
  return json_build_object('org_id', v_org, 'project_id', v_project);
end
$$;
comment on function private.create_org(text, text) is 'Creates an org, its first owner (the caller) and its first project in one transaction.';

create function public.create_org(name text, project_name text default 'Default')
returns json
language sql security invoker
set search_path = ''
as $$ select private.create_org(name, project_name) $$;
comment on function public.create_org(text, text) is 'Calls private.create_org for the Data API.';

create function private.create_invite(p_org_id uuid, p_email text, p_role text, p_token_sha256 bytea)
returns public.org_invites
language plpgsql security definer
set search_path = ''
as $$
declare
  v_invite public.org_invites;
begin
  perform private.require_admin(p_org_id);
  insert into public.org_invites (org_id, email, role, invited_by)
  values (p_org_id, lower(btrim(p_email)), p_role, auth.uid()) returning * into v_invite;
  insert into private.invite_tokens (invite_id, token_sha256) values (v_invite.id, p_token_sha256);
  return v_invite;
end
$$;
comment on function private.create_invite(uuid, text, text, bytea) is 'Creates an invitation together with the hash of its token.';

create function private.accept_invite(p_token_sha256 bytea)
returns uuid
language plpgsql security definer
set search_path = ''
as $$
declare
  v_invite public.org_invites;
begin
  select i.* into v_invite
  from private.invite_tokens t join public.org_invites i on i.id = t.invite_id
  where t.token_sha256 = p_token_sha256
  for update of i;
  if v_invite.id is null or v_invite.accepted_at is not null or v_invite.expires_at <= now()
    or auth.uid() is null or v_invite.email is distinct from lower(auth.jwt() ->> 'email') then
    return null;
  end if;
  -- A member who is invited again keeps the role they have.
  insert into public.org_members (org_id, user_id, role) values (v_invite.org_id, auth.uid(), v_invite.role)
  on conflict do nothing;
  update public.org_invites set accepted_at = now() where id = v_invite.id;
  delete from private.invite_tokens where invite_id = v_invite.id;
  return v_invite.org_id;
end
$$;
comment on function private.accept_invite(bytea) is
'Makes the caller a member. The token proves the invitation; the e-mail address in the caller''s JWT proves that the caller is the invited person.
Returns the org, or null when there is no such open invitation.';

create function private.find_org_people(p_org_id uuid)
returns table (user_id uuid, email text, role text, created_at timestamptz)
language sql stable security definer
set search_path = ''
as $$
  select m.user_id, u.email::text, m.role, m.created_at
  from public.org_members m join auth.users u on u.id = m.user_id
  where m.org_id = p_org_id and p_org_id = any (array(select private.my_orgs()))
  union all
  select u.id, u.email::text, null, null
  from auth.users u
  where p_org_id = any (array(select private.my_orgs('{owner,admin}')))
    and u.id in (select a.target_id::uuid from public.audit_log a where a.org_id = p_org_id and a.action = 'org_members.delete')
    and not exists (select from public.org_members m where m.org_id = p_org_id and m.user_id = u.id)
$$;
comment on function private.find_org_people(uuid) is
'The members of an org by e-mail address, for members of the same org; auth.users has the addresses, and no client may read that table. Owners and
admins, who read the audit log, also get former members (role null), because the log names people by id only. Other callers get no rows.';

create function public.org_people(org_id uuid)
returns table (user_id uuid, email text, role text, created_at timestamptz)
language sql stable security invoker
set search_path = ''
as $$
  select p.user_id, p.email, p.role, p.created_at from private.find_org_people(org_people.org_id) p order by p.created_at, p.user_id
$$;
comment on function public.org_people(uuid) is 'Calls private.find_org_people for the Data API. Oldest membership first.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.my_orgs(text[]) to authenticated;
grant execute on function private.create_org(text, text), public.create_org(text, text) to authenticated;
grant execute on function private.create_invite(uuid, text, text, bytea), private.accept_invite(bytea) to authenticated;
grant execute on function private.find_org_people(uuid), public.org_people(uuid) to authenticated;

grant select on public.orgs, public.org_members, public.projects, public.org_invites, public.audit_log to authenticated;
grant update (name, rate_limit_per_second) on public.orgs to authenticated;
grant update (role), delete on public.org_members to authenticated;
grant insert (org_id, name, slug), update (name) on public.projects to authenticated;
grant delete on public.org_invites to authenticated;

alter table public.orgs enable row level security;
alter table public.org_members enable row level security;
alter table public.projects enable row level security;
alter table public.org_invites enable row level security;
alter table public.audit_log enable row level security;
alter table private.invite_tokens enable row level security;

create policy orgs_select on public.orgs for select to authenticated
  using (id = any (array(select private.my_orgs())));
create policy orgs_update on public.orgs for update to authenticated
  using (id = any (array(select private.my_orgs('{owner,admin}'))));
create policy org_members_select on public.org_members for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
-- No user can change their own role, so the last owner cannot leave the org without an owner.
create policy org_members_update on public.org_members for update to authenticated
  using (org_id = any (array(select private.my_orgs('{owner}'))) and user_id <> (select auth.uid()));
create policy org_members_delete on public.org_members for delete to authenticated
  using (role <> 'owner' and (org_id = any (array(select private.my_orgs('{owner,admin}'))) or user_id = (select auth.uid())));
create policy projects_select on public.projects for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy projects_insert on public.projects for insert to authenticated
  with check (org_id = any (array(select private.my_orgs('{owner,admin}'))));
create policy projects_update on public.projects for update to authenticated
  using (org_id = any (array(select private.my_orgs('{owner,admin}'))));
create policy org_invites_select on public.org_invites for select to authenticated
  using (org_id = any (array(select private.my_orgs('{owner,admin}'))));
create policy org_invites_delete on public.org_invites for delete to authenticated
  using (org_id = any (array(select private.my_orgs('{owner,admin}'))));
create policy audit_log_select on public.audit_log for select to authenticated
  using (org_id = any (array(select private.my_orgs('{owner,admin}'))));
