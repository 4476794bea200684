-- Settlements: what collectors hand over (R-CSH-2). Under the lock of their own row, which comes before the collector's.

-- name: settlement_insert
-- in:   uuid agency_id, uuid[] settlement_id, uuid[] posting_id, uuid[] collector_id, bytea[] entry_hash, uuid[] device_id, int4[] epoch, int8[] first_seq, int8[] last_seq, text[] currency, int8[] receipts, int8[] voids, int8[] cash_minor, int8[] other_minor, int8[] declared_minor, int8[] value_us, date[] value_on, int8[] received_us, uuid[] actor_id, text[] reason
-- out:  none
insert into settlement (agency_id, settlement_id, posting_id, collector_id, entry_hash, device_id, epoch, first_seq, last_seq,
    currency, receipts, voids, cash_minor, other_minor, declared_minor, value_us, value_on, received_us, actor_id, reason)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) u;

-- name: settlement_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid settlement_id, uuid posting_id, uuid collector_id, bytea entry_hash, uuid device_id, int4 epoch, int8 first_seq, int8 last_seq, text currency, int8 receipts, int8 voids, int8 cash_minor, int8 other_minor, int8 declared_minor, int8 value_us, date value_on, int8 received_us, uuid actor_id, text reason
select settlement_id, posting_id, collector_id, entry_hash, device_id, epoch, first_seq, last_seq, currency::text as currency,
       receipts, voids, cash_minor, other_minor, declared_minor, value_us, value_on, received_us, actor_id, reason
from settlement where agency_id = $1 and posting_id = any($2) order by posting_id, settlement_id;

-- name: settlement_note_insert
-- in:   uuid agency_id, uuid[] settlement_id, int4[] version, int8[] value_minor, int8[] pieces, uuid[] posting_id
-- out:  none
insert into settlement_note (agency_id, settlement_id, version, value_minor, pieces, posting_id)
select $1, u.* from unnest($2, $3, $4, $5, $6) u;

-- name: settlement_note_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid settlement_id, int4 version, int8 value_minor, int8 pieces, uuid posting_id
select settlement_id, version, value_minor, pieces, posting_id
from settlement_note where agency_id = $1 and posting_id = any($2) order by posting_id, settlement_id, version, value_minor;

-- name: settlement_event_insert
-- in:   uuid agency_id, uuid[] settlement_id, int4[] version, uuid[] posting_id, int2[] event, int2[] state, int8[] at_us, uuid[] actor_id, int8[] counted_minor, int8[] expected_minor, uuid[] deposit_id, uuid[] proposal_id, text[] reason
-- out:  none
insert into settlement_event (agency_id, settlement_id, version, posting_id, event, state, at_us, actor_id, counted_minor,
    expected_minor, deposit_id, proposal_id, reason)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) u;

-- name: settlement_event_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid settlement_id, int4 version, uuid posting_id, int2 event, int2 state, int8 at_us, uuid actor_id, int8 counted_minor, int8 expected_minor, uuid deposit_id, uuid proposal_id, text reason
select settlement_id, version, posting_id, event, state, at_us, actor_id, counted_minor, expected_minor, deposit_id,
       proposal_id, reason
from settlement_event where agency_id = $1 and posting_id = any($2) order by posting_id, settlement_id, version;

-- name: settlement_state_new
-- in:   uuid agency_id, uuid[] settlement_id, uuid[] collector_id, text[] currency, int8[] value_us
-- out:  none
-- why:  DECLARED.
insert into settlement_state (agency_id, settlement_id, collector_id, currency, value_us, state)
select $1, u.*, 2 from unnest($2, $3, $4, $5) u;

