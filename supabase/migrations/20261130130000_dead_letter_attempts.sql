-- What became of every attempt: an entry keeps its last ten attempts, and an operation counts its failures by reason.

-- Tables ------------------------------------------------------------------------------------------------------------------

alter table public.dlq_events
  add column history jsonb not null default '[]',
  add column retried_by uuid,
  add constraint dlq_events_history_check check (jsonb_typeof(history) = 'array' and jsonb_array_length(history) <= 10);
comment on column public.dlq_events.history is
'The last ten attempts, oldest first: [{ at, by, operation, person, result, error_class, message }]. `by` is `schedule`, `person`, `operation` or
`replay`; `result` is `failed`, `interrupted`, `resolved` or `discarded`. private.remember_attempt writes it.';
comment on column public.dlq_events.retried_by is 'The person who asked for the attempt that is due or running; null when nobody did.';

alter table public.dlq_operations
  add column failures jsonb not null default '{}',
  add constraint dlq_operations_failures_check check (jsonb_typeof(failures) = 'object');
comment on column public.dlq_operations.failures is
'How many of the failed entries failed for each reason: an error class, or `GONE` when the delivery or the connection of the entry no longer exists.';

-- Functions ---------------------------------------------------------------------------------------------------------------

create function private.remember_attempt()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_operation uuid;
  v_person uuid;
  v_by text;
  v_result text;
begin
  -- Jobs may not use the schema auth, so that the argument of the trigger says whether a person makes the change.
  if tg_argv[0] = 'person' then
    v_person := auth.uid();
    if new.status <> 'discarded' then
      new.retried_by := v_person;
      return new;
    end if;
    v_by := 'person';
    v_result := 'discarded';
  elsif old.status = 'retrying' then
    -- A claim that is given back, or renewed by its owner, is no attempt.
    if new.attempts < old.attempts or (new.status = 'retrying' and new.attempts = old.attempts) then
      return new;
    end if;
    select o.id, o.created_by into v_operation, v_person from public.dlq_operations o where o.id = old.lease_owner;
    if v_operation is null then
      v_person := old.retried_by;
    end if;
    v_by := case when v_operation is not null then 'operation' when v_person is not null then 'person' else 'schedule' end;
    v_result := case new.status when 'retrying' then 'interrupted' when 'resolved' then 'resolved' else 'failed' end;
  elsif new.status = 'discarded' then
    select o.id, o.created_by into v_operation, v_person from public.dlq_operations o where o.id = new.lease_owner;
    v_by := 'operation';
    v_result := 'discarded';
  else
    v_by := 'replay';
    v_result := 'resolved';
  end if;
  new.history := case when jsonb_array_length(old.history) < 10 then old.history else old.history - 0 end || jsonb_strip_nulls(jsonb_build_object(
    'at', now(), 'by', v_by, 'operation', v_operation, 'person', v_person, 'result', v_result,
    'error_class', case when v_result = 'failed' then new.error_class end,
    'message', case when v_result = 'failed' then left(new.last_error_message, 500) end));
  new.retried_by := null;
  return new;
end
$$;
comment on function private.remember_attempt() is
'Trigger function: appends an attempt that has ended, or a decision to give the entry up, to the last ten of the entry. Its name comes before "touch"
in the alphabet, so that it still sees who holds the claim.';

create trigger remember_attempt before update on public.dlq_events
for each row when (auth.uid() is null and (old.status = 'retrying' or (new.status in ('resolved', 'discarded') and new.status <> old.status)))
execute function private.remember_attempt('job');
create trigger remember_attempt_of_person before update of status, next_retry_at on public.dlq_events
for each row when (auth.uid() is not null)
execute function private.remember_attempt('person');

-- An erasure also searches the messages of earlier attempts.
create or replace function private.erasure_columns(p_table text)
returns text[]
language sql immutable
set search_path = ''
as $$
  select case p_table
    when 'event_journal' then '{received_at,content_type,event_types}'
    when 'canonical_events' then '{event_time,source_connection_id,type,source_event_type,source_event_id,idempotency_key,order_ref,attribution,properties}'
    when 'dlq_events' then '{created_at,last_error_message,field_path,source_event_type,idempotency_key,sample,history}'
    when 'dlq_operations' then '{created_at,filter,error}'
    when 'replay_plans' then '{created_at,name,filter,reference,error}'
    when 'approvals' then '{requested_at,params}'
    when 'legal_holds' then '{created_at,reason}'
    when 'alert_incidents' then '{opened_at,message}'
    when 'alert_notifications' then '{created_at,message,last_error}'
    when 'erasures' then '{created_at,reference}'
  end::text[]
$$;
