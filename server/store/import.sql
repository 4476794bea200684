-- Rows of a creditor's file, set by set (R-IMP-*). Look-ups are laterals with a limit, so that a plan made while the
-- tables were empty still goes by index when they hold a million accounts.

-- name: import_lock
-- in:   uuid agency_id
-- out:  bool locked
-- why:  one import of an agency at a time; nobody else makes accounts or customers.
select pg_advisory_xact_lock(hashtextextended('import ' || $1::text, 0)) is null as locked;

-- name: import_account_lock
-- in:   uuid agency_id, text[] account_no
-- out:  uuid account_id
select account_id from account_state
where agency_id = $1 and account_id = any (array(
    select a.account_id
    from unnest($2) q (account_no)
    cross join lateral (
        select x.account_id from account x where x.agency_id = $1 and x.account_no = q.account_no limit 1) a))
order by account_id for no key update;

-- name: import_today
-- in:   uuid agency_id, int8 at_us
-- out:  date today_on, date open_from
-- why:  nothing comes back when there is no such agency. open_from: the first day in no closed month (R-ALL-7).
select agency_date($2, a.time_zone) as today_on,
       (select (max(c.month_on) + interval '1 month')::date from month_close c where c.agency_id = $1) as open_from
from agency a where a.agency_id = $1;

-- name: import_load
-- in:   uuid agency_id, bytea file_hash, date as_of_on, int4[] row_no, text[] account_no, text[] customer_no, int8 export_seq
-- out:  text known_result, uuid known_account, uuid account_id, uuid account_customer, uuid customer_id, text currency, text product, int2 status, date hold_from_on, date hold_until_on, uuid collector_id, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, int8 credit_minor, date snapshot_on, int8 snapshot_us, bool assumed, bool has_later, bytea last_file
-- why:  for each row: what became of it before, its account, its customer, and the account's newest snapshot.
select k.result as known_result, k.account_id as known_account, a.account_id, a.customer_id as account_customer,
       c.customer_id, a.currency::text as currency, a.product, s.status, s.hold_from_on, s.hold_until_on,
       s.collector_id, s.fees_minor, s.penalty_minor, s.interest_minor, s.principal_minor, s.credit_minor,
       s.snapshot_on, s.snapshot_us, $7 is null and (s.assumed or exists (
           select from payment p
           where p.agency_id = $1 and p.account_id = a.account_id and p.value_on > s.snapshot_on and p.value_on <= $3)) as assumed,
       case when $7 is null then coalesce(s.last_value_on > $3, false)
            else exists (select from payment p where p.agency_id = $1 and p.account_id = a.account_id)
                 or exists (select from account_fact f where f.agency_id = $1 and f.account_id = a.account_id and f.value_on > $3)
       end as has_later, l.file_hash as last_file
from unnest($4, $5, $6) with ordinality q (row_no, account_no, customer_no, i)
left join lateral (
    select r.result, r.account_id from import_row r
    where r.agency_id = $1 and r.file_hash = $2 and r.row_no = q.row_no limit 1) k on true
left join lateral (
    select x.account_id, x.customer_id, x.currency, x.product from account x
    where x.agency_id = $1 and x.account_no = q.account_no limit 1) a on true
left join lateral (
    select y.status, y.hold_from_on, y.hold_until_on, y.collector_id, y.fees_minor, y.penalty_minor,
           y.interest_minor, y.principal_minor, y.credit_minor, y.snapshot_on, y.snapshot_us, y.assumed, y.last_value_on
    from account_state y where y.agency_id = $1 and y.account_id = a.account_id limit 1) s on true
left join lateral (
    select z.customer_id from customer z
    where z.agency_id = $1 and z.customer_no = q.customer_no limit 1) c on true
left join lateral (
    select n.file_hash from snapshot n
    where n.agency_id = $1 and n.account_id = a.account_id
    order by n.as_of_on desc, n.received_us desc limit 1) l on true
order by q.i;

-- name: import_fact_load
-- in:   uuid agency_id, uuid[] account_id, date as_of_on, int8 export_seq
-- out:  uuid account_id, uuid fact_id, int2 kind, int8 amount_minor, int4 instalment_no, int2 component, int8 value_us, date value_on, int4 version
-- why:  the facts that the new snapshot cannot contain: they replay on top of it (R-IMP-3). kind: enum fact_kind.
select p.account_id, p.payment_id as fact_id, 2::int2 as kind, p.amount_minor, 0 as instalment_no, 0::int2 as component,
       p.value_us, p.value_on,
       (select max(version) from allocation x where x.agency_id = $1 and x.payment_id = p.payment_id) as version
