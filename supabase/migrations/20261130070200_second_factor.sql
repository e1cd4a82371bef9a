-- The security settings of an org, and the second factor (MFA) that an org can require for commands.

create table public.org_security (
  org_id uuid primary key references public.orgs (id) on delete cascade,
  requires_second_factor boolean not null default false,
  second_person text[] not null default '{}',  -- kinds of private.approval_kinds
  purge_count integer not null default 100 check (purge_count >= 0),
  updated_at timestamptz not null default now()
);
comment on table public.org_security is
'What an org requires of its own people: a second factor for commands, and a second person for irreversible acts. An org without a row requires
neither. Written by private.set_org_security only.';

create trigger audit after insert or update on public.org_security for each row execute function private.audit('org_id');

create function private.check_second_factor(p_org_id uuid)
returns void
language plpgsql stable security definer
set search_path = ''
as $$
begin
  if coalesce(auth.jwt() ->> 'aal', 'aal1') <> 'aal2'
    and exists (select from public.org_security where org_id = p_org_id and requires_second_factor) then
    raise insufficient_privilege using message = 'this org requires a second factor for commands: sign in with your authenticator app', hint = 'mfa_required';
  end if;
end
$$;
comment on function private.check_second_factor(uuid) is
'Raises 42501 with the hint mfa_required when the org requires a second factor and the caller signed in without one. Reading needs none.';

create or replace function private.require_admin(p_org_id uuid)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  -- The lock makes a command and the loss of the caller's role wait for each other: no command of the old role begins or ends afterwards.
  perform from public.org_members
  where org_id = p_org_id and user_id = (select auth.uid()) and role in ('owner', 'admin') for share;
  if not found then
    raise insufficient_privilege using message = 'only an owner or admin of the org may do this';
  end if;
  perform private.check_second_factor(p_org_id);
end
$$;
comment on function private.require_admin(uuid) is
'Raises 42501 unless the caller is owner or admin of the org now, and has the second factor when the org requires one. Keeps the caller''s role until
the transaction ends. Every command calls it first.';

create function private.require_second_factor()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  v_row jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
begin
  perform private.check_second_factor((case when tg_table_name = 'orgs' then v_row ->> 'id' else v_row ->> 'org_id' end)::uuid);
  return case when tg_op = 'DELETE' then old else new end;
end
$$;
comment on function private.require_second_factor() is
'Trigger function of every table that people may write through the Data API: refuses the write when the org requires a second factor and the person
signed in without one.';

create trigger second_factor before update on public.orgs
  for each row when (auth.uid() is not null) execute function private.require_second_factor();
create trigger second_factor before update or delete on public.org_members
  for each row when (auth.uid() is not null) execute function private.require_second_factor();
create trigger second_factor before insert or update on public.projects
  for each row when (auth.uid() is not null) execute function private.require_second_factor();
create trigger second_factor before delete on public.org_invites
  for each row when (auth.uid() is not null) execute function private.require_second_factor();
create trigger second_factor before insert or update on public.source_connections
  for each row when (auth.uid() is not null) execute function private.require_second_factor();
create trigger second_factor before update on public.dlq_events
  for each row when (auth.uid() is not null) execute function private.require_second_factor();
create trigger second_factor before update on public.dlq_operations
  for each row when (auth.uid() is not null) execute function private.require_second_factor();
create trigger second_factor before insert on public.legal_holds
  for each row when (auth.uid() is not null) execute function private.require_second_factor();
create trigger second_factor before update on public.alert_rules
  for each row when (auth.uid() is not null) execute function private.require_second_factor();
create trigger second_factor before update on public.alert_channels
  for each row when (auth.uid() is not null) execute function private.require_second_factor();
-- The functions that write these tables check the role themselves.
create trigger second_factor before insert or delete on public.org_deletions
  for each row when (auth.uid() is not null) execute function private.require_second_factor();
create trigger second_factor before insert on private.org_keys
  for each row when (auth.uid() is not null) execute function private.require_second_factor();

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.check_second_factor(uuid) to authenticated;
grant select on public.org_security to authenticated;

alter table public.org_security enable row level security;

create policy org_security_select on public.org_security for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
