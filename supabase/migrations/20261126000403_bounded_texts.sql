-- Names and reasons are bounded as they are stored: their checks counted what is left without the spaces around it, and one name with forty
-- million of them behind it made every claim of notifications time out, of every org. What is longer loses the spaces.
do $$
declare
  v_text record;
begin
  for v_text in
    select * from (values
      ('orgs', 'name', 120), ('projects', 'name', 120), ('source_connections', 'name', 120), ('alert_channels', 'name', 120),
      ('replay_plans', 'name', 120), ('replay_plans', 'reference', 120), ('erasures', 'reference', 120), ('legal_holds', 'reason', 500)
    ) as t (name, field, most)
  loop
    -- One statement, and so one transaction: nothing is written between the new check and the rows that it finds. Under its old name, by
    -- which it is known.
    execute format('alter table public.%1$I drop constraint %2$I, add constraint %2$I check (length(btrim(%3$I)) >= 1 and length(%3$I) <= %4$s) not valid',
      v_text.name, v_text.name || '_' || v_text.field || '_check', v_text.field, v_text.most);
    execute format('update public.%1$I set %2$I = btrim(%2$I) where length(%2$I) > %3$s', v_text.name, v_text.field, v_text.most);
    execute format('alter table public.%1$I validate constraint %2$I', v_text.name, v_text.name || '_' || v_text.field || '_check');
  end loop;
end
$$;
