-- The field journal, entry by entry and all at once (R-JRN-*).

-- name: device_chain_load
-- in:   uuid agency_id, uuid[] device_id, int4[] epoch
-- out:  int2 device_state, int4 device_epoch, int8 revoked_us, int8 contiguous_seq, bytea head_hash, int8 seq_max, int8 declared_seq, int8 closed_seq, bytea gaps_accepted
-- why:  where each chain stands; null where nothing of this epoch has come yet.
select d.state as device_state, d.epoch as device_epoch, d.revoked_us, e.contiguous_seq, e.head_hash, e.seq_max,
       e.declared_seq, e.closed_seq, e.gaps_accepted
from unnest($2, $3) with ordinality q (device_id, epoch, i)
left join device_state d on d.agency_id = $1 and d.device_id = q.device_id
left join device_epoch e on e.agency_id = $1 and e.device_id = q.device_id and e.epoch = q.epoch
order by q.i;

-- name: device_links_load
-- in:   uuid agency_id, uuid[] device_id, int4[] epoch, int8[] seq
-- out:  int4 row, int8 seq, bytea entry_hash, bytea prev_hash
-- why:  the links beyond each chain's contiguous part, and the neighbours of what comes in; row counts the input from 0.
select (q.i - 1)::int4 as row, k.seq, k.entry_hash, k.prev_hash
from unnest($2, $3, $4) with ordinality q (device_id, epoch, seq, i)
join journal_key k on k.agency_id = $1 and k.device_id = q.device_id and k.epoch = q.epoch and k.owns_seq
    and k.seq >= q.seq
order by q.i, k.seq;

-- name: device_totals_load
-- in:   uuid agency_id, uuid[] device_id, int4[] epoch
-- out:  int4 row, text currency, int8 seq, int8 cum_count, int8 cum_total_minor
select (q.i - 1)::int4 as row, t.currency::text as currency, t.seq, t.cum_count, t.cum_total_minor
from unnest($2, $3) with ordinality q (device_id, epoch, i)
join device_total t on t.agency_id = $1 and t.device_id = q.device_id and t.epoch = q.epoch
order by q.i;

-- name: journal_known
-- in:   uuid agency_id, bytea[] entry_hash, uuid[] entry_id
-- out:  int2 fate, int8 flags, bytea ack, int8 received_us, bytea id_hash, uuid slip_device_id, uuid slip_account_id, int8 slip_amount_minor, text slip_currency, int2 slip_tender
-- why:  each entry as it was acknowledged, and who owns its id: another entry, or a slip that two people posted.
select k.fate, k.flags, k.ack, k.received_us, o.entry_hash as id_hash, z.device_id as slip_device_id, z.account_id as slip_account_id,
       z.amount_minor as slip_amount_minor, z.currency::text as slip_currency, z.tender as slip_tender
from unnest($2, $3) with ordinality q (entry_hash, entry_id, i)
left join journal_key k on k.agency_id = $1 and k.entry_hash = q.entry_hash
left join journal_key o on o.agency_id = $1 and o.entry_id = q.entry_id and o.owns_id
left join receipt_slip z on z.agency_id = $1 and z.entry_id = q.entry_id and not z.restores
order by q.i;

-- name: waiting_load
-- in:   uuid agency_id, uuid[] referent_id
-- out:  bytea entry_hash, bytea body, int8 received_us, int8 value_us, date value_on, int8 flags
-- why:  what waits for the receipts that are coming in now, or for any of the phones that they come from.
--       A body is looked for in its own month alone, which only its key tells: hence the order of the joins (offset 0).
select w.entry_hash, b.body, k.received_us, b.value_us, agency_date(b.value_us, a.time_zone) as value_on,
       coalesce(e.flags, k.flags) as flags
from entry_waiting w
join journal_key k on k.agency_id = $1 and k.entry_hash = w.entry_hash
cross join lateral (
    select x.value_us, x.body from journal_body x
    where x.agency_id = $1 and x.entry_hash = k.entry_hash and x.received_us = k.received_us offset 0) b
join agency a on a.agency_id = $1
left join lateral (
    select x.flags from entry_event x where x.agency_id = $1 and x.entry_hash = w.entry_hash order by x.n desc limit 1) e on true
where w.agency_id = $1 and w.referent_id = any($2) and not w.done
order by w.entry_hash
for update of w;

-- name: agency_dates
-- in:   uuid agency_id, int8[] at_us
-- out:  date at_on
-- why:  the civil date of each instant in the agency's zone (R-TIM-1).
select agency_date(q.at_us, a.time_zone) as at_on
from agency a, unnest($2) with ordinality q (at_us, i)
where a.agency_id = $1
order by q.i;

