-- The setting `keepText` of generic webhooks is called `keep`: it names every text that is kept, not only those with a personal name.

update public.source_connections
set config_json = (config_json - 'keepText') || jsonb_build_object('keep', config_json -> 'keepText')
where type = 'webhook' and config_json ? 'keepText';
