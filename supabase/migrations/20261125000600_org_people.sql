-- Who is in an org, by name: people know each other by e-mail, which auth.users has and nobody may read.

-- The audit log read by who did it and by what was done, newest first.
create index audit_log_org_actor_idx on public.audit_log (org_id, actor_id, created_at desc, id desc);
create index audit_log_org_action_idx on public.audit_log (org_id, action, created_at desc, id desc);

-- The members, for members of the same org. Owners and admins, who read the audit log, are told of former members too (role null): the
-- log names them by id only. No rows for anybody else.
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

create function public.org_people(org_id uuid)
returns table (user_id uuid, email text, role text, created_at timestamptz)
language sql stable security invoker
set search_path = ''
as $$
  select p.user_id, p.email, p.role, p.created_at from private.find_org_people(org_people.org_id) p order by p.created_at, p.user_id
$$;

grant execute on function private.find_org_people(uuid), public.org_people(uuid) to authenticated;
