-- The checks of quotas and of suspension: triggers, so that they hold for every door by which a person can come.

create function private.refuse_quota(p_quota text, p_value bigint)
returns void
language plpgsql stable
set search_path = ''
as $$
begin
  raise exception using
    errcode = 'PT429',
    message = format('the quota "%s" is used up: it is %s', p_quota, p_value),
    detail = json_build_object('code', 'quota_exceeded', 'quota', p_quota, 'value', p_value, 'retry_after_seconds',
      case when p_quota like '%\_per\_day' then ceil(extract(epoch from date_trunc('day', now(), 'UTC') + interval '1 day' - now())) end)::text,
    hint = case when p_quota like '%\_per\_day' then 'It starts again at midnight UTC. ' else 'Delete or finish something that counts against it. ' end
      || 'The operator of this server can raise it.';
end
$$;
comment on function private.refuse_quota(text, bigint) is
'Refuses a command because of a quota. The Data API and the API answer SQLSTATE PT429 with status 429; the detail is JSON with the quota and its value.';

create function private.take_day_quota(p_org_id uuid, p_quota text, p_amount bigint)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_today date := (now() at time zone 'utc')::date;
  v_value bigint := private.quota_value(p_quota, p_org_id);
  v_used bigint;
begin
  -- The row's lock makes commands of the same moment take turns, so that together they cannot pass the quota.
  insert into private.quota_usage as u (org_id, quota, day, used) values (p_org_id, p_quota, v_today, p_amount)
  on conflict (org_id, quota, day) do update set used = u.used + excluded.used
  returning used into v_used;
  if v_used > v_value then
    perform private.refuse_quota(p_quota, v_value);
  end if;
  if v_used = p_amount then
    delete from private.quota_usage where org_id = p_org_id and quota = p_quota and day < v_today - 30;
  end if;
end
$$;
comment on function private.take_day_quota(uuid, text, bigint) is 'Counts an amount against a quota of today, and raises PT429 when the quota is used up.';

create function private.check_quota()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_value bigint := private.quota_value(tg_argv[0], new.org_id);
  v_count bigint;
begin
  -- One command at a time for each org and quota. The count is a statement of its own and so sees what the lock waited for.
  perform pg_advisory_xact_lock(hashtextextended('tributary.quota.' || tg_argv[0] || new.org_id, 0));
  execute format('select count(*) from (select from %I.%I where org_id = $1 and %s limit $2) counted', tg_table_schema, tg_table_name, tg_argv[1])
    into v_count using new.org_id, v_value + 1;
  if v_count > v_value then
    perform private.refuse_quota(tg_argv[0], v_value);
  end if;
  return null;
end
$$;
comment on function private.check_quota() is
'Trigger function: refuses a row when the org has more rows than a quota allows. Its arguments name the quota and the condition of the rows that count.
It only counts rows after the insert, so a quota that was lowered below what exists forbids more and takes nothing away.';

create function private.check_day_quota()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.take_day_quota(new.org_id, tg_argv[0], 1);
  return null;
end
$$;
comment on function private.check_day_quota() is 'Trigger function: counts a row against the quota of today that its argument names.';

create function private.check_quota_of_owner()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_value bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('tributary.quota.orgs' || new.user_id, 0));
  v_value := coalesce(
    (select max(q.value) from public.org_members m join private.quotas q on q.org_id = m.org_id and q.name = 'orgs'
     where m.user_id = new.user_id and m.role = 'owner'),
    private.quota_value('orgs', null));
  if (select count(*) from public.org_members where user_id = new.user_id and role = 'owner') > v_value then
    perform private.refuse_quota('orgs', v_value);
  end if;
  return null;
end
$$;
comment on function private.check_quota_of_owner() is
'Trigger function: bounds the orgs that a user owns, those they create and those they are made owner of. An operator raises the quota of a user by
setting it for one of the user''s orgs.';

create function private.count_changes()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_changed record;
begin
  for v_changed in
    select (to_jsonb(c) ->> tg_argv[0])::uuid as org_id, count(*) as rows from changed c group by 1 order by 1
  loop
    -- When an org is deleted, its rows are deleted too.
    if exists (select from public.orgs where id = v_changed.org_id) then
      perform private.take_day_quota(v_changed.org_id, 'changes_per_day', v_changed.rows);
    end if;
  end loop;
  return null;
end
$$;
comment on function private.count_changes() is
'Trigger function: counts the rows that a person''s statement changed or deleted against the quota of changes, because each of them is an entry in the
audit log, however small the change is.';

do $$
declare
  v record;
