-- What a legal hold keeps from retention, by name: the journal, its sealed bodies and the events. Counters of any kind are nobody's evidence.
-- A payload lies beside its journal row: the journal's partition of the same month answers for it, by an index that payloads do not have.
create or replace function private.partition_is_held(p_partition text)
returns boolean
language plpgsql stable security invoker
set search_path = ''
as $$
declare
  v_table regclass := to_regclass('private.' || quote_ident(replace(p_partition, 'journal_payloads', 'event_journal')));
  v_held boolean;
begin
  if v_table is null or p_partition !~ '^(event_journal|journal_payloads|canonical_events)_' then
    return false;
  end if;
  execute format(
    'select exists (select from public.legal_holds h where h.released_at is null and exists (
       select from %s t where t.org_id = h.org_id and (h.source_connection_id is null or t.source_connection_id = h.source_connection_id)))', v_table)
  into v_held;
  return v_held;
end
$$;
