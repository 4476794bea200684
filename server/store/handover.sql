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
-- in:   uuid agency_id, uuid[] handover_id, uuid[] counterpart_id, uuid[] device_id, int4[] epoch
-- out:  int2 state, uuid entry_id, bytea entry_hash, int2 side, uuid user_id, uuid counterpart_id, int8 amount_minor, text currency, int8 flags, bool is_field, bool is_behind, bool first_is_behind
-- why:  the half that came first, and whether the counterpart is somebody who takes cash. is_behind: of earlier epochs of
--       the phone that asks not all is here; first_is_behind: of the journal before the first half. A half whose state row
--       waited is read in a statement of its own.
select t.state, h.entry_id, h.entry_hash, h.side, h.user_id, h.counterpart_id, h.amount_minor, h.currency::text as currency,
       coalesce(e.flags, k.flags) as flags, coalesce(s.roles & 3 <> 0, false) as is_field,
       not journal_is_complete($1, q.device_id, q.epoch, 0) as is_behind,
       h.entry_id is not null and not journal_is_complete($1, h.device_id, h.epoch, h.seq) as first_is_behind
from unnest($2, $3, $4, $5) with ordinality q (handover_id, counterpart_id, device_id, epoch, i)
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

-- name: handover_uncovered_agencies
-- in:   int4 limit_rows
-- out:  uuid agency_id
-- why:  without agency: where a handover waits for the giver's cash; handover_uncovered then looks in each.
select a as agency_id from handover_uncovered_agencies() a order by a limit $1;

-- name: handover_uncovered
-- in:   uuid agency_id, bool of_these, uuid[] handover_id, int4 limit_rows
-- out:  uuid handover_id, int2 side, uuid user_id, uuid counterpart_id, int8 amount_minor, text currency, bytea first_hash, int8 first_flags, uuid first_id, uuid entry_id, bytea entry_hash, uuid device_id, int4 epoch, int8 seq, int8 value_us, int8 flags, bool is_complete
-- why:  handovers whose halves are both here and that wait for the giver's cash: those that can be decided now, because it
--       is there or nothing of his journal is missing; or, under their locks, these. The half that came second is known by
--       its first one: they agree. side, user and counterpart are the first one's.
select t.handover_id, h.side, h.user_id, h.counterpart_id, h.amount_minor, h.currency::text as currency,
       h.entry_hash as first_hash, coalesce(f.flags, x.flags) as first_flags, h.entry_id as first_id, s.entry_id, s.entry_hash,
       s.device_id, s.epoch, s.seq, s.value_us, s.flags, c.is_complete
from handover_state t
join handover h on h.agency_id = $1 and h.entry_id = t.entry_id
join journal_key x on x.agency_id = $1 and x.entry_hash = h.entry_hash
left join lateral (
    select e.flags from entry_event e where e.agency_id = $1 and e.entry_hash = h.entry_hash order by e.n desc limit 1) f on true
cross join lateral (
    select k.entry_id, k.entry_hash, k.device_id, k.epoch, k.seq, b.value_us,
           coalesce((select e.flags from entry_event e where e.agency_id = $1 and e.entry_hash = k.entry_hash
                     order by e.n desc limit 1), k.flags) as flags
    from entry_waiting w
    join journal_key k on k.agency_id = $1 and k.entry_hash = w.entry_hash
    cross join lateral (
        select y.value_us from journal_body y
        where y.agency_id = $1 and y.entry_hash = k.entry_hash and y.received_us = k.received_us offset 0) b
    where w.agency_id = $1 and w.referent_id = t.handover_id and not w.done and w.entry_hash <> h.entry_hash
    offset 0) s
cross join lateral (
    select case h.side when 1 then journal_is_complete($1, h.device_id, h.epoch, h.seq)
                       else journal_is_complete($1, s.device_id, s.epoch, s.seq) end as is_complete
    offset 0) c
where t.agency_id = $1 and t.state = 4
  and case when $2 then t.handover_id = any($3)
           else c.is_complete or exists (
               select from collector_state g
               where g.agency_id = $1 and g.collector_id = case h.side when 1 then h.user_id else h.counterpart_id end
                 and g.currency = h.currency and g.cash_held_minor >= h.amount_minor) end
order by t.handover_id limit $4;

-- name: handover_devices_lock
-- in:   uuid agency_id, uuid[] handover_id
-- out:  uuid device_id
-- why:  first in the lock order: the phones of the halves that wait.
select d.device_id from device_state d
where d.agency_id = $1 and d.device_id = any(array(
    select k.device_id from entry_waiting w
    join journal_key k on k.agency_id = $1 and k.entry_hash = w.entry_hash
    where w.agency_id = $1 and w.referent_id = any($2) and not w.done))
order by d.device_id for no key update;

-- name: handover_has_row
-- in:   uuid agency_id, uuid entry_id
-- out:  bool has_row
-- why:  a half that was refused while it came, or waits for the giver's cash, has none yet.
select exists (select from handover h where h.agency_id = $1 and h.entry_id = $2) as has_row;
