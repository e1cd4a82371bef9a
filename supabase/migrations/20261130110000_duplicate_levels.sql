-- More than one duplicate in a hundred is a warning, more than one in four is critical.

create or replace function private.create_alert_rules(p_org_id uuid)
returns void
language sql volatile security definer
set search_path = ''
as $$
  insert into public.alert_rules (org_id, kind, thresholds, renotify_minutes)
  select p_org_id, d.kind, d.thresholds::jsonb, 240
  from (values
    ('IngestLagHigh', '{"info": null, "warning": 60, "critical": 300, "windowMinutes": 5, "minRecords": 20}'),
    ('ConnectionSilent', '{"info": null, "warning": null, "critical": 900, "minRecords": 5}'),
    ('ConnectionLag', '{"info": null, "warning": 600, "critical": 1800, "minRecords": 5}'),
    ('IngestDLQRateHigh', '{"info": 0.005, "warning": 0.05, "critical": 0.1, "windowMinutes": 15, "minRecords": 30}'),
    ('IngestDLQSpike', '{"info": null, "warning": 100, "critical": null, "windowMinutes": 10, "minRecords": 1}'),
    ('DuplicateRateHigh', '{"info": null, "warning": 0.01, "critical": 0.25, "windowMinutes": 15, "minRecords": 100}'),
    ('RejectedRateHigh', '{"info": null, "warning": 0.25, "critical": 0.9, "windowMinutes": 15, "minRecords": 10}')
  ) as d (kind, thresholds)
  on conflict do nothing
$$;

-- Rules that an org has changed keep what the org chose.
update public.alert_rules set thresholds = '{"info": null, "warning": 0.01, "critical": 0.25, "windowMinutes": 15, "minRecords": 100}'
where kind = 'DuplicateRateHigh' and thresholds = '{"info": 0.01, "warning": 0.1, "critical": 0.25, "windowMinutes": 15, "minRecords": 100}';
