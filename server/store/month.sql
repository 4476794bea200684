-- A month's close (R-CLS-1): what is open, whose lines there are, each collector's payments as they stand at the close.

-- name: month_close_lock
-- in:   uuid agency_id
-- out:  bool locked
-- why:  alone: waits for whatever posts, and nothing posts beside it (posting_close_lock is its shared half).
select pg_advisory_xact_lock(hashtextextended('tagih close ' || $1::text, 0)) is not null as locked;

-- name: month_books
-- in:   uuid agency_id, date month_on, int8 now_us
-- out:  date closed_on, date first_on, date today_on, int8 last_us, text currency
-- why:  the newest closed month, the oldest day that anything was booked on while none is closed, and the last
--       microsecond of the month that is asked about, by the agency's own clock.
select c.closed_on, case when c.closed_on is null then (select min(p.posting_on) from posting p where p.agency_id = $1) end as first_on,
       agency_date($3, g.time_zone) as today_on,
       (extract(epoch from ($2 + interval '1 month')::timestamp at time zone g.time_zone) * 1000000)::int8 - 1 as last_us,
       g.currency::text as currency
from agency g
cross join lateral (select max(x.month_on) as closed_on from month_close x where x.agency_id = $1 offset 0) c
where g.agency_id = $1;

-- name: month_open
-- in:   uuid agency_id, date month_on, int8 last_us
-- out:  int8 gaps, int8 waiting, int8 quarantined, int8 suspense, int8 suspense_minor, int8 cash_collectors, int8 cash_minor, int8 phones_silent
-- why:  what may still belong to the month: phones with a gap, entries that wait or are quarantined, money in
--       suspense, cash that nobody has counted, and phones that were not heard from since the month ended.
select (select count(*) from device_epoch e where e.agency_id = $1 and e.contiguous_seq < e.seq_max) as gaps,
       (select count(*) from entry_waiting w where w.agency_id = $1 and not w.done) as waiting,
       (select count(*) from journal_key k where k.agency_id = $1 and k.fate = 4 and coalesce((
            select e.fate from entry_event e where e.agency_id = $1 and e.entry_hash = k.entry_hash
            order by e.n desc limit 1), 4) = 4) as quarantined,
       (select count(*) from suspense_state u where u.agency_id = $1 and u.state = 2) as suspense,
       (select coalesce(sum(u.amount_minor), 0)::int8 from suspense_state u, agency g
        where u.agency_id = $1 and u.state = 2 and g.agency_id = $1 and u.currency = g.currency) as suspense_minor,
       (select count(*) from collector_state s, agency g
        where s.agency_id = $1 and g.agency_id = $1 and s.currency = g.currency and s.cash_held_minor > 0) as cash_collectors,
       (select coalesce(sum(s.cash_held_minor), 0)::int8 from collector_state s, agency g
        where s.agency_id = $1 and g.agency_id = $1 and s.currency = g.currency) as cash_minor,
       (select count(*) from device_state d
        where d.agency_id = $1 and d.state = 2 and d.last_seen_us <= $3
          and exists (select from device_epoch e where e.agency_id = $1 and e.device_id = d.device_id)) as phones_silent
where $2 is not null;

-- name: month_collectors
-- in:   uuid agency_id, date month_on
-- out:  uuid collector_id, text currency, uuid team_id
-- why:  all who have a line or a target of the month: without payments, too, there is a tier and a target (R-BON-10).
select q.collector_id, q.currency, s.team_id
from (select m.collector_id, m.currency::text as currency from collector_month m where m.agency_id = $1 and m.month_on = $2
      union
      select t.collector_id, t.currency::text from bonus_target t
      where t.agency_id = $1 and t.month_on = $2 and t.approved_by is not null) q
left join staff_state s on s.agency_id = $1 and s.user_id = q.collector_id
order by q.collector_id, q.currency;

-- name: month_payments
-- in:   uuid agency_id, uuid collector_id, date month_on, text currency, int4 payments_max
-- out:  uuid payment_id, int2 bucket, int2 tag, int8 written_minor, int8 base_minor
-- why:  each payment of the month that is posted and not reversed (R-BON-7): bucket and tag of its live line, the sum of
--       its lines, its debt-allocated part as it stands. The newest line of a payment is found in one aggregate: its
--       number, kind, bucket and tag are folded into one integer. Lines of kind LATE and CLAWBACK stay out.
select l.payment_id, ((l.newest >> 8) & 255)::int2 as bucket, (l.newest & 255)::int2 as tag, l.written_minor, d.base_minor
from (select b.payment_id, sum(b.amount_minor)::int8 as written_minor,
             max((b.line_no::int8 << 24) | (b.kind::int8 << 16) | (b.bucket::int8 << 8) | b.tag::int8) as newest
      from bonus_line b
      where b.agency_id = $1 and b.collector_id = $2 and b.month_on = $3 and b.currency = $4::bpchar and b.kind in (1, 2, 4)
      group by b.payment_id) l
