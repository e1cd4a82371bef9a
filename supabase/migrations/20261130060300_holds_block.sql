-- A legal hold blocks what would change the data under it, by whichever door a person comes.

create function private.refuse_while_held()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_row jsonb := to_jsonb(new);
  v_reason text;
begin
  v_reason := private.legal_hold_reason((v_row ->> 'org_id')::uuid,
    (case tg_table_name when 'source_connections' then v_row ->> 'id' else v_row ->> 'source_connection_id' end)::uuid);
  if v_reason is not null then
    raise check_violation using message = v_reason, constraint = 'legal_holds_block';
  end if;
  return new;
end
$$;
comment on function private.refuse_while_held() is
'Trigger function: refuses a change to data under a legal hold. The message of the error is the reason of the hold.';

-- People retry and discard dead letters through the Data API too. The pipeline checks holds before it claims an entry.
create trigger refuse_while_held before update of status, next_retry_at on public.dlq_events
  for each row when (auth.uid() is not null) execute function private.refuse_while_held();
-- A deleted connection loses its secrets, with which its rejected deliveries could be verified again.
create trigger refuse_while_held before update of deleted_at on public.source_connections
  for each row when (new.deleted_at is not null and old.deleted_at is null) execute function private.refuse_while_held();