from unnest($2) q (account_id)
cross join lateral (
    select y.account_id, y.payment_id, y.amount_minor, y.value_us, y.value_on from payment y
    where y.agency_id = $1 and y.account_id = q.account_id
      and case when $4 is null then y.value_on > $3 else not payment_is_exported($1, y.payment_id, $4) end
    order by y.value_on offset 0) p
where not exists (select from payment_reversal r where r.agency_id = $1 and r.payment_id = p.payment_id)
union all
select f.account_id, f.fact_id, f.kind, f.amount_minor, f.instalment_no, f.component, f.value_us, f.value_on, 0 as version
from unnest($2) q (account_id)
cross join lateral (
    select y.account_id, y.fact_id, y.kind, y.amount_minor, y.instalment_no, y.component, y.value_us, y.value_on
    from account_fact y
    where y.agency_id = $1 and y.account_id = q.account_id and y.value_on > $3
    order by y.value_on offset 0) f
where not exists (select from account_fact_withdrawal w where w.agency_id = $1 and w.fact_id = f.fact_id)
order by account_id, value_on, value_us, fact_id;

-- name: import_customer_insert
-- in:   uuid agency_id, uuid[] customer_id, text[] customer_no, int8 at_us
-- out:  none
insert into customer (agency_id, customer_id, customer_no, created_us)
select $1, u.customer_id, u.customer_no, $4 from unnest($2, $3) u (customer_id, customer_no);

-- name: import_account_insert
-- in:   uuid agency_id, uuid[] account_id, text[] account_no, uuid[] customer_id, text[] product, text[] currency, text[] plate, int8 at_us
-- out:  none
insert into account (agency_id, account_id, account_no, customer_id, product, currency, plate, created_us)
select $1, u.*, $8 from unnest($2, $3, $4, $5, $6, $7) u;

-- name: import_state_insert
-- in:   uuid agency_id, uuid[] account_id, int2[] status, date[] hold_from_on, date[] hold_until_on, bool[] no_schedule, int8[] fees_minor, int8[] penalty_minor, int8[] interest_minor, int8[] principal_minor, date[] oldest_due_on, date snapshot_on, int4[] lat_e7, int4[] lon_e7, int2 address_quality, text[] district, text[] regency, text[] phone, int8 snapshot_us
-- out:  none
insert into account_state (agency_id, account_id, status, hold_from_on, hold_until_on, no_schedule, fees_minor,
    penalty_minor, interest_minor, principal_minor, oldest_due_on, snapshot_on, lat_e7, lon_e7, address_quality,
    district, regency, phone, snapshot_us)
select $1, u.account_id, u.status, u.hold_from_on, u.hold_until_on, u.no_schedule, u.fees, u.penalty, u.interest,
       u.principal, u.oldest_due_on, $12, u.lat_e7, u.lon_e7, $15, u.district, u.regency, u.phone, $19
from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13, $14, $16, $17, $18)
    u (account_id, status, hold_from_on, hold_until_on, no_schedule, fees, penalty, interest, principal, oldest_due_on,
       lat_e7, lon_e7, district, regency, phone);

-- name: import_state_update
-- in:   uuid agency_id, uuid[] account_id, int2[] status, date[] hold_from_on, date[] hold_until_on, bool[] placed_anew, bool[] no_schedule, int8[] fees_minor, int8[] penalty_minor, int8[] interest_minor, int8[] principal_minor, int8[] credit_minor, int8[] debt_allocated_minor, date[] oldest_due_on, date snapshot_on, bool[] assumed, int4[] lat_e7, int4[] lon_e7, text[] district, text[] regency, text[] phone, int8 snapshot_us
-- out:  bool all_written
-- why:  a snapshot replaces what is open; a new placement begins without a collector.
with written as (
    update account_state s
    set status = u.status, hold_from_on = u.hold_from_on, hold_until_on = u.hold_until_on,
        collector_id = case when u.placed_anew then null else s.collector_id end,
        hold_promise_days = case when u.placed_anew then 0 else s.hold_promise_days end,
        hold_warnings = case when u.placed_anew then 0 else s.hold_warnings end, no_schedule = u.no_schedule,
        fees_minor = u.fees, penalty_minor = u.penalty, interest_minor = u.interest, principal_minor = u.principal,
        credit_minor = u.credit, debt_allocated_minor = u.debt_allocated, oldest_due_on = u.oldest_due_on,
        snapshot_on = $15, snapshot_us = $22, assumed = u.assumed, lat_e7 = u.lat_e7, lon_e7 = u.lon_e7, district = u.district,
        regency = u.regency, phone = u.phone, version = s.version + 1
    from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $16, $17, $18, $19, $20, $21)
        u (account_id, status, hold_from_on, hold_until_on, placed_anew, no_schedule, fees, penalty, interest,
           principal, credit, debt_allocated, oldest_due_on, assumed, lat_e7, lon_e7, district, regency, phone)
    where s.agency_id = $1 and s.account_id = u.account_id
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: import_snapshot_insert
-- in:   uuid agency_id, uuid[] account_id, date as_of_on, bytea file_hash, int4[] row_no, int2[] load_type, text[] load_reason, int8[] fees_minor, int8[] penalty_minor, int8[] interest_minor, int8[] principal_minor, int8 received_us, int8 export_seq
-- out:  none
insert into snapshot (agency_id, account_id, as_of_on, file_hash, row_no, load_type, load_reason, fees_minor,
    penalty_minor, interest_minor, principal_minor, received_us, export_seq)