cross join lateral (
    select coalesce(sum(a.debt_minor), 0)::int8 as base_minor from allocation a
    where a.agency_id = $1 and a.payment_id = l.payment_id and a.version = (
        select max(v.version) from allocation v where v.agency_id = $1 and v.payment_id = l.payment_id)
    offset 0) d
where ((l.newest >> 16) & 255) in (1, 4)
  and not exists (select from payment_reversal r where r.agency_id = $1 and r.payment_id = l.payment_id)
order by l.payment_id limit $5;

-- name: month_shares
-- in:   uuid agency_id, uuid collector_id, date month_on
-- out:  uuid payment_id, uuid collector_id, int4 share_bp
-- why:  of his payments of the month that were split, every share (R-BON-8a): by payment, then collector.
select s.payment_id, s.collector_id, s.share_bp
from (select x.payment_id from bonus_share x where x.agency_id = $1 and x.collector_id = $2 and x.month_on = $3 offset 0) q
cross join lateral (
    select x.payment_id, x.collector_id, x.share_bp from bonus_share x
    where x.agency_id = $1 and x.payment_id = q.payment_id offset 0) s
order by s.payment_id, s.collector_id;

-- name: bonus_part_insert
-- in:   uuid agency_id, uuid collector_id, date month_on, text currency, uuid line_id, uuid[] payment_id, int8[] base_minor, int2[] bucket, int2[] tag, int8[] written_minor, int8[] final_minor
-- out:  none
insert into bonus_part (agency_id, collector_id, month_on, currency, line_id, payment_id, base_minor, bucket, tag,
    written_minor, final_minor)
select $1, $2, $3, $4, $5, u.* from unnest($6, $7, $8, $9, $10, $11) u;

-- name: month_closed_save
-- in:   uuid agency_id, date month_on, uuid[] collector_id, text[] currency, int8[] mtd_minor, int8[] target_minor, int4[] target_version
-- out:  bool all_written
with written as (
    update collector_month m
    set closed_mtd_minor = u.mtd_minor, closed_target_minor = u.target_minor, closed_target_version = u.target_version
    from unnest($3, $4, $5, $6, $7) u (collector_id, currency, mtd_minor, target_minor, target_version)
    where m.agency_id = $1 and m.month_on = $2 and m.collector_id = u.collector_id and m.currency = u.currency
    returning 1)
select expect_rows((select count(*) from written), cardinality($3)) as all_written;

-- name: month_close_insert
-- in:   uuid agency_id, date[] month_on, uuid[] posting_id, int8[] closed_us, uuid[] made_by, uuid[] approved_by, bytea[] digest
-- out:  none
insert into month_close (agency_id, month_on, posting_id, closed_us, made_by, approved_by, digest)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7) u;

-- name: month_close_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  date month_on, uuid posting_id, int8 closed_us, uuid made_by, uuid approved_by, bytea digest
select month_on, posting_id, closed_us, made_by, approved_by, digest
from month_close where agency_id = $1 and posting_id = any($2) order by posting_id, month_on;

-- name: month_readiness_insert
-- in:   uuid agency_id, date[] month_on, uuid[] posting_id, int8[] gaps, int8[] waiting, int8[] quarantined, int8[] suspense, int8[] suspense_minor, int8[] cash_collectors, int8[] cash_minor, int8[] phones_silent, int8[] true_ups, int8[] true_up_minor, int8[] payments
-- out:  none
insert into month_readiness (agency_id, month_on, posting_id, gaps, waiting, quarantined, suspense, suspense_minor,
    cash_collectors, cash_minor, phones_silent, true_ups, true_up_minor, payments)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) u;

-- name: month_readiness_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  date month_on, uuid posting_id, int8 gaps, int8 waiting, int8 quarantined, int8 suspense, int8 suspense_minor, int8 cash_collectors, int8 cash_minor, int8 phones_silent, int8 true_ups, int8 true_up_minor, int8 payments
select month_on, posting_id, gaps, waiting, quarantined, suspense, suspense_minor, cash_collectors, cash_minor, phones_silent,
       true_ups, true_up_minor, payments
from month_readiness where agency_id = $1 and posting_id = any($2) order by posting_id, month_on;

-- name: month_get
-- in:   uuid agency_id, date month_on
-- out:  int8 closed_us, uuid made_by, uuid approved_by, bytea digest, int8 gaps, int8 waiting, int8 quarantined, int8 suspense, int8 suspense_minor, int8 cash_collectors, int8 cash_minor, int8 phones_silent, int8 true_ups, int8 true_up_minor, int8 payments
-- why:  no row: the month is open.
select c.closed_us, c.made_by, c.approved_by, c.digest, r.gaps, r.waiting, r.quarantined, r.suspense, r.suspense_minor,
       r.cash_collectors, r.cash_minor, r.phones_silent, r.true_ups, r.true_up_minor, r.payments
from month_close c
left join month_readiness r on r.agency_id = $1 and r.month_on = c.month_on
where c.agency_id = $1 and c.month_on = $2;
