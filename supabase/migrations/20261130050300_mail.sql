-- Mail: nobody gets mail through this server unasked. An address confirms by a link before it gets alerts, every alert can be stopped by its receiver,
-- and the mail of an org and to an address has a pace that outlives channels.

create table private.mail_key (
  id boolean primary key default true check (id),
  key bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);
insert into private.mail_key default values;
alter table private.mail_key enable row level security;
comment on table private.mail_key is
'The key of the digests of mail addresses. It belongs to the installation and never changes: a digest is what recognises an address that said stop, and
its pace over all orgs, after the channel is deleted.';

create function private.mail_digest(p_address text)
returns bytea
language sql stable security definer
set search_path = ''
as $$ select sha256(k.key || convert_to(lower(btrim(p_address)), 'utf8')) from private.mail_key k $$;
comment on function private.mail_digest(text) is 'The keyed digest of a mail address. Without the key nobody can try addresses against it.';

create table private.alert_recipients (
  org_id uuid not null references public.orgs (id) on delete cascade,
  digest bytea not null,
  channel_id uuid not null,              -- the channel for which the org asked last: the address is in its sealed destination
  ask_from timestamptz,                  -- when a mail is to ask for the confirmation; null: no such mail is to be sent
  attempts integer not null default 0,
  asked_at timestamptz,
  token_sha256 bytea,
  token_expires_at timestamptz,
  confirmed_at timestamptz,
  stopped_at timestamptz,                -- only the receiver sets and clears it
  stop_token text not null default replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
  primary key (org_id, digest),
  foreign key (org_id, channel_id) references public.alert_channels (org_id, id) on delete cascade
);
create unique index alert_recipients_token_key on private.alert_recipients (token_sha256) where token_sha256 is not null;
create unique index alert_recipients_stop_key on private.alert_recipients (stop_token);
create index alert_recipients_ask_idx on private.alert_recipients (org_id, ask_from) where ask_from is not null;
create index alert_recipients_channel_idx on private.alert_recipients (org_id, channel_id);
alter table private.alert_recipients enable row level security;
comment on table private.alert_recipients is
'The mail addresses to which an org wants to send alerts, and whether their owners agreed. A row outlives its channel: an address that said stop stays
stopped, also in a new channel. stop_token is in every alert, so it cannot be stored as a digest; it allows nothing but to stop and restart the mail.';

create table private.mail_paces (
  key text primary key,
  used_until timestamptz not null
);
create index mail_paces_used_idx on private.mail_paces (used_until);
alter table private.mail_paces enable row level security;
comment on table private.mail_paces is
'How much of its pace an org or address has used. used_until moves ahead with each message and is never far ahead of now; a row whose time has long
passed says nothing and is deleted.';

create table private.alert_mails (
  notification_id uuid not null references public.alert_notifications (id) on delete cascade,
  digest bytea not null,
  primary key (notification_id, digest)
);
alter table private.alert_mails enable row level security;
comment on table private.alert_mails is
'Which recipients of a notification have got their mail: when the mail to one of ten fails, the other nine do not get theirs again.';

create function private.take_paces(p_keys text[], p_every interval[], p_bursts integer[], p_now timestamptz)
returns double precision
language plpgsql volatile
set search_path = ''
as $$
declare
  v_wait interval;
begin
  insert into private.mail_paces (key, used_until) select k, '-infinity' from unnest(p_keys) k order by k on conflict do nothing;
  perform from private.mail_paces p where p.key = any (p_keys) order by p.key for update;
  select max(greatest(p.used_until, p_now - r.every * r.burst) + r.every - p_now) into v_wait
  from unnest(p_keys, p_every, p_bursts) r (key, every, burst) join private.mail_paces p on p.key = r.key;
  if v_wait > interval '0' then
    return extract(epoch from v_wait);
  end if;
  update private.mail_paces p set used_until = greatest(p.used_until, p_now - r.every * r.burst) + r.every
  from unnest(p_keys, p_every, p_bursts) r (key, every, burst) where p.key = r.key;
  return 0;
end
$$;
comment on function private.take_paces(text[], interval[], integer[], timestamptz) is
'Takes one message from each of the paces and returns 0, or takes none and returns the seconds until all of them allow one. A pace allows a burst of
messages, and one more each p_every.';

create function private.take_message(p_org_id uuid, p_kind text, p_address text, p_now timestamptz default clock_timestamp())
returns double precision
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  -- A mailbox is the same with and without a tag: a+1@example.com, a+2@example.com.
  v_mailbox text := encode(private.mail_digest(regexp_replace(p_address, '[+][^@]*@', '@')), 'hex');
