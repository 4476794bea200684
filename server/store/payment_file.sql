-- Payments in files (R-PAY-5f): rows that were here before, the accounts that rows name, and what is kept of both.

-- name: payment_file_lock
-- in:   uuid agency_id, bytea file_hash
-- out:  bool locked
-- why:  two runs of one file go one after the other; payments of other files do not wait.
select pg_advisory_xact_lock(hashtextextended($1::text || ' payment file ' || encode($2, 'hex'), 0)) is null as locked;

-- name: payment_file_load
-- in:   uuid agency_id, bytea file_hash, int4[] row_no, text[] account_no, int8[] paid_us, bool[] is_local
-- out:  text known_result, uuid known_payment, uuid known_item, uuid account_id, int8 value_us
-- why:  for each row: what became of it before, its account, and the instant of its moment; a wall clock is the agency's
--       (R-TIM-1). Accounts keep their numbers, so they need no lock to be found.
select k.result as known_result, k.payment_id as known_payment, k.suspense_id as known_item, a.account_id,
       case when q.is_local then
           (extract(epoch from (timestamp 'epoch' + q.paid_us * interval '1 microsecond') at time zone g.time_zone) * 1000000)::int8
       else q.paid_us end as value_us
from unnest($3, $4, $5, $6) with ordinality q (row_no, account_no, paid_us, is_local, i)
cross join (select x.time_zone from agency x where x.agency_id = $1 offset 0) g
left join lateral (
    select x.result, x.payment_id, x.suspense_id from payment_file_row x
    where x.agency_id = $1 and x.file_hash = $2 and x.row_no = q.row_no limit 1) k on true
left join lateral (
    select x.account_id from account x where x.agency_id = $1 and x.account_no = q.account_no limit 1) a on true
order by q.i;

-- name: payment_file_row_insert
-- in:   uuid agency_id, uuid posting_id, bytea file_hash, int4[] row_no, int2 source, text[] source_reference, text[] account_no, int8[] amount_minor, uuid[] payment_id, uuid[] suspense_id, text[] result
-- out:  none
insert into payment_file_row (agency_id, posting_id, file_hash, row_no, source, source_reference, account_no, amount_minor,
    payment_id, suspense_id, result)
select $1, $2, $3, u.row_no, $5, u.source_reference, u.account_no, u.amount_minor, u.payment_id, u.suspense_id, u.result
from unnest($4, $6, $7, $8, $9, $10, $11) u (row_no, source_reference, account_no, amount_minor, payment_id, suspense_id, result);

-- name: payment_file_row_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid posting_id, bytea file_hash, int4 row_no, int2 source, text source_reference, text account_no, int8 amount_minor, uuid payment_id, uuid suspense_id, text result
select posting_id, file_hash, row_no, source, source_reference, account_no, amount_minor, payment_id, suspense_id, result
from payment_file_row where agency_id = $1 and posting_id = any($2) order by posting_id, row_no;

-- name: payment_file_totals
-- in:   uuid agency_id, bytea file_hash
-- out:  int8 rows_total, int8 rows_good, int8 sum_minor, bool ended
-- why:  what the file holds: every row, and the amount of each that could be read.
select count(*) as rows_total, count(coalesce(r.payment_id, r.suspense_id)) as rows_good, coalesce(sum(r.amount_minor), 0)::int8 as sum_minor,
       exists (select from payment_file f where f.agency_id = $1 and f.file_hash = $2) as ended
from payment_file_row r where r.agency_id = $1 and r.file_hash = $2;

-- name: payment_file_insert
-- in:   uuid agency_id, uuid posting_id, bytea file_hash, text name, int2 source, text currency, int8 rows_total, int8 rows_good, int8 sum_minor, int8 said_rows, int8 said_sum_minor, int8 ended_us, uuid actor_id
-- out:  none
insert into payment_file (agency_id, posting_id, file_hash, name, source, currency, rows_total, rows_good, sum_minor, said_rows,
    said_sum_minor, ended_us, actor_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: payment_file_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid posting_id, bytea file_hash, text name, int2 source, text currency, int8 rows_total, int8 rows_good, int8 sum_minor, int8 said_rows, int8 said_sum_minor, int8 ended_us, uuid actor_id
select posting_id, file_hash, name, source, currency, rows_total, rows_good, sum_minor, said_rows, said_sum_minor, ended_us, actor_id
from payment_file where agency_id = $1 and posting_id = any($2) order by posting_id, file_hash;
