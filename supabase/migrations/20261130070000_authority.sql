-- Authority ends with its holder: what a person set in motion as owner or admin stops when the person loses that role.

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
end
$$;
comment on function private.require_admin(uuid) is
'Raises 42501 unless the caller is owner or admin of the org now, and keeps the caller''s role until the transaction ends. Every command calls it
first.';

create or replace function private.accept_invite(p_token_sha256 bytea)
returns uuid
language plpgsql security definer
set search_path = ''
as $$
declare
  v_invite public.org_invites;
begin
  select i.* into v_invite
  from private.invite_tokens t join public.org_invites i on i.id = t.invite_id
  where t.token_sha256 = p_token_sha256;
  if v_invite.id is null or auth.uid() is null or v_invite.invited_by = auth.uid()
    or v_invite.email is distinct from lower(auth.jwt() ->> 'email') then
    return null;
  end if;
  -- The authority of an invite is that of the person who made it, now. The membership is locked before the invite, in the order in which a
  -- demotion locks them.
  perform from public.org_members
  where org_id = v_invite.org_id and user_id = v_invite.invited_by
    and role in ('owner', 'admin') and (role = 'owner' or v_invite.role <> 'owner') for share;
  if not found then
    return null;
  end if;
  perform from public.org_invites where id = v_invite.id and accepted_at is null and expires_at > now() for update;
  if not found then
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
'Makes the caller a member. The token proves the invitation, and the e-mail address in the caller''s JWT proves that the caller is the invited
person. The person who made the invite must be another one, and must have a role now that may give the role of the invite. Returns the org, or
null when there is no such open invitation.';

create function private.end_authority()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  -- When an org is deleted, its rows are deleted with it.
  if not exists (select from public.orgs where id = old.org_id) then
    return null;
  end if;
  if tg_op = 'DELETE' then
    delete from public.org_invites i using auth.users u
    where i.org_id = old.org_id and i.accepted_at is null and u.id = old.user_id and i.email = lower(u.email);
  end if;
  if old.role = 'analyst' or (tg_op = 'UPDATE' and new.role in ('owner', 'admin')) then
    return null;
  end if;
  delete from public.org_invites where org_id = old.org_id and invited_by = old.user_id and accepted_at is null;
  update public.replay_plans
  set status = 'canceled', finished_at = now(), rate_per_second = null, lease_owner = null, lease_until = null,
    error = 'a person who made or approved the plan no longer has the role for it'
  where org_id = old.org_id and (
    (created_by = old.user_id and status in ('pending_approval', 'approved'))
    or (needs_second_approval and old.user_id in (created_by, approved_by) and status in ('approved', 'running', 'paused', 'failed')));
  update public.dlq_operations set status = 'canceled'
  where org_id = old.org_id and created_by = old.user_id and status in ('queued', 'running');
  return null;
end
$$;
comment on function private.end_authority() is
'Trigger function: ends what a person set in motion as owner or admin, when the person is demoted, is removed, leaves, or is deleted. That is: the
open invites that the person made, the plans of the person that have not begun, every open plan that needed the person as one of two people, and
bulk operations on dead letters. A removed person also loses the open invites to their address. Erasures continue, because the erased person has a
right to them. Downloads check the role with every page.';
create trigger end_authority after delete or update of role on public.org_members
  for each row execute function private.end_authority();