begin
  return case p_kind
    when 'confirmation' then private.take_paces(
      array['confirmation of ' || p_org_id, 'confirmation to ' || v_mailbox], '{10 minutes,8 hours}', '{10,2}', p_now)
    when 'mail' then private.take_paces(array['mail of ' || p_org_id, 'mail to ' || v_mailbox], '{6 seconds,2 minutes}', '{100,20}', p_now)
    when 'test' then private.take_paces(array['test of ' || p_org_id], '{30 seconds}', '{10}', p_now)
    when 'request' then private.take_paces(array['request of ' || p_org_id], '{3 seconds}', '{200}', p_now)
  end;
end
$$;
comment on function private.take_message(uuid, text, text, timestamptz) is
'Takes one message of an org from its pace, and a mail from that of its address, which counts the mail of all orgs. Returns 0, or the seconds to wait.
Mails that ask for a confirmation: ten and then one each ten minutes for an org, two and then one each eight hours for a mailbox. Alerts by mail: 100
and 600 an hour for an org, 20 and 30 an hour for a mailbox. Requests to Slack, PagerDuty and webhooks: 200 and 1,200 an hour for an org. Tests: ten
and then one each half minute.';

create function private.ask_alert_recipients(p_channel_id uuid, p_addresses text[])
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_org uuid;
begin
  select org_id into v_org from public.alert_channels where id = p_channel_id and deleted_at is null;
  if v_org is null or v_org <> all (array(select private.my_orgs())) then
    return;
  end if;
  perform private.require_admin(v_org);
  insert into private.alert_recipients as r (org_id, digest, channel_id, ask_from)
  select distinct on (private.mail_digest(a)) v_org, private.mail_digest(a), p_channel_id, clock_timestamp()
  from unnest(p_addresses) a order by private.mail_digest(a)
  on conflict (org_id, digest) do update
  set channel_id = excluded.channel_id, attempts = 0, ask_from = coalesce(r.ask_from, excluded.ask_from)
  where r.confirmed_at is null and r.stopped_at is null;
  perform graphile_worker.add_job('alerts.confirm', payload => '{}', job_key => 'alerts.confirm', job_key_mode => 'preserve_run_at', max_attempts => 1);
end
$$;
comment on function private.ask_alert_recipients(uuid, text[]) is
'Has the owners of these addresses asked whether they want the alerts of the org. An address that was confirmed or said stop is not asked. The mail
waits for its pace.';

create function private.alert_recipients_of(p_channels uuid[])
returns table (channel_id uuid, address text, status text, asked_at timestamptz)
language sql stable security definer
set search_path = ''
as $$
  select c.id, a.address, case when r.stopped_at is not null then 'stopped' when r.confirmed_at is not null then 'confirmed' else 'waiting' end, r.asked_at
  from public.alert_channels c
  cross join lateral unnest(string_to_array(c.target, ', ')) with ordinality a (address, place)
  left join private.alert_recipients r on r.org_id = c.org_id and r.digest = private.mail_digest(a.address)
  where c.id = any (p_channels) and c.type = 'email' and c.org_id = any (array(select private.my_orgs()))
  order by c.id, a.place
$$;
comment on function private.alert_recipients_of(uuid[]) is 'The recipients of e-mail channels, and whether their owners agreed to get the alerts.';

create function private.claim_confirmations(p_limit integer, p_now timestamptz default clock_timestamp())
returns table (org_id uuid, org_name text, digest text, attempts integer, channel_id uuid, sealed bytea)
language plpgsql volatile security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with orgs as materialized (
    select * from private.orgs_in_turn('confirmations', p_limit)
  ), chosen as (
    select d.org_id, d.digest from orgs o cross join lateral (
      select r.org_id, r.digest from private.alert_recipients r
      where r.org_id = o.org_id and r.ask_from <= p_now order by r.ask_from limit o.share for update skip locked) d
  ), claimed as (
    update private.alert_recipients r
    set attempts = r.attempts + 1, ask_from = case when r.attempts < 4 then p_now + interval '5 minutes' * (r.attempts + 1) end
    from chosen c where r.org_id = c.org_id and r.digest = c.digest
    returning r.*
  )
  select c.org_id, o.name, encode(c.digest, 'hex'), c.attempts, c.channel_id, k.sealed
  from claimed c join public.orgs o on o.id = c.org_id
  left join private.alert_channel_secrets k on k.org_id = c.org_id and k.channel_id = c.channel_id;
end
$$;
comment on function private.claim_confirmations(integer, timestamptz) is
'Claims the mails that ask for a confirmation; orgs take turns. A mail that could not be sent is due again later, five times in all.';

