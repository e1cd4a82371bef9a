-- Why an invite cannot be accepted is said to the person who holds its link. The hash of a used token is kept with its invite, so that the link still
-- explains itself.

create or replace function private.accept_invite(p_token_sha256 bytea)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
  return v_invite.org_id;
end
$function$;

create function private.explain_invite(p_token_sha256 bytea)
returns jsonb
language sql stable security definer
set search_path = ''
as $$
  select coalesce((
    select jsonb_build_object('reason', case
        when i.accepted_at is not null and m.org_id is not null then 'joined'
        when i.accepted_at is not null then 'used'
        when i.expires_at <= now() then 'expired'
        when i.invited_by = auth.uid() then 'own'
        when i.email is distinct from lower(auth.jwt() ->> 'email') then 'other_address'
        else 'inviter_left' end,
      'org_id', m.org_id)
    from private.invite_tokens t join public.org_invites i on i.id = t.invite_id
    left join public.org_members m on m.org_id = i.org_id and m.user_id = auth.uid()
    where t.token_sha256 = p_token_sha256), jsonb_build_object('reason', 'unknown'))
$$;
comment on function private.explain_invite(bytea) is
'Why private.accept_invite refuses an invite: { reason, org_id }. Only who holds the token, which cannot be guessed, is told. The org is named to its
members only. An invite that was withdrawn is unknown.';

grant execute on function private.explain_invite(bytea) to authenticated;
