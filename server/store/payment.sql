-- Payments by call: identity, what is to be reversed, reading (R-PAY-3..5).

-- name: payment_identity_lock
-- in:   uuid agency_id, int2[] source, text[] source_reference
-- out:  bool locked
-- why:  two calls with one identity go one after the other, whatever accounts they name. At most 256 locks an agency,
--       so that no batch can fill the table of locks; two identities that share one only wait for each other.
select pg_advisory_xact_lock(q.key) is null as locked
from (select distinct hashtextextended($1::text || ' payment ' || (hashtextextended(u.source::text || ' ' || u.source_reference, 0) & 255)::text, 0) as key
      from unnest($2, $3) u (source, source_reference)
      order by 1 offset 0) q;

-- name: payment_identity_load
-- in:   uuid agency_id, int2[] source, text[] source_reference
-- out:  int4 row, uuid payment_id, uuid account_id, int2 tag, int8 amount_minor, text currency, int8 value_us
-- why:  those that are there already (R-PAY-5); row counts the input from 0.
select (q.i - 1)::int4 as row, p.payment_id, p.account_id, p.tag, p.amount_minor, p.currency::text as currency, p.value_us
from unnest($2, $3) with ordinality q (source, source_reference, i)
join payment p on p.agency_id = $1 and p.source = q.source and p.source_reference = q.source_reference
order by q.i;

-- name: payment_get
-- in:   uuid agency_id, uuid[] payment_id
-- out:  uuid payment_id, uuid account_id, int2 source, text source_reference, int2 tender, int2 tag, int8 amount_minor, text currency, int8 value_us, date value_on, date posting_on, uuid collector_id, bool reversed, int4 version, uuid assigned_id, int4 retags
-- why:  in the order asked. version: of its newest allocation. assigned: who works the account now.
select p.payment_id, p.account_id, p.source, p.source_reference, p.tender,
       payment_tag_now($1, p.payment_id, p.tag) as tag, p.amount_minor, p.currency::text as currency, p.value_us, p.value_on, p.posting_on, p.collector_id, r.payment_id is not null as reversed,
       (select max(x.version) from allocation x where x.agency_id = $1 and x.payment_id = p.payment_id) as version,
       s.collector_id as assigned_id,
       (select max(x.n) from payment_retag x where x.agency_id = $1 and x.payment_id = p.payment_id) as retags
from unnest($2) with ordinality q (payment_id, i)
join payment p on p.agency_id = $1 and p.payment_id = q.payment_id
join account_state s on s.agency_id = $1 and s.account_id = p.account_id
left join payment_reversal r on r.agency_id = $1 and r.payment_id = p.payment_id
order by q.i;

-- name: payment_list
-- in:   uuid agency_id, uuid account_id, int8 after_us, uuid after_id, int4 limit_rows
-- out:  uuid payment_id, uuid account_id, int2 source, text source_reference, int2 tender, int2 tag, int8 amount_minor, text currency, int8 value_us, date value_on, date posting_on, uuid collector_id, bool reversed, int4 version, uuid assigned_id, int4 retags
-- why:  an account's payments in fact order, which is that of value dates; reversed ones stay in it.
select p.payment_id, p.account_id, p.source, p.source_reference, p.tender,
       payment_tag_now($1, p.payment_id, p.tag) as tag, p.amount_minor, p.currency::text as currency, p.value_us, p.value_on, p.posting_on, p.collector_id, r.payment_id is not null as reversed,
       (select max(x.version) from allocation x where x.agency_id = $1 and x.payment_id = p.payment_id) as version,
       null::uuid as assigned_id,
       (select max(x.n) from payment_retag x where x.agency_id = $1 and x.payment_id = p.payment_id) as retags
from (select x.payment_id, x.account_id, x.source, x.source_reference, x.tender, x.tag, x.amount_minor, x.currency,
             x.value_us, x.value_on, x.posting_on, x.collector_id
      from payment x
      where x.agency_id = $1 and x.account_id = $2 and (x.value_us, x.payment_id) > ($3, $4)
      order by x.value_on, x.value_us, x.payment_id limit $5) p
left join payment_reversal r on r.agency_id = $1 and r.payment_id = p.payment_id
order by p.value_on, p.value_us, p.payment_id;

-- name: payment_allocations
-- in:   uuid agency_id, uuid[] payment_id
-- out:  int4 row, int4 instalment_no, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, int8 credit_minor
-- why:  the newest version of each payment's allocation (R-ALL-7); row counts the input from 0.
select (q.i - 1)::int4 as row, a.instalment_no, a.fees_minor, a.penalty_minor, a.interest_minor, a.principal_minor, a.credit_minor
from unnest($2) with ordinality q (payment_id, i)
cross join lateral (
    select max(x.version) as version from allocation x where x.agency_id = $1 and x.payment_id = q.payment_id offset 0) n
join allocation a on a.agency_id = $1 and a.payment_id = q.payment_id and a.version = n.version
order by q.i, a.instalment_no;

-- name: payment_account
-- in:   uuid agency_id, uuid account_id
-- out:  uuid collector_id, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, int8 credit_minor
-- why:  the head of a statement: whose it is, and what is open now.
select collector_id, fees_minor, penalty_minor, interest_minor, principal_minor, credit_minor
from account_state where agency_id = $1 and account_id = $2;

-- name: payment_device_lock
-- in:   uuid agency_id, uuid payment_id
-- out:  uuid device_id
-- why:  first in the lock order: the phone of a receipt cannot declare its settlement while the receipt is reversed.
select d.device_id from device_state d
where d.agency_id = $1 and d.device_id in (select r.device_id from receipt r where r.agency_id = $1 and r.entry_id = $2)
order by d.device_id for no key update;

-- name: payment_settled
-- in:   uuid agency_id, uuid payment_id
-- out:  bool settled
-- why:  is the receipt in a DECLARED settlement (R-PAY-4)? No row: it is no receipt's payment.
select coalesce(e.declared_seq >= r.seq, false) as settled
from receipt r
left join device_epoch e on e.agency_id = $1 and e.device_id = r.device_id and e.epoch = r.epoch
where r.agency_id = $1 and r.entry_id = $2;