-- name: journal_insert
-- in:   uuid agency_id, bytea[] entry_hash, uuid[] device_id, int4[] epoch, int8[] seq, uuid[] entry_id, int2[] kind, bool[] owns_seq, bool[] owns_id, int2[] fate, int8[] flags, int8[] received_us, bytea[] prev_hash, bytea[] ack
-- out:  none
insert into journal_key (agency_id, entry_hash, device_id, epoch, seq, entry_id, kind, owns_seq, owns_id, fate, flags,
    received_us, prev_hash, ack)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) u;

-- name: journal_body_insert
-- in:   uuid agency_id, bytea[] entry_hash, int8[] received_us, int8[] value_us, bytea[] body
-- out:  none
insert into journal_body (agency_id, entry_hash, received_us, value_us, body)
select $1, u.* from unnest($2, $3, $4, $5) u;

-- name: entry_event_insert
-- in:   uuid agency_id, bytea[] entry_hash, int8 at_us, int2[] fate, int8[] flags
-- out:  none
-- why:  numbered here: another statement of this transaction may have written one just before.
insert into entry_event (agency_id, entry_hash, n, at_us, fate, flags)
select $1, u.entry_hash,
       (select coalesce(max(e.n), 0) + 1 from entry_event e where e.agency_id = $1 and e.entry_hash = u.entry_hash),
       $3, u.fate, u.flags
from unnest($2, $4, $5) u (entry_hash, fate, flags);

-- name: entry_flag
-- in:   uuid agency_id, uuid[] entry_id, int8[] flags, int8 at_us
-- out:  none
-- why:  an entry that took effect gets further flags: its next fate, with all flags so far (R-REC-4, R-JRN-5).
with again as (
    insert into entry_event (agency_id, entry_hash, n, at_us, fate, flags)
    select distinct on (k.entry_hash) $1, k.entry_hash, coalesce(e.n, 0) + 1, $4, 2, coalesce(e.flags, k.flags) | u.flags
    from unnest($2, $3) u (entry_id, flags)
    join journal_key k on k.agency_id = $1 and k.entry_id = u.entry_id and k.owns_id
    left join lateral (
        select n, flags from entry_event e where e.agency_id = $1 and e.entry_hash = k.entry_hash
        order by n desc limit 1) e on true
    where coalesce(e.flags, k.flags) | u.flags <> coalesce(e.flags, k.flags)
    returning entry_hash)
insert into change (agency_id, kind, object_id, collector_id, at_us)
select $1, 60, k.entry_id, d.user_id, $4
from again a join journal_key k on k.agency_id = $1 and k.entry_hash = a.entry_hash
join device_state d on d.agency_id = $1 and d.device_id = k.device_id;

-- name: waiting_insert
-- in:   uuid agency_id, bytea[] entry_hash, uuid[] referent_id
-- out:  none
insert into entry_waiting (agency_id, entry_hash, referent_id) select $1, u.* from unnest($2, $3) u;

-- name: waiting_done
-- in:   uuid agency_id, bytea[] entry_hash
-- out:  bool all_written
with written as (
    update entry_waiting set done = true where agency_id = $1 and entry_hash = any($2) and not done returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: device_chain_save
-- in:   uuid agency_id, uuid[] device_id, int4[] epoch, int8[] contiguous_seq, bytea[] head_hash, int8[] seq_max, int8[] declared_seq
-- out:  none
insert into device_epoch (agency_id, device_id, epoch, contiguous_seq, head_hash, seq_max, declared_seq)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7) u
on conflict (agency_id, device_id, epoch) do update
set contiguous_seq = excluded.contiguous_seq, head_hash = excluded.head_hash, seq_max = excluded.seq_max,
    declared_seq = excluded.declared_seq;

-- name: device_total_save
-- in:   uuid agency_id, uuid[] device_id, int4[] epoch, text[] currency, int8[] seq, int8[] cum_count, int8[] cum_total_minor
-- out:  none
insert into device_total (agency_id, device_id, epoch, currency, seq, cum_count, cum_total_minor)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7) u
on conflict (agency_id, device_id, epoch, currency) do update
set seq = excluded.seq, cum_count = excluded.cum_count, cum_total_minor = excluded.cum_total_minor;

-- name: device_suspend
-- in:   uuid agency_id, uuid[] device_id, int8 at_us
-- out:  uuid device_id
-- why:  a fork is proof that two phones write under one key (R-JRN-4).
with written as (
    update device_state set state = 3, version = version + 1
    where agency_id = $1 and device_id = any($2) and state = 2 returning device_id, version)
insert into device_event (agency_id, device_id, version, at_us, kind, reason)
select $1, w.device_id, w.version, $3, 'SUSPENDED', 'fork' from written w
returning device_id;

-- name: evidence_insert
-- in:   bytea[] body_hash, int8 received_us, text[] reason, text peer, bytea[] body, int8 quota
-- out:  int8 kept
-- why:  raw bytes of strangers, up to a quota of rows in all; the same bytes once.
with room as (select $6 - count(*) as n from evidence),
     kept as (
    insert into evidence (body_hash, received_us, reason, peer, body)
    select u.body_hash, $2, u.reason, $4, u.body
    from unnest($1, $3, $5) with ordinality u (body_hash, reason, body, i), room
    where u.i <= room.n
    on conflict do nothing returning 1)