create function private.settle_confirmation(p_org_id uuid, p_digest text, p_outcome text, p_token_sha256 bytea, p_wait_seconds double precision)
returns void
language sql volatile security definer
set search_path = ''
as $$
  update private.alert_recipients
  set token_sha256 = coalesce(p_token_sha256, token_sha256),
    token_expires_at = case when p_token_sha256 is null then token_expires_at else clock_timestamp() + interval '3 days' end,
    asked_at = case p_outcome when 'sent' then clock_timestamp() else asked_at end,
    attempts = attempts - case p_outcome when 'waits' then 1 else 0 end,
    ask_from = case p_outcome when 'waits' then clock_timestamp() + make_interval(secs => p_wait_seconds) when 'sending' then ask_from end
  where org_id = p_org_id and digest = decode(p_digest, 'hex')
$$;
comment on function private.settle_confirmation(uuid, text, text, bytea, double precision) is
'Writes what became of a claimed mail. p_outcome: `sending`: stores the digest of the token, before the mail with the token is sent; `sent`; `waits`: the
pace allows the mail in p_wait_seconds; `dropped`: the channel has no such recipient any more.';

create function private.confirm_alert_recipient(p_token_sha256 bytea, p_now timestamptz default clock_timestamp())
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  update private.alert_recipients
  set confirmed_at = p_now, token_sha256 = null, token_expires_at = null, ask_from = null
  where token_sha256 = p_token_sha256 and token_expires_at > p_now and stopped_at is null;
  return found;
end
$$;
comment on function private.confirm_alert_recipient(bytea, timestamptz) is
'Confirms an address by the token of its mail, once and until the token expires.';

create function private.stop_alert_recipient(p_stop_token text, p_stops boolean)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  update private.alert_recipients
  set stopped_at = case when p_stops then coalesce(stopped_at, clock_timestamp()) end, ask_from = null, token_sha256 = null, token_expires_at = null
  where stop_token = p_stop_token;
  return found;
end
$$;
comment on function private.stop_alert_recipient(text, boolean) is
'Stops the alerts of an org to an address, or restarts them, by the token in each of these mails. The org can do neither.';

create function private.open_alert_mails(p_notification_id uuid, p_org_id uuid, p_addresses text[], p_now timestamptz default clock_timestamp())
returns table (address text, verdict text, wait_seconds double precision, stop_token text)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_one record;
begin
  for v_one in
    select a.address, r.stop_token,
      case when r.stopped_at is not null then 'stopped' when r.confirmed_at is null then 'unconfirmed'
        when exists (select from private.alert_mails m where m.notification_id = p_notification_id and m.digest = d.digest) then 'sent' else 'send' end as verdict
    from unnest(p_addresses) a (address)
    cross join lateral (select private.mail_digest(a.address) as digest) d
    left join private.alert_recipients r on r.org_id = p_org_id and r.digest = d.digest
    order by d.digest
  loop
    address := v_one.address;
    verdict := v_one.verdict;
    stop_token := v_one.stop_token;
    wait_seconds := 0;
    if verdict = 'send' then
      wait_seconds := private.take_message(p_org_id, 'mail', address, p_now);
      if wait_seconds > 0 then
        verdict := 'waits';
      end if;
    end if;
    return next;
  end loop;
end
$$;
comment on function private.open_alert_mails(uuid, uuid, text[], timestamptz) is
'Which of these addresses get a mail now: `send`, `waits` for its pace, `sent` before, `unconfirmed` or `stopped`. p_notification_id null: a test.';

create function private.note_alert_mail(p_notification_id uuid, p_address text)
returns void
language sql volatile security definer
set search_path = ''
as $$
  insert into private.alert_mails (notification_id, digest)
  select n.id, private.mail_digest(p_address) from public.alert_notifications n where n.id = p_notification_id
  on conflict do nothing
$$;
comment on function private.note_alert_mail(uuid, text) is 'The mail of a notification to this address was sent.';

create function private.forget_mail_paces()
returns void
language sql volatile security definer
set search_path = ''
as $$
  delete from private.mail_paces where key in (
    select p.key from private.mail_paces p where p.used_until < now() - interval '2 days' order by p.used_until limit 1000 for update skip locked)
$$;
comment on function private.forget_mail_paces() is 'Deletes the paces that have not been used for two days: the longest pace is full again after 16 hours.';

grant execute on function private.ask_alert_recipients(uuid, text[]), private.alert_recipients_of(uuid[]) to authenticated;
grant execute on function private.mail_digest(text), private.take_message(uuid, text, text, timestamptz), private.claim_confirmations(integer, timestamptz),
  private.settle_confirmation(uuid, text, text, bytea, double precision), private.confirm_alert_recipient(bytea, timestamptz),
  private.stop_alert_recipient(text, boolean), private.open_alert_mails(uuid, uuid, text[], timestamptz), private.note_alert_mail(uuid, text),
  private.forget_mail_paces() to worker;
