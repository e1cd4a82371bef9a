-- The audit log: append-only for everybody, a chain of hashes per org, and without personal values.

-- Personal values -----------------------------------------------------------------------------------------------------

create table private.audit_keys (
  org_id uuid primary key references public.orgs (id) on delete cascade,
  key bytea not null default sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')) check (length(key) = 32)
);
comment on table private.audit_keys is
'The key of an org''s pseudonyms in the audit log. It never changes and no client role may read it, so that nobody can confirm a guess, and it is
destroyed with the org.';

create function private.pseudonym(p_org_id uuid, p_value text)
returns text
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_key bytea;
begin
  select key into v_key from private.audit_keys where org_id = p_org_id;
  if v_key is null then
    insert into private.audit_keys (org_id) values (p_org_id) on conflict do nothing;
    select key into v_key from private.audit_keys where org_id = p_org_id;
  end if;
  return 'person:' || left(encode(sha256(v_key || sha256(v_key || convert_to(lower(p_value), 'UTF8'))), 'hex'), 20);
end
$$;
comment on function private.pseudonym(uuid, text) is
'A name for a personal value of an org. The same value always has the same name, so that the entries about one person can be seen to be about one
person, and nobody without the key can tell who it is.';

create function private.without_persons(p_org_id uuid, p_value jsonb, p_key text default null)
returns jsonb
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_text text;
  v_match text;
begin
  case jsonb_typeof(p_value)
    when 'object' then
      return (select coalesce(jsonb_object_agg(o.key, private.without_persons(p_org_id, o.value, case when o.key in ('from', 'to') then p_key else o.key end)), '{}')
        from jsonb_each(p_value) o);
    when 'array' then
      return (select coalesce(jsonb_agg(private.without_persons(p_org_id, a.value, p_key) order by a.n), '[]') from jsonb_array_elements(p_value) with ordinality a (value, n));
    when 'string' then
      v_text := p_value #>> '{}';
    else
      return p_value;
  end case;
  -- A search text and the hashes of people are pseudonyms as a whole.
  if p_key in ('q', 'subjects') then
    return to_jsonb(case when v_text = '' then '' else private.pseudonym(p_org_id, v_text) end);
  end if;
  for v_match in select distinct m[1] from regexp_matches(v_text, '([^\s@<>(),;:"'']+@[^\s@<>(),;:"'']+)', 'g') m loop
    v_text := replace(v_text, v_match, private.pseudonym(p_org_id, v_match));
  end loop;
  -- In texts that people type freely, a number of ten digits or more may be a telephone number or a document.
  if p_key in ('name', 'reason', 'reference') then
    v_text := regexp_replace(v_text, '(?<!person:[0-9a-f]*)\+?\d(?:[ .()/-]{0,2}\d){9,}', '[number]', 'g');
  end if;
  return to_jsonb(v_text);
end
$$;
comment on function private.without_persons(uuid, jsonb, text) is
'Replaces the personal values in the detail of an audit entry: e-mail addresses, search texts and hashes of people by pseudonyms, and long numbers
in freely typed texts by "[number]". Entries are written without them, because an erasure could not remove them later: the chain of hashes would break.';

-- Writing -------------------------------------------------------------------------------------------------------------

create function private.append_audit(p_org_id uuid, p_action text, p_target_id text, p_detail jsonb)
returns void
language sql volatile security definer
set search_path = ''
as $$
  insert into public.audit_log (org_id, actor_id, action, target_id, detail)
  values (p_org_id, auth.uid(), p_action, p_target_id, private.without_persons(p_org_id, p_detail))
$$;
comment on function private.append_audit(uuid, text, text, jsonb) is
'Appends an entry to an org''s audit log, with the caller as the actor. Every entry is written by this function.';

create or replace function private.audit()
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
  perform private.append_audit(v_org, tg_table_name || '.' || lower(tg_op), v_row ->> tg_argv[0], v_detail);
  return null;
end
$$;

create or replace function private.audit_replay(p_journal_id uuid, p_mode text)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_org uuid := (select org_id from public.event_journal where id = p_journal_id);
begin
  perform private.require_admin(v_org);
  perform private.append_audit(v_org, 'event_journal.replay', p_journal_id::text, jsonb_build_object('mode', p_mode));
end
$$;