-- name: settlement_state_save
-- in:   uuid agency_id, uuid[] settlement_id, int2[] state, int4[] version, uuid[] cashier_id, int8[] counted_minor, int8[] expected_minor, uuid[] deposit_id
-- out:  bool all_written
with written as (
    update settlement_state s
    set state = u.state, version = u.version, cashier_id = u.cashier_id, counted_minor = u.counted_minor,
        expected_minor = u.expected_minor, deposit_id = u.deposit_id
    from unnest($2, $3, $4, $5, $6, $7, $8)
        u (settlement_id, state, version, cashier_id, counted_minor, expected_minor, deposit_id)
    where s.agency_id = $1 and s.settlement_id = u.settlement_id and s.version = u.version - 1
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: settlement_lock
-- in:   uuid agency_id, uuid[] settlement_id
-- out:  uuid settlement_id
select settlement_id from settlement_state
where agency_id = $1 and settlement_id = any($2) order by settlement_id for no key update;

-- name: settlement_of_deposit_lock
-- in:   uuid agency_id, uuid[] deposit_id
-- out:  uuid settlement_id
-- why:  those that a deposit took to a bank.
select settlement_id from settlement_state
where agency_id = $1 and deposit_id = any($2) order by settlement_id for no key update;

-- name: settlement_get
-- in:   uuid agency_id, uuid[] settlement_id
-- out:  uuid settlement_id, uuid collector_id, bytea entry_hash, uuid device_id, int4 epoch, int8 first_seq, int8 last_seq, text currency, int8 receipts, int8 voids, int8 cash_minor, int8 other_minor, int8 declared_minor, int8 value_us, uuid actor_id, text reason, int2 state, int4 version, uuid cashier_id, int8 counted_minor, int8 expected_minor, uuid deposit_id, bool has_gap
-- why:  in the order asked. Until it is accepted, what is expected is what he holds now less what came in behind the cut,
--       and never below zero (R-CSH-2a).
select s.settlement_id, s.collector_id, s.entry_hash, s.device_id, s.epoch, s.first_seq, s.last_seq, s.currency::text as currency,
       s.receipts, s.voids, s.cash_minor, s.other_minor, s.declared_minor, s.value_us, s.actor_id, s.reason, t.state, t.version,
       t.cashier_id, t.counted_minor,
       case when t.state >= 4 then t.expected_minor
            else greatest(coalesce((
                     select c.cash_held_minor from collector_state c
                     where c.agency_id = $1 and c.collector_id = s.collector_id and c.currency = s.currency), 0)
                 - coalesce((
                     select sum(f.in_minor) from cash_inflows($1, s.collector_id, s.currency::text, s.device_id, s.epoch,
                         s.last_seq, s.value_us) f), 0), 0)::int8 end as expected_minor,
       t.deposit_id,
       coalesce(s.last_seq > coalesce((
           select d.contiguous_seq from device_epoch d
           where d.agency_id = $1 and d.device_id = s.device_id and d.epoch = s.epoch), 0), false) as has_gap
from unnest($2) with ordinality q (settlement_id, i)
join settlement s on s.agency_id = $1 and s.settlement_id = q.settlement_id
join settlement_state t on t.agency_id = $1 and t.settlement_id = q.settlement_id
order by q.i;

-- name: settlement_list
-- in:   uuid agency_id, uuid collector_id, int2 state, bool open_only, int8 after_us, uuid after_id, int4 limit_rows
-- out:  uuid settlement_id
-- why:  a page in the order of cuts; no collector: all of the agency.
select t.settlement_id from settlement_state t
where t.agency_id = $1 and ($2 is null or t.collector_id = $2) and ($3 = 0 or t.state = $3) and (not $4 or t.state < 4)
  and (t.value_us, t.settlement_id) > ($5, $6)
order by t.value_us, t.settlement_id limit $7;

-- name: settlement_earlier
-- in:   uuid agency_id, uuid settlement_id
-- out:  bool is
-- why:  settlements of one collector and currency are accepted in the order of their cuts (R-CSH-2a).
select exists (
    select from settlement_state e
    where e.agency_id = $1 and e.collector_id = t.collector_id and (e.value_us, e.settlement_id) < (t.value_us, t.settlement_id)
      and e.currency = t.currency and e.state < 4) as is
from settlement_state t where t.agency_id = $1 and t.settlement_id = $2;

-- name: settlement_notes
-- in:   uuid agency_id, uuid settlement_id
-- out:  int8 value_minor, int8 pieces
-- why:  of the newest count, else of the declaration.
select n.value_minor, n.pieces from settlement_note n
where n.agency_id = $1 and n.settlement_id = $2
  and n.version = (select max(e.version) from settlement_event e
                   where e.agency_id = $1 and e.settlement_id = $2 and e.event in (0, 1))
order by n.value_minor desc;

-- name: settlement_devices
-- in:   uuid agency_id, uuid collector_id
-- out:  uuid device_id
-- why:  first in the lock order: what his phones wrote until now goes into a supervisor's declaration.
select device_id from device_state where agency_id = $1 and user_id = $2 order by device_id for no key update;

-- name: settlement_devices_declared
-- in:   uuid agency_id, uuid[] device_id
-- out:  none
update device_epoch set declared_seq = seq_max where agency_id = $1 and device_id = any($2) and declared_seq < seq_max;

-- name: settlement_day_declared
-- in:   uuid agency_id, uuid device_id, int4 epoch, int8 last_seq
-- out:  none
-- why:  a day close that two people released declares what it says. Under its phone's lock.
update device_epoch set declared_seq = $4 where agency_id = $1 and device_id = $2 and epoch = $3 and declared_seq < $4;

-- name: settlement_collector
-- in:   uuid agency_id, uuid user_id, int8 now_us
-- out:  int4 roles, date today_on
-- why:  is he somebody who takes cash?
select s.roles, agency_date($3, a.time_zone) as today_on
from staff_state s join agency a on a.agency_id = $1
where s.agency_id = $1 and s.user_id = $2;

-- name: vault_lock
-- in:   uuid agency_id, uuid cashier_id, text currency
-- out:  int8 vault_minor
-- why:  behind the collector's lock.
insert into vault_state (agency_id, cashier_id, currency) values ($1, $2, $3)
on conflict (agency_id, cashier_id, currency) do update set vault_minor = vault_state.vault_minor
returning vault_minor;

-- name: vault_save
-- in:   uuid agency_id, uuid cashier_id, text currency, int8 vault_minor
-- out:  none
update vault_state set vault_minor = $4 where agency_id = $1 and cashier_id = $2 and currency = $3;
