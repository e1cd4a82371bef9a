-- As before, and whoever works in another database of the cluster is not waited for: they write nothing here. The horizon of a snapshot
-- counts them all; the lock that each transaction holds on its own id tells whose it is.
create or replace function private.settle_activity(p_now timestamptz)
returns timestamptz
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_state private.activity_rollup := (select r from private.activity_rollup r);
begin
  if v_state.settling_xid is null or v_state.settling_until < p_now - interval '10 minutes' or not exists (
    select from pg_locks l left join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
      and age(l.transactionid) > age(v_state.settling_xid::xid)
      -- Without a process: a prepared transaction, of whichever database.
      and (a.pid is null or a.datid = (select d.oid from pg_database d where d.datname = current_database()))) then
    update private.activity_rollup
    set settled_until = greatest(settled_until, settling_until), settling_until = date_trunc('minute', p_now - interval '15 seconds'),
      settling_xid = pg_current_xact_id()
    returning settled_until into v_state.settled_until;
  end if;
  return coalesce(v_state.settled_until, '-infinity');
end
$$;
