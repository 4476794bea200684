-- Who is credited for a payment (R-BON-8): lines on hold, splits of accounts, and customers who are people of the agency.

-- name: bonus_credit_load
-- in:   uuid agency_id, uuid payment_id, uuid collector_id
-- out:  bool is_held, bool is_reversed, bool is_kept, bool may_earn, bool is_own
-- why:  whether the payment's bonus waits, and whether it may become this collector's. is_kept: it is written for him
--       already. may_earn: an active collector or officer.
select bonus_is_held($1, p.payment_id) as is_held,
       exists (select from payment_reversal r where r.agency_id = $1 and r.payment_id = p.payment_id) as is_reversed,
       exists (select from bonus_line b
               where b.agency_id = $1 and b.payment_id = p.payment_id and b.on_hold and b.collector_id = $3) as is_kept,
       exists (select from staff_state t
               where t.agency_id = $1 and t.user_id = $3 and t.state = 1 and t.roles & 3 <> 0) as may_earn,
       is_own_customer($1, $3, a.customer_id) as is_own
from payment p
join account a on a.agency_id = $1 and a.account_id = p.account_id
where p.agency_id = $1 and p.payment_id = $2;

-- name: bonus_hold_decision_insert
-- in:   uuid agency_id, uuid payment_id, uuid posting_id, bool kept, uuid collector_id, int8 at_us, uuid made_by, uuid decided_by
-- out:  none
insert into bonus_hold_decision (agency_id, payment_id, posting_id, kept, collector_id, at_us, made_by, decided_by)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: bonus_hold_decision_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid payment_id, uuid posting_id, bool kept, uuid collector_id, int8 at_us, uuid made_by, uuid decided_by
select payment_id, posting_id, kept, collector_id, at_us, made_by, decided_by
from bonus_hold_decision where agency_id = $1 and posting_id = any($2) order by posting_id, payment_id;

-- name: bonus_held_list
-- in:   uuid agency_id, date after_on, uuid after_line, int4 limit_rows
-- out:  uuid line_id, uuid payment_id, uuid account_id, uuid collector_id, uuid assigned_id, date value_on, int8 amount_minor, text currency
-- why:  lines on hold that nobody has decided and that were not taken back, the oldest first.
select b.line_id, b.payment_id, b.account_id, b.collector_id, account_collector_at($1, b.account_id, p.value_us) as assigned_id,
       b.value_on, b.amount_minor, b.currency::text as currency
from bonus_line b
join payment p on p.agency_id = $1 and p.payment_id = b.payment_id
where b.agency_id = $1 and b.on_hold and b.value_on >= $2 and (b.value_on, b.line_id) > ($2, $3)
  and not exists (select from bonus_hold_decision d where d.agency_id = $1 and d.payment_id = b.payment_id)
  and not exists (select from payment_reversal r where r.agency_id = $1 and r.payment_id = b.payment_id)
order by b.value_on, b.line_id
limit $4;

-- name: bonus_split_load
-- in:   uuid agency_id, uuid account_id, uuid[] collector_id
-- out:  int4 version, date open_from, int8 may_earn
-- why:  the newest version of an account's split, the first day of the first open month, and how many of the named are
--       active collectors or officers. No row: no such account.
select (select max(x.version) from bonus_split x where x.agency_id = $1 and x.account_id = a.account_id) as version,
       (select (max(m.month_on) + interval '1 month')::date from month_close m where m.agency_id = $1) as open_from,
       (select count(*) from staff_state t
        where t.agency_id = $1 and t.user_id = any($3) and t.state = 1 and t.roles & 3 <> 0) as may_earn
from account a where a.agency_id = $1 and a.account_id = $2;

-- name: bonus_split_insert
-- in:   uuid agency_id, uuid account_id, int4 version, uuid posting_id, date valid_from_on, date valid_until_on, int4 shares, int8 at_us, uuid made_by, uuid approved_by, text reason
-- out:  none
insert into bonus_split (agency_id, account_id, version, posting_id, valid_from_on, valid_until_on, shares, at_us, made_by,
    approved_by, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: bonus_split_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid account_id, int4 version, uuid posting_id, date valid_from_on, date valid_until_on, int4 shares, int8 at_us, uuid made_by, uuid approved_by, text reason
select account_id, version, posting_id, valid_from_on, valid_until_on, shares, at_us, made_by, approved_by, reason
from bonus_split where agency_id = $1 and posting_id = any($2) order by posting_id, account_id, version;

-- name: bonus_split_share_insert
-- in:   uuid agency_id, uuid[] account_id, int4[] version, uuid[] collector_id, uuid[] posting_id, int4[] share_bp
-- out:  none
insert into bonus_split_share (agency_id, account_id, version, collector_id, posting_id, share_bp)
select $1, u.* from unnest($2, $3, $4, $5, $6) u;

-- name: bonus_split_share_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid account_id, int4 version, uuid collector_id, uuid posting_id, int4 share_bp
select account_id, version, collector_id, posting_id, share_bp
from bonus_split_share where agency_id = $1 and posting_id = any($2) order by posting_id, account_id, version, collector_id;

-- name: bonus_split_list
-- in:   uuid agency_id, uuid account_id
-- out:  int4 version, date valid_from_on, date valid_until_on, int8 at_us, uuid made_by, uuid approved_by, text reason, uuid collector_id, int4 share_bp
-- why:  versions, the newest first, with a row for each share; a version without shares has one row.
select v.version, v.valid_from_on, v.valid_until_on, v.at_us, v.made_by, v.approved_by, v.reason, s.collector_id, s.share_bp
from bonus_split v
left join bonus_split_share s on s.agency_id = $1 and s.account_id = v.account_id and s.version = v.version
where v.agency_id = $1 and v.account_id = $2
order by v.version desc, s.collector_id
limit 1000;

-- name: own_customer_lock
-- in:   uuid agency_id
-- out:  bool locked
-- why:  one at a time says who is whom.
select pg_advisory_xact_lock(hashtextextended('tagih own customer ' || $1::text, 0)) is not null as locked;

-- name: own_customer_load
-- in:   uuid agency_id, uuid user_id, text customer_no
-- out:  uuid customer_id, bool is_staff, int4 n, bool is_own
-- why:  what was said of the two before. No row: no such customer.
select c.customer_id, exists (select from staff_state t where t.agency_id = $1 and t.user_id = $2) as is_staff,
       (select max(x.n) from own_customer x where x.agency_id = $1 and x.user_id = $2 and x.customer_id = c.customer_id) as n,
       is_own_customer($1, $2, c.customer_id) as is_own
from customer c where c.agency_id = $1 and c.customer_no = $3;

-- name: own_customer_insert
-- in:   uuid agency_id, uuid user_id, uuid customer_id, int4 n, uuid posting_id, bool is_own, int8 at_us, uuid actor_id, text reason
-- out:  none
insert into own_customer (agency_id, user_id, customer_id, n, posting_id, is_own, at_us, actor_id, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: own_customer_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid user_id, uuid customer_id, int4 n, uuid posting_id, bool is_own, int8 at_us, uuid actor_id, text reason
select user_id, customer_id, n, posting_id, is_own, at_us, actor_id, reason
from own_customer where agency_id = $1 and posting_id = any($2) order by posting_id, user_id, customer_id, n;
