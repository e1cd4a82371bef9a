-- An erasure also searches the requests for a second person's approval: their filters and references may name a person.

create or replace function private.erasure_columns(p_table text)
returns text[]
language sql immutable
set search_path = ''
as $$
  select case p_table
    when 'event_journal' then '{received_at,content_type,event_types}'
    when 'canonical_events' then '{event_time,source_connection_id,type,source_event_type,source_event_id,idempotency_key,order_ref,attribution,properties}'
    when 'dlq_events' then '{created_at,last_error_message,field_path,source_event_type,idempotency_key,sample}'
    when 'dlq_operations' then '{created_at,filter,error}'
    when 'replay_plans' then '{created_at,name,filter,reference,error}'
    when 'approvals' then '{requested_at,params}'
    when 'legal_holds' then '{created_at,reason}'
    when 'alert_incidents' then '{opened_at,message}'
    when 'alert_notifications' then '{created_at,message,last_error}'
    when 'erasures' then '{created_at,reference}'
  end::text[]
$$;