begin
  -- Rows that exist at the same time, or are open.
  for v in
    select * from (values
      ('public.projects', 'projects', 'true'),
      ('public.source_connections', 'connections', 'deleted_at is null'),
      ('public.org_members', 'members', 'true'),
      ('public.org_invites', 'open_invites', 'accepted_at is null and expires_at > now()'),
      ('public.alert_channels', 'alert_channels', 'deleted_at is null'),
      ('public.replay_plans', 'open_replay_plans', 'status in (''pending_approval'', ''approved'', ''running'', ''paused'', ''failed'')'),
      ('public.erasures', 'open_erasures', 'status = ''running'''),
      ('public.dlq_operations', 'open_dlq_operations', 'status in (''queued'', ''running'')'),
      ('public.legal_holds', 'open_legal_holds', 'released_at is null'),
      ('private.org_keys', 'org_keys', 'true')
    ) as q (relation, quota, counted)
  loop
    execute format('create trigger quota after insert on %s for each row when (auth.uid() is not null) execute function private.check_quota(%L, %L)',
      v.relation, v.quota, v.counted);
  end loop;
  -- Rows that were made today.
  for v in
    select * from (values
      ('public.projects', 'projects_per_day'), ('public.source_connections', 'connections_per_day'), ('public.org_invites', 'invites_per_day'),
      ('public.alert_channels', 'alert_channels_per_day'), ('public.replay_plans', 'replay_plans_per_day'), ('public.erasures', 'erasures_per_day'),
      ('public.dlq_operations', 'dlq_operations_per_day'), ('public.legal_holds', 'legal_holds_per_day'), ('private.org_keys', 'key_rotations_per_day')
    ) as q (relation, quota)
  loop
    execute format('create trigger quota_of_day after insert on %s for each row when (auth.uid() is not null) execute function private.check_day_quota(%L)',
      v.relation, v.quota);
  end loop;
  -- Rows that were changed or deleted.
  for v in
    select * from (values
      ('public.orgs', 'update', 'new', 'id'), ('public.org_members', 'update', 'new', 'org_id'), ('public.org_members', 'delete', 'old', 'org_id'),
      ('public.projects', 'update', 'new', 'org_id'), ('public.org_invites', 'delete', 'old', 'org_id'), ('public.source_connections', 'update', 'new', 'org_id'),
      ('private.connection_secrets', 'insert', 'new', 'org_id'), ('public.alert_rules', 'update', 'new', 'org_id'),
      ('public.alert_channels', 'update', 'new', 'org_id'), ('public.dlq_events', 'update', 'new', 'org_id'), ('public.replay_plans', 'update', 'new', 'org_id'),
      ('public.legal_holds', 'update', 'new', 'org_id'), ('public.alert_incidents', 'update', 'new', 'org_id')
    ) as q (relation, command, side, org)
  loop
    execute format('create trigger changes_%2$s after %2$s on %1$s referencing %3$s table as changed
      for each statement when (auth.uid() is not null) execute function private.count_changes(%4$L)', v.relation, v.command, v.side, v.org);
  end loop;
end
$$;
create trigger quota_of_owner after insert or update of role on public.org_members
  for each row when (new.role = 'owner' and auth.uid() is not null) execute function private.check_quota_of_owner();

-- What is made without a row of its own is counted by its entry in the audit log.
create trigger quota_of_exports after insert on public.audit_log
  for each row when (new.action = 'canonical_events.export' and auth.uid() is not null) execute function private.check_day_quota('exports_per_day');
create trigger quota_of_replays after insert on public.audit_log
  for each row when (new.action = 'event_journal.replay' and auth.uid() is not null) execute function private.check_day_quota('journal_replays_per_day');

-- Suspension ----------------------------------------------------------------------------------------------------------

create function private.refuse_suspended()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if exists (select from public.orgs where id = new.org_id and suspended_at is not null) then
    raise exception using
      errcode = 'PT403',
      message = 'an operator of this server has suspended the org',
      detail = json_build_object('code', 'org_suspended')::text,
      hint = 'Its members can read and change nothing, and nothing is deleted. The reason is in the settings of the org.';
  end if;
  return new;
end
$$;
comment on function private.refuse_suspended() is
'Trigger function: refuses the commands of a suspended org with SQLSTATE PT403, which the Data API and the API answer with status 403. Every command
of a person writes an entry into the audit log in its transaction, so this is the one place that all of them pass. Entries about reads are written.';
create trigger refuse_suspended before insert on public.audit_log
  for each row when (auth.uid() is not null and new.action ~ '\.(insert|update|delete|replay)$') execute function private.refuse_suspended();

-- Orgs ----------------------------------------------------------------------------------------------------------------

create or replace function private.create_org(p_name text, p_project_name text)
returns json
language plpgsql security definer
set search_path = ''
as $$
declare
  v_user uuid := auth.uid();
  v_org uuid;
  v_project uuid;
begin
  if v_user is null then
    raise insufficient_privilege using message = 'sign in to create an org';
  end if;
  -- The suffix is random in every case: a slug that had a suffix only when the plain one was taken would tell that another org exists.
  insert into public.orgs (name, slug)
  values (btrim(p_name), private.slugify(p_name) || '-' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 10)) returning id into v_org;
  insert into public.org_members (org_id, user_id, role) values (v_org, v_user, 'owner');
  insert into public.projects (org_id, name, slug)
  values (v_org, btrim(p_project_name), private.slugify(p_project_name)) returning id into v_project;
  return json_build_object('org_id', v_org, 'project_id', v_project);
end
$$;
