-- Handovers: two halves, each signed by a phone (R-CSH-4).

-- name: handover_lock
-- in:   uuid agency_id, uuid[] handover_id
-- out:  uuid handover_id
-- why:  two phones bring the halves at once: one of them comes second. Behind the devices, before the collectors.
insert into handover_state (agency_id, handover_id)
select $1, u.id from (select distinct x.id from unnest($2) x (id)) u order by u.id
on conflict (agency_id, handover_id) do update set state = handover_state.state
returning handover_id;

-- name: handover_load
-- in:   uuid agency_id, uuid[] handover_id, uuid[] counterpart_id
-- out:  int2 state, uuid entry_id, bytea entry_hash, int2 side, uuid user_id, uuid counterpart_id, int8 amount_minor, text currency, int8 flags, bool is_field
-- why:  the half that came first, and whether the counterpart is somebody who takes cash. A half whose state row waited is
--       read in a statement of its own.
select t.state, h.entry_id, h.entry_hash, h.side, h.user_id, h.counterpart_id, h.amount_minor, h.currency::text as currency,
       coalesce(e.flags, k.flags) as flags, coalesce(s.roles & 3 <> 0, false) as is_field
from unnest($2, $3) with ordinality q (handover_id, counterpart_id, i)
join handover_state t on t.agency_id = $1 and t.handover_id = q.handover_id
left join handover h on h.agency_id = $1 and h.entry_id = t.entry_id
left join journal_key k on k.agency_id = $1 and k.entry_hash = h.entry_hash
left join lateral (
    select x.flags from entry_event x where x.agency_id = $1 and x.entry_hash = h.entry_hash order by x.n desc limit 1) e on true
left join staff_state s on s.agency_id = $1 and s.user_id = q.counterpart_id
order by q.i;

-- name: handover_insert
-- in:   uuid agency_id, uuid[] entry_id, uuid[] posting_id, uuid[] handover_id, int2[] side, uuid[] user_id, uuid[] counterpart_id, int8[] amount_minor, text[] currency, bytea[] entry_hash, uuid[] device_id, int4[] epoch, int8[] seq, int8[] value_us, date[] value_on
-- out:  none
insert into handover (agency_id, entry_id, posting_id, handover_id, side, user_id, counterpart_id, amount_minor, currency,
    entry_hash, device_id, epoch, seq, value_us, value_on)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) u;

-- name: handover_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid entry_id, uuid posting_id, uuid handover_id, int2 side, uuid user_id, uuid counterpart_id, int8 amount_minor, text currency, bytea entry_hash, uuid device_id, int4 epoch, int8 seq, int8 value_us, date value_on
select entry_id, posting_id, handover_id, side, user_id, counterpart_id, amount_minor, currency::text as currency, entry_hash,
       device_id, epoch, seq, value_us, value_on
from handover where agency_id = $1 and posting_id = any($2) order by posting_id, entry_id;

-- name: handover_state_save
-- in:   uuid agency_id, uuid[] handover_id, int2[] state, uuid[] entry_id
-- out:  bool all_written
with written as (
    update handover_state s set state = u.state, entry_id = u.entry_id
    from unnest($2, $3, $4) u (handover_id, state, entry_id)
    where s.agency_id = $1 and s.handover_id = u.handover_id
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;
