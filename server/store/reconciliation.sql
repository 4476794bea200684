-- The reconciliation report of imports (R-IMP-3).

-- name: reconciliation_absorbed
-- in:   uuid agency_id, uuid[] account_id, date as_of_on, int8 export_seq
-- out:  uuid account_id, int4 absorbed, int8 absorbed_minor
-- why:  payments that stood on top of the snapshot before and are contained in the one that comes now: by the number of
--       the export that it names, else by their value dates.
select q.account_id, count(p.payment_id)::int4 as absorbed, coalesce(sum(p.amount_minor), 0)::int8 as absorbed_minor
from unnest($2) q (account_id)
cross join lateral (
    select x.as_of_on, x.received_us, x.export_seq from snapshot x where x.agency_id = $1 and x.account_id = q.account_id
    order by x.as_of_on desc, x.received_us desc limit 1) s
left join lateral (
    select x.payment_id, x.amount_minor from payment x
    where x.agency_id = $1 and x.account_id = q.account_id
      and case when $4 is null then x.value_on <= $3 else payment_is_exported($1, x.payment_id, $4) end
      and case when s.export_seq is null then x.value_on > s.as_of_on or x.received_us > s.received_us
               else not payment_is_exported($1, x.payment_id, s.export_seq) end
      and not exists (select from payment_reversal r where r.agency_id = $1 and r.payment_id = x.payment_id)
    offset 0) p on true
group by q.account_id
order by q.account_id;

-- name: reconciliation_insert
-- in:   uuid agency_id, uuid[] posting_id, bytea[] file_hash, int4[] row_no, uuid[] account_id, int8[] ours_minor, int8[] theirs_minor, text[] currency, int4[] absorbed, int8[] absorbed_minor, int4[] replayed
-- out:  none
insert into reconciliation (agency_id, posting_id, file_hash, row_no, account_id, ours_minor, theirs_minor, currency,
    absorbed, absorbed_minor, replayed)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) u;

-- name: reconciliation_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid posting_id, bytea file_hash, int4 row_no, uuid account_id, int8 ours_minor, int8 theirs_minor, text currency, int4 absorbed, int8 absorbed_minor, int4 replayed
-- why:  as reconciliation_insert wrote them; one a posting.
select r.posting_id, r.file_hash, r.row_no, r.account_id, r.ours_minor, r.theirs_minor, r.currency::text as currency,
       r.absorbed, r.absorbed_minor, r.replayed
from reconciliation r where r.agency_id = $1 and r.posting_id = any($2)
order by r.posting_id;

-- name: reconciliation_list
-- in:   uuid agency_id, bytea file_hash, int4 after_row, int4 limit_rows
-- out:  int4 row_no, uuid account_id, text account_no, int8 ours_minor, int8 theirs_minor, text currency, int4 absorbed, int8 absorbed_minor, int4 replayed, uuid posting_id
-- why:  a file's report, in its order.
select r.row_no, r.account_id, a.account_no, r.ours_minor, r.theirs_minor, r.currency::text as currency, r.absorbed,
       r.absorbed_minor, r.replayed, r.posting_id
from reconciliation r
join account a on a.agency_id = $1 and a.account_id = r.account_id
where r.agency_id = $1 and r.file_hash = $2 and r.row_no > $3
order by r.row_no
limit $4;