select count(*) as kept from kept;

-- name: receipt_insert
-- in:   uuid agency_id, uuid[] entry_id, bytea[] entry_hash, uuid[] device_id, int4[] epoch, int8[] seq, uuid[] account_id, uuid[] collector_id, uuid[] visit_id, int8[] amount_minor, text[] currency, int2[] tender, int2[] tag, text[] reference, int8[] receipt_no, int8[] device_us, int8[] value_us, date[] value_on
-- out:  none
insert into receipt (agency_id, entry_id, entry_hash, device_id, epoch, seq, account_id, collector_id, visit_id,
    amount_minor, currency, tender, tag, reference, receipt_no, device_us, value_us, value_on)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) u;

-- name: void_insert
-- in:   uuid agency_id, uuid[] entry_id, uuid[] receipt_id, int8[] amount_minor, text[] currency, int2[] effect, int2[] reason, int8[] value_us
-- out:  none
insert into receipt_void (agency_id, entry_id, receipt_id, amount_minor, currency, effect, reason, value_us)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8) u;


-- name: void_referent_load
-- in:   uuid agency_id, uuid[] receipt_id
-- out:  int2 kind, int2 fate, bool is_receipt, int8 seq, int4 epoch, uuid device_id, uuid collector_id, int8 amount_minor, text currency, int8 value_us, bool declared
-- why:  what a void wants to void: the entry of that id, and when it is a receipt, whether it is in a DECLARED settlement.
select k.kind, k.fate, r.entry_id is not null as is_receipt, r.seq, r.epoch, r.device_id, r.collector_id, r.amount_minor,
       r.currency::text as currency, r.value_us, coalesce(e.declared_seq >= r.seq, false) as declared
from unnest($2) with ordinality q (receipt_id, i)
left join journal_key k on k.agency_id = $1 and k.entry_id = q.receipt_id and k.owns_id
left join receipt r on r.agency_id = $1 and r.entry_id = q.receipt_id
left join device_epoch e on e.agency_id = $1 and e.device_id = r.device_id and e.epoch = r.epoch
order by q.i;

-- name: epoch_closed
-- in:   uuid agency_id, uuid device_id, int4 epoch, int8 closed_seq, int8 flag, int8 at_us
-- out:  none
-- why:  what the old key wrote after it signed the new one, and was here before that: its next fate says so.
with again as (
insert into entry_event (agency_id, entry_hash, n, at_us, fate, flags)
select $1, k.entry_hash, coalesce(e.n, 0) + 1, $6,
       case when coalesce(e.fate, k.fate) = 1 then 2 else coalesce(e.fate, k.fate) end, coalesce(e.flags, k.flags) | $5
from journal_key k
left join lateral (
    select n, fate, flags from entry_event e where e.agency_id = $1 and e.entry_hash = k.entry_hash
    order by n desc limit 1) e on true
where k.agency_id = $1 and k.device_id = $2 and k.epoch = $3 and k.seq > $4 and k.owns_seq
  and coalesce(e.flags, k.flags) & $5 = 0
returning entry_hash)
insert into change (agency_id, kind, object_id, collector_id, at_us)
select $1, 60, k.entry_id, d.user_id, $6
from again a join journal_key k on k.agency_id = $1 and k.entry_hash = a.entry_hash
join device_state d on d.agency_id = $1 and d.device_id = k.device_id;

-- name: gap_filled
-- in:   uuid agency_id, uuid[] device_id, int4[] epoch, int8[] seq, int8 gap_flag, int8 at_us
-- out:  none
-- why:  a late arrival clears the GAP flag of the entry behind it (R-JRN-5).
with again as (
insert into entry_event (agency_id, entry_hash, n, at_us, fate, flags)
select $1, k.entry_hash, coalesce(e.n, 0) + 1, $6,
       case when coalesce(e.flags, k.flags) & ~$5 = 0 and coalesce(e.fate, k.fate) = 2 then 1 else coalesce(e.fate, k.fate) end,
       coalesce(e.flags, k.flags) & ~$5
from unnest($2, $3, $4) q (device_id, epoch, seq)
join journal_key k on k.agency_id = $1 and k.device_id = q.device_id and k.epoch = q.epoch and k.seq = q.seq and k.owns_seq
left join lateral (
    select n, fate, flags from entry_event e where e.agency_id = $1 and e.entry_hash = k.entry_hash
    order by n desc limit 1) e on true
where coalesce(e.flags, k.flags) & $5 <> 0
returning entry_hash)
insert into change (agency_id, kind, object_id, collector_id, at_us)
select $1, 60, k.entry_id, d.user_id, $6
from again a join journal_key k on k.agency_id = $1 and k.entry_hash = a.entry_hash
join device_state d on d.agency_id = $1 and d.device_id = k.device_id;
