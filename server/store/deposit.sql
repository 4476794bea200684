-- Deposits: cash on its way to a bank, from bags and vaults (R-CSH-2).

-- name: deposit_insert
-- in:   uuid agency_id, uuid[] deposit_id, uuid[] posting_id, uuid[] collector_id, uuid[] cashier_id, int8[] amount_minor, text[] currency, text[] bank_reference, int8[] value_us, date[] value_on, int8[] received_us
-- out:  none
insert into deposit (agency_id, deposit_id, posting_id, collector_id, cashier_id, amount_minor, currency, bank_reference,
    value_us, value_on, received_us)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) u;

-- name: deposit_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid deposit_id, uuid posting_id, uuid collector_id, uuid cashier_id, int8 amount_minor, text currency, text bank_reference, int8 value_us, date value_on, int8 received_us
select deposit_id, posting_id, collector_id, cashier_id, amount_minor, currency::text as currency, bank_reference, value_us,
       value_on, received_us
from deposit where agency_id = $1 and posting_id = any($2) order by posting_id, deposit_id;

-- name: deposit_event_insert
-- in:   uuid agency_id, uuid[] deposit_id, int4[] version, uuid[] posting_id, int2[] event, int8[] at_us, uuid[] actor_id, uuid[] bank_line_id, text[] reason
-- out:  none
insert into deposit_event (agency_id, deposit_id, version, posting_id, event, at_us, actor_id, bank_line_id, reason)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9) u;

-- name: deposit_event_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid deposit_id, int4 version, uuid posting_id, int2 event, int8 at_us, uuid actor_id, uuid bank_line_id, text reason
select deposit_id, version, posting_id, event, at_us, actor_id, bank_line_id, reason
from deposit_event where agency_id = $1 and posting_id = any($2) order by posting_id, deposit_id, version;

-- name: deposit_state_new
-- in:   uuid agency_id, uuid[] deposit_id, uuid[] collector_id, text[] currency, int8[] amount_minor, text[] bank_reference, int8[] value_us, date[] value_on
-- out:  none
-- why:  on its way, and expected in the bank's statement (R-PAY-5, J15) like all that is.
with states as (
    insert into deposit_state (agency_id, deposit_id, collector_id, currency, amount_minor, bank_reference, value_us, value_on)
    select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8) u)
insert into bank_expected (agency_id, expected_id, kind, object_id, reference, amount_minor, currency, ledger_account, owner_id,
    since_us, since_on, state)
select $1, u.deposit_id, 4, u.deposit_id, bank_reference(u.bank_reference), u.amount_minor, u.currency, 10, u.collector_id,
       u.value_us, u.value_on, 1
from unnest($2, $3, $4, $5, $6, $7, $8) u (deposit_id, collector_id, currency, amount_minor, bank_reference, value_us, value_on)
order by u.deposit_id;

-- name: deposit_state_matched
-- in:   uuid agency_id, uuid[] deposit_id, int4[] version
-- out:  bool all_written
with written as (
    update deposit_state s set state = 2, version = u.version
    from unnest($2, $3) u (deposit_id, version)
    where s.agency_id = $1 and s.deposit_id = u.deposit_id and s.state = 1 and s.version = u.version - 1
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: deposit_lock
-- in:   uuid agency_id, uuid[] deposit_id
-- out:  uuid deposit_id
select deposit_id from deposit_state
where agency_id = $1 and deposit_id = any($2) order by deposit_id for no key update;

-- name: deposit_get
-- in:   uuid agency_id, uuid[] deposit_id
-- out:  uuid deposit_id, uuid collector_id, uuid cashier_id, int8 amount_minor, text currency, text bank_reference, int8 value_us, date value_on, int2 state, int4 version
-- why:  in the order asked.
select d.deposit_id, d.collector_id, d.cashier_id, d.amount_minor, d.currency::text as currency, d.bank_reference, d.value_us,
       d.value_on, s.state, s.version
from unnest($2) with ordinality q (deposit_id, i)
join deposit d on d.agency_id = $1 and d.deposit_id = q.deposit_id
join deposit_state s on s.agency_id = $1 and s.deposit_id = q.deposit_id
order by q.i;

-- name: deposit_list
-- in:   uuid agency_id, bool in_transit_only, int8 after_us, uuid after_id, int4 limit_rows
-- out:  uuid deposit_id
select s.deposit_id from deposit_state s
where s.agency_id = $1 and (not $2 or s.state = 1) and (s.value_us, s.deposit_id) > ($3, $4)
order by s.value_us, s.deposit_id limit $5;

-- name: deposit_settlements
-- in:   uuid agency_id, uuid[] deposit_id
-- out:  uuid settlement_id, uuid deposit_id, int4 version, int2 state, uuid cashier_id, int8 counted_minor, int8 expected_minor
-- why:  what the deposits took to a bank; under settlement_of_deposit_lock.
select settlement_id, deposit_id, version, state, cashier_id, counted_minor, expected_minor
from settlement_state where agency_id = $1 and deposit_id = any($2) order by settlement_id;