select $1, u.account_id, $3, $4, u.row_no, u.load_type, u.load_reason, u.fees, u.penalty, u.interest, u.principal, $12, $13
from unnest($2, $5, $6, $7, $8, $9, $10, $11)
    u (account_id, row_no, load_type, load_reason, fees, penalty, interest, principal);

-- name: import_instalment_insert
-- in:   uuid agency_id, uuid[] account_id, date as_of_on, int8 received_us, int4[] instalment_no, date[] due_on, int8[] fees_minor, int8[] penalty_minor, int8[] interest_minor, int8[] principal_minor
-- out:  none
-- why:  the schedule where a replay begins; the one instalment that stands for all (R-ACC-1) is written out too.
insert into instalment (agency_id, account_id, as_of_on, received_us, instalment_no, due_on, fees_minor, penalty_minor,
    interest_minor, principal_minor)
select $1, u.account_id, $3, $4, u.instalment_no, u.due_on, u.fees, u.penalty, u.interest, u.principal
from unnest($2, $5, $6, $7, $8, $9, $10) u (account_id, instalment_no, due_on, fees, penalty, interest, principal);

-- name: import_instalment_clear
-- in:   uuid agency_id, uuid[] account_id, int4[] first_no, int4[] last_no
-- out:  none
-- why:  instalments that the new schedule no longer has: zeroed, never deleted.
update instalment_state s
set state = 2, fees_minor = 0, penalty_minor = 0, interest_minor = 0, principal_minor = 0
from unnest($2, $3, $4) u (account_id, first_no, last_no)
where s.agency_id = $1 and s.account_id = u.account_id
  and (s.instalment_no < u.first_no or s.instalment_no > u.last_no);

-- name: import_instalment_state
-- in:   uuid agency_id, uuid[] account_id, int4[] instalment_no, date[] due_on, int2[] state, int8[] fees_minor, int8[] penalty_minor, int8[] interest_minor, int8[] principal_minor
-- out:  none
insert into instalment_state (agency_id, account_id, instalment_no, due_on, state, fees_minor, penalty_minor,
    interest_minor, principal_minor)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9) u
on conflict (agency_id, account_id, instalment_no) do update
set due_on = excluded.due_on, state = excluded.state, fees_minor = excluded.fees_minor,
    penalty_minor = excluded.penalty_minor, interest_minor = excluded.interest_minor,
    principal_minor = excluded.principal_minor;

-- name: import_row_insert
-- in:   uuid agency_id, bytea file_hash, int4[] row_no, text[] account_no, uuid[] account_id, text[] result, text[] warning
-- out:  none
insert into import_row (agency_id, file_hash, row_no, account_no, account_id, result, warning)
select $1, $2, u.row_no, u.account_no, u.account_id, u.result, u.warning
from unnest($3, $4, $5, $6, $7) u (row_no, account_no, account_id, result, warning);

-- name: import_file_find
-- in:   uuid agency_id, bytea file_hash
-- out:  date as_of_on, text mode, int4 shifted_days
select as_of_on, mode, shifted_days from import_file where agency_id = $1 and file_hash = $2;

-- name: import_file_insert
-- in:   uuid agency_id, bytea file_hash, text mode, text name, date as_of_on, int4 shifted_days, int4 rows_total, int4 rows_good, text sum_minor, int8 started_us
-- out:  none
insert into import_file (agency_id, file_hash, kind, mode, name, as_of_on, shifted_days, rows_total, rows_good,
    sum_minor, started_us)
values ($1, $2, 'accounts', $3, $4, $5, $6, $7, $8, $9::numeric, $10)
on conflict do nothing;

-- name: import_recall
-- in:   uuid agency_id, bytea file_hash, date as_of_on, int4 limit_rows
-- out:  text account_no, int8 candidates
-- why:  live accounts that a FULL file no longer has: a person recalls them (R-IMP-1).
select a.account_no, count(*) over () as candidates
from account_state s
join account a on a.agency_id = $1 and a.account_id = s.account_id
where s.agency_id = $1 and s.status in (2, 3, 5, 6)
  and not exists (
      select from snapshot n
      where n.agency_id = $1 and n.account_id = s.account_id and n.as_of_on = $3 and n.file_hash = $2)
order by a.account_no
limit $4;
