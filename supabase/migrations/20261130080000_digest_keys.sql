-- The digest key of an org: what makes digests that are kept for ever, so that nobody can confirm a guess of what they were made of.

create table private.org_digest_keys (
  org_id uuid primary key references public.orgs (id) on delete cascade,
  key_version integer not null,  -- of the data key that seals it
  sealed bytea not null,         -- AES-256-GCM under the org's data key
  created_at timestamptz not null default now()
);
comment on table private.org_digest_keys is
'The key with which an org''s lasting digests are made (HMAC-SHA-256): of deliveries, of records, of idempotency keys that are made of contents.
There is one for each org and it never changes, or a repeated delivery would not be recognised. It is sealed under the org''s data key, so it is
destroyed with the keys of the org.';

comment on column public.event_journal.body_sha256 is
'Digest of the bytes as they were sent: hexadecimal HMAC-SHA-256, under the digest key of the org, of the SHA-256 of the body. It shows whether two
deliveries are the same, and confirms no guess of a body to a reader.';
comment on column private.event_keys.body_sha256 is
'Digest of the record: HMAC-SHA-256, under the digest key of the org, of its fingerprint. Equal for a repeated record, and it stays after an erasure.';
comment on column private.event_keys.idempotency_key is
'The platform''s natural id, or hmac:<hex> under the digest key of the org where the key is made of contents, names a person or is too long. It
stays after an erasure, so that a record that is sent again is a duplicate.';
comment on column public.canonical_events.idempotency_key is
'The key of the event in private.event_keys.';

create function private.find_digest_key(p_org_id uuid)
returns json
language sql stable security definer
set search_path = ''
as $$
  select json_build_object('key_version', k.key_version, 'sealed', encode(k.sealed, 'base64')) from private.org_digest_keys k where k.org_id = p_org_id
$$;
comment on function private.find_digest_key(uuid) is
'The digest key of an org, sealed, for the process that holds the master key. Null when the org has none yet.';

create function private.create_digest_key(p_org_id uuid, p_key_version integer, p_sealed bytea)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  insert into private.org_digest_keys (org_id, key_version, sealed) values (p_org_id, p_key_version, p_sealed) on conflict do nothing;
  return private.find_digest_key(p_org_id);
end
$$;
comment on function private.create_digest_key(uuid, integer, bytea) is
'Stores the digest key of an org, and returns the key that the org has: the first one is kept, also when two processes create it at the same time.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.find_digest_key(uuid), private.create_digest_key(uuid, integer, bytea) to ingest;

alter table private.org_digest_keys enable row level security;
