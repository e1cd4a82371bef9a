-- An entry whose delivery is erased says that the server gave it up, and keeps no message of its earlier attempts.

create or replace function private.remember_attempt()
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
    v_by := case when v_operation is null then 'system' else 'operation' end;
    v_result := 'discarded';
  else
    v_by := 'replay';
    v_result := 'resolved';
  end if;
  if v_by = 'system' then
    -- The delivery is being erased: what earlier attempts said about it goes with it.
    old.history := coalesce((select jsonb_agg(attempt - 'message' order by n) from jsonb_array_elements(old.history) with ordinality h (attempt, n)), '[]');
  end if;
  new.history := case when jsonb_array_length(old.history) < 10 then old.history else old.history - 0 end || jsonb_strip_nulls(jsonb_build_object(
    'at', now(), 'by', v_by, 'operation', v_operation, 'person', v_person, 'result', v_result,
    'error_class', case when v_result = 'failed' then new.error_class end,
    'message', case when v_result = 'failed' then left(new.last_error_message, 500) end));
  new.retried_by := null;
  return new;
end
$$;
comment on column public.dlq_events.history is
'The last ten attempts, oldest first: [{ at, by, operation, person, result, error_class, message }]. `by` is `schedule`, `person`, `operation`, `replay` or
`system`, when the delivery was erased; `result` is `failed`, `interrupted`, `resolved` or `discarded`. private.remember_attempt writes it.';
