-- What an operation on dead letters holds, and which operation is next.

create index dlq_events_leased_idx on public.dlq_events (lease_owner) where status = 'retrying';
create index dlq_operations_lease_idx on public.dlq_operations (lease_until nulls first, created_at) where status in ('queued', 'running');