create or replace function private.audit_full_sample(p_org_id uuid, p_ids uuid[])
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.require_admin(p_org_id);
  perform private.append_audit(p_org_id, 'dlq.full_sample', null, jsonb_build_object('ids', p_ids));
end
$$;

create or replace function private.audit_export(p_org_id uuid, p_filter jsonb, p_format text)
returns void
language plpgsql security definer
set search_path = ''
as $$
begin
  if not p_org_id = any (array(select private.my_orgs())) then
    raise insufficient_privilege;
  end if;
  perform private.append_audit(p_org_id, 'canonical_events.export', null, jsonb_build_object('filter', p_filter, 'format', p_format));
end
$$;

create function private.audit_look_up(p_org_id uuid, p_action text, p_hashes text[])
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_subjects jsonb := (select jsonb_agg(s.name) from (select distinct private.pseudonym(p_org_id, h) as name from unnest(p_hashes) h order by 1 limit 100) s);
begin
  if p_org_id is null or p_org_id <> all (array(select private.my_orgs())) or p_action not in ('people.look_up', 'people.count', 'people.events') then
    raise insufficient_privilege;
  end if;
  -- The dashboard repeats the question as long as the page is open.
  if v_subjects is null or exists (
    select from public.audit_log
    where org_id = p_org_id and actor_id = auth.uid() and created_at > now() - interval '10 minutes' and action = p_action
      and detail = jsonb_build_object('people', v_subjects)) then
    return;
  end if;
  perform private.append_audit(p_org_id, p_action, null, jsonb_build_object('people', v_subjects));
end
$$;
comment on function private.audit_look_up(uuid, text, text[]) is
'Records that the caller looked for people: `look_up` turned typed values into hashes, `count` counted the events about a person, `events` searched
for the events of people. The people are named by pseudonyms. The same question within ten minutes is recorded once.';

create or replace function public.events_of_subject(org_id uuid, hash text)
returns setof public.canonical_events
language plpgsql volatile security invoker
set search_path = ''
as $$
begin
  if events_of_subject.org_id = any (array(select private.my_orgs())) then
    perform private.audit_look_up(events_of_subject.org_id, 'people.events', array[hash]);
  end if;
  return query
    select e.* from private.find_events_of_subject(events_of_subject.org_id, hash) f
    join public.canonical_events e on e.id = f.id and e.event_time = f.event_time;
end
$$;

create function private.audit_search(p_org_id uuid, p_filter jsonb)
returns void
language plpgsql volatile security invoker
set search_path = ''
as $$
begin
  if jsonb_typeof(p_filter -> 'subjects') = 'array' and p_org_id = any (array(select private.my_orgs())) then
    perform private.audit_look_up(p_org_id, 'people.events', array(select jsonb_array_elements_text(p_filter -> 'subjects') limit 100));
  end if;
end
$$;
comment on function private.audit_search(uuid, jsonb) is 'Records a search whose filter names people.';

create or replace function public.search_events(org_id uuid, filter jsonb default '{}', before jsonb default null, page_limit integer default 50)
returns jsonb
language plpgsql volatile security invoker
set search_path = ''
as $$
begin
  perform private.audit_search(org_id, private.unwrapped(filter));
  return private.search_events(org_id, private.unwrapped(filter), private.unwrapped(before), page_limit);
end
$$;

create or replace function public.events_histogram(org_id uuid, "from" timestamptz, "to" timestamptz, bucket_seconds integer, filter jsonb default '{}')
returns jsonb
language plpgsql volatile security invoker
set search_path = ''
as $$
begin
  perform private.audit_search(org_id, private.unwrapped(filter));
  return private.events_histogram(org_id, "from", "to", bucket_seconds, private.unwrapped(filter));
end
$$;

-- The chain -----------------------------------------------------------------------------------------------------------

create table private.audit_links (
  org_id uuid not null references public.orgs (id) on delete cascade,
  seq bigint not null,
  audit_id bigint not null unique,
  hash bytea not null check (length(hash) = 32),
  primary key (org_id, seq)
);
comment on table private.audit_links is
'The chain of an org''s audit log: a link for each entry, with a hash of the link before it and of the entry. A changed, removed or inserted entry
breaks the chain from there on.';

create table private.audit_anchors (
  org_id uuid primary key references public.orgs (id) on delete cascade,
  seq bigint not null,
  hash bytea not null check (length(hash) = 32),
  trimmed_at timestamptz not null default now()
);
comment on table private.audit_anchors is
'The last link that retention has removed from an org''s chain. The chain is verified from there on.';

