-- What collectors owe for cash that is missing (R-CSH-2, R-CSH-4).

-- name: shortage_insert
-- in:   uuid agency_id, uuid[] shortage_id, uuid[] posting_id, uuid[] collector_id, int2[] kind, int8[] amount_minor, text[] currency, int8[] value_us, date[] value_on, int8[] received_us, text[] report, text[] police_reference
-- out:  none
insert into shortage (agency_id, shortage_id, posting_id, collector_id, kind, amount_minor, currency, value_us, value_on,
    received_us, report, police_reference)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) u;

-- name: shortage_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid shortage_id, uuid posting_id, uuid collector_id, int2 kind, int8 amount_minor, text currency, int8 value_us, date value_on, int8 received_us, text report, text police_reference
select shortage_id, posting_id, collector_id, kind, amount_minor, currency::text as currency, value_us, value_on, received_us,
       report, police_reference
from shortage where agency_id = $1 and posting_id = any($2) order by posting_id, shortage_id;

-- name: shortage_event_insert
-- in:   uuid agency_id, uuid[] shortage_id, int4[] version, uuid[] posting_id, int2[] event, int8[] amount_minor, int8[] at_us, uuid[] actor_id, uuid[] proposal_id, text[] reason
-- out:  none
insert into shortage_event (agency_id, shortage_id, version, posting_id, event, amount_minor, at_us, actor_id, proposal_id, reason)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) u;

-- name: shortage_event_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid shortage_id, int4 version, uuid posting_id, int2 event, int8 amount_minor, int8 at_us, uuid actor_id, uuid proposal_id, text reason
select shortage_id, version, posting_id, event, amount_minor, at_us, actor_id, proposal_id, reason
from shortage_event where agency_id = $1 and posting_id = any($2) order by posting_id, shortage_id, version;

-- name: shortage_state_new
-- in:   uuid agency_id, uuid[] shortage_id, uuid[] collector_id, text[] currency, int8[] value_us, date[] value_on, int8[] open_minor
-- out:  none
insert into shortage_state (agency_id, shortage_id, collector_id, currency, value_us, value_on, open_minor)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7) u;

-- name: shortage_state_save
-- in:   uuid agency_id, uuid shortage_id, int4 version, int8 open_minor
-- out:  bool all_written
with written as (
    update shortage_state set version = $3, open_minor = $4
    where agency_id = $1 and shortage_id = $2 and version = $3 - 1 returning 1)
select expect_rows((select count(*) from written), 1) as all_written;

-- name: shortage_lock
-- in:   uuid agency_id, uuid shortage_id
-- out:  uuid shortage_id
select shortage_id from shortage_state where agency_id = $1 and shortage_id = $2 for no key update;

-- name: shortage_get
-- in:   uuid agency_id, uuid[] shortage_id
-- out:  uuid shortage_id, uuid collector_id, int2 kind, int8 amount_minor, text currency, int8 value_us, date value_on, text report, text police_reference, int8 open_minor, int4 version
-- why:  in the order asked.
select h.shortage_id, h.collector_id, h.kind, h.amount_minor, h.currency::text as currency, h.value_us, h.value_on, h.report,
       h.police_reference, s.open_minor, s.version
from unnest($2) with ordinality q (shortage_id, i)
join shortage h on h.agency_id = $1 and h.shortage_id = q.shortage_id
join shortage_state s on s.agency_id = $1 and s.shortage_id = q.shortage_id
order by q.i;

-- name: shortage_list
-- in:   uuid agency_id, uuid collector_id, bool with_settled, int8 after_us, uuid after_id, int4 limit_rows
-- out:  uuid shortage_id
select s.shortage_id from shortage_state s
where s.agency_id = $1 and ($2 is null or s.collector_id = $2) and ($3 or s.open_minor > 0)
  and (s.value_us, s.shortage_id) > ($4, $5)
order by s.value_us, s.shortage_id limit $6;
