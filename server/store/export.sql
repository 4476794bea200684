-- Payments that were collected here, for whoever keeps the creditor's books (R-OUT-1). Numbers are given in a step of
-- their own, under one lock, to what is settled: no gap ever comes of a transaction that rolls back, and no posting waits.

-- name: export_lock
-- in:   uuid agency_id
-- out:  int8 seq, int8 acked_seq
-- why:  who numbers goes first; the row is the sequence.
insert into payment_export_state (agency_id) values ($1)
on conflict (agency_id) do update set seq = payment_export_state.seq
returning seq, acked_seq;

-- name: export_pending
-- in:   uuid agency_id, int4 limit_rows
-- out:  int8 xid, int8 n, int2 kind, uuid payment_id
-- why:  what was posted (30) and taken back (31) behind the last numbered place of the feed, as far as it is settled. What
--       has a number already is left out, so that a restored database, whose feed is counted anew, goes through all again.
select c.xid::text::int8 as xid, c.n, case c.kind when 30 then 1 else 2 end::int2 as kind, c.object_id as payment_id
from (select case when s.system_id = y.system_identifier then s.xid else 0 end as xid,
             case when s.system_id = y.system_identifier then s.n else 0 end as n
      from payment_export_state s, pg_control_system() y where s.agency_id = $1 offset 0) p
cross join lateral (
    select x.xid, x.n, x.kind, x.object_id from change x
    where x.agency_id = $1 and (x.xid, x.n) > (p.xid::text::xid8, p.n) and x.xid < pg_snapshot_xmin(pg_current_snapshot())
      and x.kind in (30, 31)
      and not exists (
          select from payment_export e
          where e.agency_id = $1 and e.payment_id = x.object_id and e.kind = case x.kind when 30 then 1 else 2 end)
    order by x.xid, x.n limit $2) c
order by c.xid, c.n;

-- name: export_advance
-- in:   uuid agency_id, int8 seq, int8 xid, int8 n, int8 system_id
-- out:  none
update payment_export_state set seq = $2, xid = $3, n = $4, system_id = $5 where agency_id = $1;

-- name: payment_export_insert
-- in:   uuid agency_id, uuid posting_id, int8[] seq, int2[] kind, uuid[] payment_id
-- out:  none
insert into payment_export (agency_id, posting_id, seq, kind, payment_id)
select $1, $2, u.seq, u.kind, u.payment_id from unnest($3, $4, $5) u (seq, kind, payment_id);

-- name: payment_export_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid posting_id, int8 seq, int2 kind, uuid payment_id
select posting_id, seq, kind, payment_id from payment_export where agency_id = $1 and posting_id = any($2) order by posting_id, seq;

-- name: export_list
-- in:   uuid agency_id, int8 after_seq, int8 until_seq, int4 limit_rows
-- out:  int8 seq, int2 kind, uuid payment_id, text account_no, int2 source, text source_reference, int2 tender, int2 tag, int8 amount_minor, text currency, int8 value_us, date value_on, date posting_on, int2 reason
-- why:  rows as they were numbered; what is taken back has a row of its own, with the reversal's posting date.
select e.seq, e.kind, e.payment_id, a.account_no, p.source, p.source_reference, p.tender,
       payment_tag_now($1, p.payment_id, p.tag) as tag, p.amount_minor, p.currency::text as currency, p.value_us, p.value_on,
       case when e.kind = 2 then r.posting_on else p.posting_on end as posting_on,
       case when e.kind = 2 then r.reason end as reason
from (select x.seq, x.kind, x.payment_id from payment_export x
      where x.agency_id = $1 and x.seq > $2 and x.seq <= $3 order by x.seq limit $4) e
join payment p on p.agency_id = $1 and p.payment_id = e.payment_id
join account a on a.agency_id = $1 and a.account_id = p.account_id
left join payment_reversal r on r.agency_id = $1 and r.payment_id = e.payment_id
order by e.seq;

-- name: payment_export_ack_insert
-- in:   uuid agency_id, uuid posting_id, int8 seq, int8 at_us, uuid actor_id
-- out:  none
-- why:  the fact, and the mark, which never goes back.
with ack as (
    insert into payment_export_ack (agency_id, posting_id, seq, at_us, actor_id) values ($1, $2, $3, $4, $5)
    returning seq)
update payment_export_state s set acked_seq = greatest(s.acked_seq, a.seq) from ack a where s.agency_id = $1;

-- name: payment_export_ack_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid posting_id, int8 seq, int8 at_us, uuid actor_id
select posting_id, seq, at_us, actor_id from payment_export_ack where agency_id = $1 and posting_id = any($2) order by posting_id;