create function private.audit_canonical(p_seq bigint, p_entry public.audit_log)
returns text
language sql stable
set search_path = ''
as $$
  select jsonb_build_array(p_seq, p_entry.id, p_entry.org_id, p_entry.actor_id, p_entry.action, p_entry.target_id, p_entry.detail,
    to_char(p_entry.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text
$$;
comment on function private.audit_canonical(bigint, public.audit_log) is
'The text of an entry that is hashed: a JSON array of its place in the chain and its columns. Exports contain this text, so that the chain can be
verified without this database: hash = SHA-256(hash before || text).';

create function private.audit_head(p_org_id uuid, out seq bigint, out hash bytea)
language sql volatile security definer
set search_path = ''
as $$
  select h.seq, h.hash from (
    (select l.seq, l.hash from private.audit_links l where l.org_id = p_org_id order by l.seq desc limit 1)
    union all (select a.seq, a.hash from private.audit_anchors a where a.org_id = p_org_id)
    union all select 0, sha256(convert_to('tributary audit log of ' || p_org_id, 'UTF8'))) h
  order by h.seq desc limit 1
$$;
comment on function private.audit_head(uuid) is 'The newest link of an org''s chain. An org without entries has a first hash of its id.';

create function private.link_audit()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  v_head record;
begin
  if not exists (select from public.orgs where id = new.org_id) then
    return null;
  end if;
  -- Entries of one org are linked one after the other. The trigger runs when the transaction commits, so the lock is held only for the commit
  -- itself, no transaction waits for a row while it holds the lock, and other orgs are not affected.
  perform pg_advisory_xact_lock(hashtextextended('tributary.audit ' || new.org_id, 0));
  select * into v_head from private.audit_head(new.org_id);
  insert into private.audit_links (org_id, seq, audit_id, hash)
  values (new.org_id, v_head.seq + 1, new.id, sha256(v_head.hash || convert_to(private.audit_canonical(v_head.seq + 1, new), 'UTF8')));
  return null;
end
$$;
comment on function private.link_audit() is 'Trigger function: appends an entry to the chain of its org when the transaction commits.';

-- Append-only ---------------------------------------------------------------------------------------------------------

create function private.keep_audit()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if tg_op = 'DELETE' then
    -- An org's log is deleted with the org; entries up to the anchor were removed by private.trim_audit_log.
    if not exists (select from public.orgs where id = old.org_id) then
      return old;
    end if;
    if tg_table_name in ('audit_log', 'audit_links') and exists (
      select from private.audit_anchors a join private.audit_links l on l.org_id = a.org_id and l.seq <= a.seq
      where a.org_id = old.org_id and l.audit_id = case tg_table_name when 'audit_log' then (to_jsonb(old) ->> 'id')::bigint else (to_jsonb(old) ->> 'audit_id')::bigint end) then
      return old;
    end if;
  end if;
  raise insufficient_privilege using message = 'the audit log is append-only: its entries cannot be changed or removed';
end
$$;
comment on function private.keep_audit() is
'Trigger function: refuses to change or remove entries of the audit log and links of its chain, for every role and also for the owner of the
tables. Retention (private.trim_audit_log) removes the oldest entries of an org up to an anchor.';

create function private.check_audit_anchor()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' and new.seq <= old.seq or not exists (
    select from private.audit_links l join public.audit_log a on a.id = l.audit_id
    where l.org_id = new.org_id and l.seq = new.seq and l.hash = new.hash and a.created_at < now() - interval '30 days') then
    raise insufficient_privilege using message = 'an anchor is a link of the chain that is older than 30 days, and moves forward only';
  end if;
  return new;
end
$$;
comment on function private.check_audit_anchor() is 'Trigger function: the last 30 days of an audit log cannot be trimmed by anybody.';

create function private.trim_audit_log(p_org_id uuid, p_before timestamptz, p_rows integer)
returns integer
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_before timestamptz := least(p_before, now() - interval '30 days 1 minute');
  v_seq bigint;
  v_removed integer;
begin
  perform pg_advisory_xact_lock(hashtextextended('tributary.audit ' || p_org_id, 0));
  with oldest as (
    select l.seq, coalesce(a.created_at < v_before, false) as expired
    from private.audit_links l left join public.audit_log a on a.id = l.audit_id
    where l.org_id = p_org_id order by l.seq limit p_rows
  )
  select max(o.seq) into v_seq from oldest o where o.seq < coalesce((select min(k.seq) from oldest k where not k.expired), 9223372036854775807);
  if v_seq is null then
    return 0;
  end if;
  insert into private.audit_anchors (org_id, seq, hash)
  select l.org_id, l.seq, l.hash from private.audit_links l where l.org_id = p_org_id and l.seq = v_seq
  on conflict (org_id) do update set seq = excluded.seq, hash = excluded.hash, trimmed_at = now() where audit_anchors.seq < excluded.seq;
  delete from public.audit_log a using private.audit_links l where l.org_id = p_org_id and l.seq <= v_seq and a.id = l.audit_id;
  get diagnostics v_removed = row_count;
  delete from private.audit_links where org_id = p_org_id and seq <= v_seq;
  return v_removed;
end
$$;
comment on function private.trim_audit_log(uuid, timestamptz, integer) is
'Removes up to p_rows of the oldest entries of an org''s audit log that are older than p_before, and never entries of the last 30 days. Only a
prefix of the chain is removed, and the hash of its last link stays as an anchor, from which the rest can be verified. Returns the number of removed
entries.';

create function private.trim_audit_log(p_before timestamptz, p_rows integer)
returns integer
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_org uuid;
  v_removed integer := 0;
begin
  for v_org in
    select o.id from public.orgs o
    cross join lateral (select l.audit_id from private.audit_links l where l.org_id = o.id order by l.seq limit 1) l
    join public.audit_log a on a.id = l.audit_id
    where a.created_at < p_before order by a.created_at limit 100
  loop
    exit when v_removed >= p_rows;
    v_removed := v_removed + private.trim_audit_log(v_org, p_before, p_rows - v_removed);
  end loop;
  return v_removed;
end
$$;
comment on function private.trim_audit_log(timestamptz, integer) is
'Removes up to p_rows entries that are older than p_before from the audit logs of up to 100 orgs, the oldest first. Returns their
number: while it is not 0, there may be more.';

-- Reading -------------------------------------------------------------------------------------------------------------

create function private.export_audit(p_org_id uuid, p_after bigint, p_limit integer)
returns table (seq bigint, id bigint, created_at timestamptz, actor_id uuid, action text, target_id text, detail jsonb, canonical text, hash text)
language sql stable security definer
set search_path = ''
as $$
  select l.seq, a.id, a.created_at, a.actor_id, a.action, a.target_id, a.detail, private.audit_canonical(l.seq, a), encode(l.hash, 'hex')
  from private.audit_links l join public.audit_log a on a.id = l.audit_id and a.org_id = l.org_id
  where l.org_id = p_org_id and l.org_id = any (array(select private.my_orgs('{owner,admin}'))) and l.seq > p_after
  order by l.seq limit least(p_limit, 1000)
$$;
comment on function private.export_audit(uuid, bigint, integer) is
'A page of an org''s audit log in the order of its chain, oldest first, for owners and admins.';

create function private.record_audit_export(p_org_id uuid, p_format text)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if p_org_id is null or p_org_id <> all (array(select private.my_orgs('{owner,admin}'))) then
    raise insufficient_privilege;
  end if;
  perform private.append_audit(p_org_id, 'audit_log.export', null, jsonb_build_object('format', p_format));
end
$$;
comment on function private.record_audit_export(uuid, text) is 'Records which owner or admin exported the audit log.';

create function private.verify_audit(p_org_id uuid, p_after bigint, p_hash text, p_limit integer)
returns table (verified_to bigint, hash text, entry_at timestamptz, entries integer, is_end boolean, problem text, problem_at bigint)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  v_anchor private.audit_anchors;
  v_hash bytea;
  v_known bytea;
  v_row record;
begin
  if p_org_id is null or p_org_id <> all (array(select private.my_orgs('{owner,admin}'))) then
    raise insufficient_privilege;
  end if;
  entries := 0;
  is_end := false;
  select * into v_anchor from private.audit_anchors a where a.org_id = p_org_id;
  if p_after is null then
    verified_to := coalesce(v_anchor.seq, 0);
    v_hash := coalesce(v_anchor.hash, sha256(convert_to('tributary audit log of ' || p_org_id, 'UTF8')));
  else
    verified_to := p_after;
    v_hash := decode(p_hash, 'hex');
    v_known := case
      when p_after = v_anchor.seq then v_anchor.hash
      when p_after = 0 and v_anchor.seq is null then sha256(convert_to('tributary audit log of ' || p_org_id, 'UTF8'))
      else (select l.hash from private.audit_links l where l.org_id = p_org_id and l.seq = p_after) end;
    if v_known is distinct from v_hash then
      problem := case when p_after < v_anchor.seq then 'trimmed' when v_known is null then 'missing' else 'changed' end;
      problem_at := p_after;
      hash := encode(v_hash, 'hex');
      return next;
      return;
    end if;
  end if;
  for v_row in
    select l.seq, l.hash, a.id, a.created_at, private.audit_canonical(l.seq, a) as canonical
    from private.audit_links l left join public.audit_log a on a.id = l.audit_id and a.org_id = l.org_id
    where l.org_id = p_org_id and l.seq > verified_to order by l.seq limit least(p_limit, 10000)
  loop
    if v_row.seq <> verified_to + 1 or v_row.id is null then
      problem := 'missing';
    elsif v_row.hash <> sha256(v_hash || convert_to(v_row.canonical, 'UTF8')) then
      problem := 'changed';
    end if;
    if problem is not null then
      problem_at := verified_to + 1;
      exit;
    end if;
    verified_to := v_row.seq;
    v_hash := v_row.hash;
    entry_at := v_row.created_at;
    entries := entries + 1;
  end loop;
  is_end := problem is null and entries < least(p_limit, 10000);
  if is_end and exists (select from public.audit_log a where a.org_id = p_org_id and not exists (select from private.audit_links l where l.audit_id = a.id)) then
    problem := 'unlinked';
    problem_at := verified_to;
  end if;
  hash := encode(v_hash, 'hex');
  return next;
end
$$;
comment on function private.verify_audit(uuid, bigint, text, integer) is
'Verifies up to p_limit entries of an org''s audit log after a link that the caller knows (its place and hash), or from the beginning. Returns how
far the chain is intact, and the first problem: an entry was `changed`, is `missing`, was written past the chain (`unlinked`), or the known link was
`trimmed` by retention. For owners and admins.';

-- What is there already -----------------------------------------------------------------------------------------------

create constraint trigger link after insert on public.audit_log deferrable initially deferred for each row execute function private.link_audit();

update public.audit_log set detail = private.without_persons(org_id, detail) where detail <> '{}';

do $$
declare
  v_entry public.audit_log;
  v_head record;
begin
  -- Nothing is appended meanwhile, so that the older entries are linked in their order.
  lock table public.audit_log in share row exclusive mode;
  for v_entry in select * from public.audit_log a where not exists (select from private.audit_links l where l.audit_id = a.id) order by a.id loop
    select * into v_head from private.audit_head(v_entry.org_id);
    insert into private.audit_links (org_id, seq, audit_id, hash)
    values (v_entry.org_id, v_head.seq + 1, v_entry.id, sha256(v_head.hash || convert_to(private.audit_canonical(v_head.seq + 1, v_entry), 'UTF8')));
  end loop;
end
$$;

create trigger keep before update or delete on public.audit_log for each row execute function private.keep_audit();
create trigger keep_all before truncate on public.audit_log for each statement execute function private.keep_audit();
create trigger keep before update or delete on private.audit_links for each row execute function private.keep_audit();
create trigger keep_all before truncate on private.audit_links for each statement execute function private.keep_audit();
create trigger check_anchor before insert or update on private.audit_anchors for each row execute function private.check_audit_anchor();
create trigger keep before delete on private.audit_anchors for each row execute function private.keep_audit();
create trigger keep_all before truncate on private.audit_anchors for each statement execute function private.keep_audit();

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.audit_look_up(uuid, text, text[]), private.audit_search(uuid, jsonb), private.export_audit(uuid, bigint, integer),
  private.record_audit_export(uuid, text), private.verify_audit(uuid, bigint, text, integer) to authenticated;
grant execute on function private.trim_audit_log(uuid, timestamptz, integer), private.trim_audit_log(timestamptz, integer) to maintenance;

alter table private.audit_keys enable row level security;
alter table private.audit_links enable row level security;
alter table private.audit_anchors enable row level security;
