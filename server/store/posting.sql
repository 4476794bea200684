-- Posting: lock, load and save of everything that money touches (R-PAY-1, R-ALL-*, R-LED-*, R-BON-*).
-- Ids from several places are brought together in an array(select …): under row-level security a condition reaches the
-- index only when it is made of leakproof parts, and || is none.

-- name: posting_close_lock
-- in:   uuid agency_id
-- out:  bool locked
-- why:  a month closes under the exclusive one: it waits for what posts, and nothing posts beside it (R-CLS-1).
select pg_advisory_xact_lock_shared(hashtextextended('tagih close ' || $1::text, 0)) is not null as locked;

-- name: posting_open_from
-- in:   uuid agency_id
-- out:  date open_from
-- why:  the first day that is in no closed month; null while no month is closed (R-ALL-7).
select (max(month_on) + interval '1 month')::date as open_from from month_close where agency_id = $1;

-- name: posting_account_lock
-- in:   uuid agency_id, uuid[] account_id, uuid[] payment_id
-- out:  uuid account_id
-- why:  the accounts named, and those of the payments that are to be reversed.
select account_id from account_state
where agency_id = $1 and account_id = any(array(
    select a from unnest($2) a union all
    select p.account_id from unnest($3) q (id) join payment p on p.agency_id = $1 and p.payment_id = q.id))
order by account_id for no key update;

-- name: posting_collector_ensure
-- in:   uuid agency_id, uuid[] collector_id, text[] currency, uuid[] account_id, int8[] value_us, text[] account_currency, bool[] assigned
-- out:  none
-- why:  of the collectors named, of those to whom accounts were assigned when payments came that nobody took, and of
--       those whom the splits of accounts name (R-BON-8). An agency without a split is not asked for any.
insert into collector_state (agency_id, collector_id, currency)
select $1, q.collector_id, q.currency
from (select u.collector_id, u.currency from unnest($2, $3) u (collector_id, currency)
      union
      select account_collector_at($1, a.account_id, a.value_us), a.currency
      from unnest($4, $5, $6, $7) a (account_id, value_us, currency, assigned) where a.assigned
      union
      select s.collector_id, a.currency
      from unnest($4, $5, $6) a (account_id, value_us, currency)
      cross join lateral bonus_split_at($1, a.account_id, a.value_us) s
      where (select exists (select from bonus_split x where x.agency_id = $1))) q
where q.collector_id is not null
order by 2, 3
on conflict do nothing;

-- name: posting_collector_lock
-- in:   uuid agency_id, uuid[] collector_id, uuid[] payment_id, uuid[] account_id, int8[] value_us, bool[] assigned
-- out:  uuid collector_id, text currency, int8 bonus_n, bytea bonus_head, int8 cash_held_minor, int8 cheques_in_hand_minor, int8 deposit_in_transit_minor, int8 collector_receivable_minor, int8 bonus_payable_minor, int8 hard_minor, int8 receipt_minor
-- why:  the collectors named, those whose payments or bonus lines are to be reversed, those to whom accounts were
--       assigned, and those whom splits name. Locked and read in one: all decided on is in the locked row itself; limits of cash, null when nobody set
--       any, only flag.
select c.collector_id, c.currency::text as currency, c.bonus_n, c.bonus_head, c.cash_held_minor, c.cheques_in_hand_minor,
       c.deposit_in_transit_minor, c.collector_receivable_minor, c.bonus_payable_minor, l.hard_minor, l.receipt_minor
from collector_state c
left join lateral (
    select x.hard_minor, x.receipt_minor from cash_limit x
    where x.agency_id = $1 and x.collector_id = any(array[c.collector_id, '00000000-0000-0000-0000-000000000000'::uuid])
      and x.currency = c.currency
    order by x.collector_id = c.collector_id desc, x.version desc limit 1) l on true
where c.agency_id = $1 and c.collector_id = any(array(
    select n from unnest($2) n union all
    select p.collector_id from unnest($3) q (id) join payment p on p.agency_id = $1 and p.payment_id = q.id union all
    select b.collector_id from unnest($3) q (id) join bonus_line b on b.agency_id = $1 and b.payment_id = q.id union all
    select account_collector_at($1, a.account_id, a.value_us) from unnest($4, $5, $6) a (account_id, value_us, assigned)
    where a.assigned union all
    select s.collector_id from unnest($4, $5) a (account_id, value_us)
    cross join lateral bonus_split_at($1, a.account_id, a.value_us) s
    where (select exists (select from bonus_split x where x.agency_id = $1))))
order by c.collector_id, c.currency for no key update of c;

-- name: posting_writer_lock
-- in:   uuid agency_id, int8 writer_id
-- out:  int8 n, bytea head
-- why:  one chain of digests a worker; nobody waits for it.
insert into posting_writer (agency_id, writer_id) values ($1, $2)
on conflict (agency_id, writer_id) do update set n = posting_writer.n
returning n, head;

-- name: posting_account_load
-- in:   uuid agency_id, uuid[] account_id, uuid[] payment_id
-- out:  uuid account_id, text account_no, uuid customer_id, text currency, int2 status, date hold_from_on, uuid collector_id, int8 credit_minor, int8 recoverable_minor, int8 debt_allocated_minor, date last_value_on, int8 last_value_us, uuid last_payment_id, date day_on, int2 day_bucket, date month_on, int2 month_bucket, date snapshot_on, int8 snapshot_us, int8 closed_us, int2 former_status, uuid former_collector, date hold_until_on, int2 hold_promise_days, uuid offer_id
-- why:  with the instant of its closing, if it is closed, and what it was before: money valued before that still posts,
--       and what is left open again reopens it (R-LIF-1).
select s.account_id, a.account_no, a.customer_id, a.currency::text as currency, s.status, s.hold_from_on, s.collector_id,
       s.credit_minor, s.recoverable_minor, s.debt_allocated_minor, s.last_value_on, s.last_value_us, s.last_payment_id, s.day_on,
       s.day_bucket, s.month_on, s.month_bucket, s.snapshot_on, s.snapshot_us,
       c.at_us as closed_us, c.status_before as former_status, c.collector_before as former_collector, s.hold_until_on,
       s.hold_promise_days, s.offer_id
from account_state s
join account a on a.agency_id = $1 and a.account_id = s.account_id
left join lateral (
    select e.at_us, e.status_before, e.collector_before from account_event e
    where s.status >= 10 and e.agency_id = $1 and e.account_id = s.account_id and e.status_after >= 10
      and e.status_before is distinct from e.status_after
    order by e.at_us desc, e.event_id desc limit 1) c on true
where s.agency_id = $1 and s.account_id = any(array(
    select a from unnest($2) a union all
    select p.account_id from unnest($3) q (id) join payment p on p.agency_id = $1 and p.payment_id = q.id))
order by s.account_id;

-- name: posting_instalment_load
-- in:   uuid agency_id, uuid[] account_id, uuid[] payment_id
-- out:  uuid account_id, int4 instalment_no, date due_on, int2 state, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor
-- why:  what is open, in the order that allocation wants.
select s.account_id, s.instalment_no, s.due_on, s.state, s.fees_minor, s.penalty_minor, s.interest_minor, s.principal_minor
from instalment_state s
where s.agency_id = $1 and s.account_id = any(array(
    select a from unnest($2) a union all
    select p.account_id from unnest($3) q (id) join payment p on p.agency_id = $1 and p.payment_id = q.id))
order by s.account_id, s.due_on, s.instalment_no;

-- name: posting_same_day
-- in:   uuid agency_id, uuid[] account_id, int8[] value_us
-- out:  int4 row, uuid payment_id, uuid account_id, int8 amount_minor, text currency, int2 source, bool reversed, uuid collector_id, int8 mtd_minor, int8 chain_n
-- why:  for each payment what its customer paid that day: possible duplicates (R-REC-4), and the mtd that the first
--       receipt of the day used (R-BON-8). One step at a time: free to choose on a table without statistics, the planner
--       begins with all payments of the agency, and 700 of them took 9 seconds.
select (q.i - 1)::int4 as row, p.payment_id, p.account_id, p.amount_minor, p.currency::text as currency, p.source,
       r.payment_id is not null as reversed, b.collector_id, b.mtd_minor, b.chain_n
from unnest($2, $3) with ordinality q (account_id, value_us, i)
cross join lateral (
    select agency_date(q.value_us, g.time_zone) as value_on from agency g where g.agency_id = $1 offset 0) d
cross join lateral (
    select x.customer_id from account x where x.agency_id = $1 and x.account_id = q.account_id offset 0) a
cross join lateral (
    select x.account_id from account x where x.agency_id = $1 and x.customer_id = a.customer_id offset 0) o
cross join lateral (
    select x.payment_id, x.account_id, x.amount_minor, x.currency, x.source from payment x
    where x.agency_id = $1 and x.account_id = o.account_id and x.value_on = d.value_on offset 0) p
left join lateral (
    select x.payment_id from payment_reversal x where x.agency_id = $1 and x.payment_id = p.payment_id offset 0) r on true
left join lateral (
    select x.collector_id, x.mtd_minor, x.chain_n from bonus_line x
    where x.agency_id = $1 and x.payment_id = p.payment_id and x.kind in (1, 6) offset 0) b on true
order by q.i, b.chain_n nulls last;

-- name: posting_holder
-- in:   uuid agency_id, uuid[] account_id, uuid[] collector_id, int8[] value_us, bool[] assigned
-- out:  bool had_lease, bool was_assigned, uuid team_id, uuid credited_id, bool is_own
-- why:  whom a payment credits (R-BON-8), and his team: who took it, or, where `assigned` asks for it, to whom the
--       account was assigned at the value instant. Who had a lease is not asked whether it was assigned to him. is_own:
--       the account is his own.
select l.had_lease,
       not l.had_lease and coalesce(account_collector_at($1, q.account_id, q.value_us) = q.collector_id, false) as was_assigned,
       s.team_id, c.credited_id,
       case when (select exists (select from own_customer x where x.agency_id = $1)) then coalesce((
           select is_own_customer($1, c.credited_id, a.customer_id) from account a
           where a.agency_id = $1 and a.account_id = q.account_id), false) else false end as is_own
from unnest($2, $3, $4, $5) with ordinality q (account_id, collector_id, value_us, assigned, i)
cross join lateral (
    select exists (
        select from visit v join visit_event e on e.agency_id = $1 and e.visit_id = v.visit_id
        where v.agency_id = $1 and v.account_id = q.account_id and e.collector_id = q.collector_id
          and e.lease_from_us <= q.value_us and q.value_us < e.lease_until_us)
    offset 0) l (had_lease)
cross join lateral (
    select case when q.assigned then account_collector_at($1, q.account_id, q.value_us) else q.collector_id end
    offset 0) c (credited_id)
left join staff_state s on s.agency_id = $1 and s.user_id = c.credited_id
order by q.i;

-- name: posting_split_load
-- in:   uuid agency_id, uuid[] account_id, int8[] value_us, bool[] is_payment
-- out:  int4 row, uuid collector_id, int4 share_bp, int4 version, uuid team_id, bool is_own
-- why:  how the bonus of a payment is split, as it is known now; no row: it is not. By collector, as largest remainders
--       break ties.
select (q.i - 1)::int4 as row, s.collector_id, s.share_bp, s.version, t.team_id,
       coalesce((
           select is_own_customer($1, s.collector_id, a.customer_id) from account a
           where a.agency_id = $1 and a.account_id = q.account_id), false) as is_own
from unnest($2, $3, $4) with ordinality q (account_id, value_us, is_payment, i)
cross join lateral bonus_split_at($1, q.account_id, q.value_us) s
left join staff_state t on t.agency_id = $1 and t.user_id = s.collector_id
where q.is_payment and (select exists (select from bonus_split x where x.agency_id = $1))
order by q.i, s.collector_id;

-- name: posting_month_load
-- in:   uuid agency_id, uuid[] collector_id, int8[] value_us, text[] currency, uuid[] account_id, bool[] assigned, uuid[] payment_id, int8 now_us, bool[] is_payment
-- out:  uuid collector_id, date month_on, text currency, int8 mtd_minor, int8 bonus_minor, int8 target_minor, int4 target_version, int8 closed_mtd_minor, int8 closed_target_minor, int4 closed_target_version
-- why:  each collector's month of the value date so far, once, and the newest approved target of the full month; and the
--       present month, where lines of a closed one go (R-BON-5, R-BON-10).
select q.collector_id, q.month_on, q.currency, m.mtd_minor, m.bonus_minor, t.amount_minor as target_minor, t.version as target_version,
       m.closed_mtd_minor, m.closed_target_minor, m.closed_target_version
from (select case when u.assigned then account_collector_at($1, u.account_id, u.value_us) else u.collector_id end as collector_id,
             d.month_on, u.currency
      from agency g
      cross join unnest($2, $3, $4, $5, $6) u (collector_id, value_us, currency, account_id, assigned)
      cross join lateral (values (date_trunc('month', agency_date(u.value_us, g.time_zone))::date),
                                 (date_trunc('month', agency_date($8, g.time_zone))::date)) d (month_on)
      where g.agency_id = $1
      union
      select s.collector_id, d.month_on, u.currency
      from agency g
      cross join unnest($3, $4, $5, $9) u (value_us, currency, account_id, is_payment)
      cross join lateral bonus_split_at($1, u.account_id, u.value_us) s
      cross join lateral (values (date_trunc('month', agency_date(u.value_us, g.time_zone))::date),
                                 (date_trunc('month', agency_date($8, g.time_zone))::date)) d (month_on)
      where g.agency_id = $1 and u.is_payment and (select exists (select from bonus_split x where x.agency_id = $1))
      union
      select b.collector_id, d.month_on, b.currency::text
      from agency g
      cross join unnest($7) r (payment_id)
      join bonus_line b on b.agency_id = $1 and b.payment_id = r.payment_id
      cross join lateral (values (b.month_on), (date_trunc('month', agency_date($8, g.time_zone))::date)) d (month_on)
      where g.agency_id = $1) q
left join collector_month m on m.agency_id = $1 and m.collector_id = q.collector_id and m.month_on = q.month_on
    and m.currency = q.currency
left join lateral (
    select amount_minor, version from bonus_target t
    where t.agency_id = $1 and t.collector_id = q.collector_id and t.month_on = q.month_on
      and t.currency = q.currency and t.approved_by is not null
    order by version desc limit 1) t on true
where q.collector_id is not null
order by q.collector_id, q.month_on, q.currency;

-- name: posting_payment_load
-- in:   uuid agency_id, uuid[] payment_id
-- out:  int4 row, uuid account_id, int2 source, int2 tender, int2 tag, int8 amount_minor, text currency, int8 value_us, date value_on, uuid collector_id, bool reversed, int4 version, int2 bank_state
-- why:  what is to be reversed: the payment, its newest allocation's version, and how far the bank is with it.
select (q.i - 1)::int4 as row, p.account_id, p.source, p.tender, payment_tag_now($1, p.payment_id, p.tag) as tag, p.amount_minor, p.currency::text as currency,
       p.value_us, p.value_on, p.collector_id, r.payment_id is not null as reversed,
       (select max(version) from allocation x where x.agency_id = $1 and x.payment_id = p.payment_id) as version,
       e.state as bank_state
from unnest($2) with ordinality q (payment_id, i)
join payment p on p.agency_id = $1 and p.payment_id = q.payment_id
left join payment_reversal r on r.agency_id = $1 and r.payment_id = p.payment_id
left join bank_expected e on e.agency_id = $1 and e.expected_id = p.payment_id
order by q.i;

-- name: posting_bonus_load
-- in:   uuid agency_id, uuid[] payment_id
-- out:  int4 row, uuid line_id, int2 kind, int2 line_no, uuid collector_id, uuid team_id, date month_on, int8 base_minor, int8 amount_minor
-- why:  all that is stored for a payment that is to be reversed (R-BON-5): its lines, and its parts of TRUE_UP lines as
--       lines of kind 5 and number 0.
select (q.i - 1)::int4 as row, b.line_id, b.kind, b.line_no, b.collector_id, b.team_id, b.month_on, b.base_minor, b.amount_minor
from unnest($2) with ordinality q (payment_id, i)
cross join lateral (
    select x.line_id, x.kind, x.line_no, x.collector_id, x.team_id, x.month_on, x.base_minor, x.amount_minor from bonus_line x
    where x.agency_id = $1 and x.payment_id = q.payment_id
    union all
    select p.line_id, 5::int2, 0::int2, p.collector_id, null, p.month_on, 0, p.final_minor - p.written_minor
    from (select distinct x.collector_id, x.month_on, x.currency from bonus_line x
          where x.agency_id = $1 and x.payment_id = q.payment_id) o
    join bonus_part p on p.agency_id = $1 and p.collector_id = o.collector_id and p.month_on = o.month_on
        and p.currency = o.currency and p.payment_id = q.payment_id) b
order by q.i, b.collector_id, b.month_on, b.line_no;

-- name: posting_fact_load
-- in:   uuid agency_id, uuid[] account_id
-- out:  uuid account_id, uuid fact_id, int2 kind, int8 amount_minor, int4 instalment_no, int2 component, int8 value_us, date value_on, int4 version
-- why:  every unreversed payment, and every charge, waiver and refund not withdrawn, that stands on top of the account's
--       newest snapshot, for a replay (R-ALL-7): valued after it, or not known to anybody when it came (R-IMP-3).
--       kind: enum fact_kind. Where the snapshot names a number of the export, that alone decides about payments.
select p.account_id, p.payment_id as fact_id, 2::int2 as kind, p.amount_minor, 0 as instalment_no, 0::int2 as component,
       p.value_us, p.value_on,
       (select max(version) from allocation x where x.agency_id = $1 and x.payment_id = p.payment_id) as version
from unnest($2) q (account_id)
join lateral (
    select as_of_on, received_us, export_seq from snapshot s where s.agency_id = $1 and s.account_id = q.account_id
    order by as_of_on desc, received_us desc limit 1) s on true
join payment p on p.agency_id = $1 and p.account_id = q.account_id
    and case when s.export_seq is null then p.value_on > s.as_of_on or p.received_us > s.received_us
             else not payment_is_exported($1, p.payment_id, s.export_seq) end
where not exists (select from payment_reversal r where r.agency_id = $1 and r.payment_id = p.payment_id)
union all
select f.account_id, f.fact_id, f.kind, f.amount_minor, f.instalment_no, f.component, f.value_us, f.value_on, 0 as version
from unnest($2) q (account_id)
join lateral (
    select as_of_on, received_us from snapshot s where s.agency_id = $1 and s.account_id = q.account_id
    order by as_of_on desc, received_us desc limit 1) s on true
join account_fact f on f.agency_id = $1 and f.account_id = q.account_id
    and (f.value_on > s.as_of_on or f.received_us > s.received_us)
where not exists (select from account_fact_withdrawal w where w.agency_id = $1 and w.fact_id = f.fact_id)
order by account_id, value_on, value_us, fact_id;

-- name: posting_schedule_load
-- in:   uuid agency_id, uuid[] account_id
-- out:  uuid account_id, int4 instalment_no, date due_on, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor
-- why:  the newest snapshot's schedule, where a replay begins.
select i.account_id, i.instalment_no, i.due_on, i.fees_minor, i.penalty_minor, i.interest_minor, i.principal_minor
from unnest($2) q (account_id)
join lateral (
    select as_of_on, received_us from snapshot s where s.agency_id = $1 and s.account_id = q.account_id
    order by as_of_on desc, received_us desc limit 1) s on true
join instalment i on i.agency_id = $1 and i.account_id = q.account_id and i.as_of_on = s.as_of_on
    and i.received_us = s.received_us
order by i.account_id, i.due_on, i.instalment_no;

-- name: payment_insert
-- in:   uuid agency_id, uuid[] payment_id, uuid[] account_id, int2[] source, text[] source_reference, int2[] tender, int2[] tag, int8[] amount_minor, text[] currency, int8[] value_us, date[] value_on, date[] posting_on, int8[] received_us, uuid[] collector_id, uuid[] actor_id
-- out:  none
insert into payment (agency_id, payment_id, account_id, source, source_reference, tender, tag, amount_minor, currency,
    value_us, value_on, posting_on, received_us, collector_id, actor_id)
select $1, u.payment_id, u.account_id, u.source, u.source_reference, u.tender, u.tag, u.amount_minor, u.currency,
       u.value_us, u.value_on, u.posting_on, u.received_us, u.collector_id, u.actor_id
from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    u (payment_id, account_id, source, source_reference, tender, tag, amount_minor, currency, value_us, value_on,
       posting_on, received_us, collector_id, actor_id);

-- name: reversal_insert
-- in:   uuid agency_id, uuid[] payment_id, uuid[] reversal_id, int2[] reason, date[] value_on, date[] posting_on, int8 at_us, uuid[] actor_id
-- out:  none
insert into payment_reversal (agency_id, payment_id, reversal_id, reason, value_on, posting_on, at_us, actor_id)
select $1, u.payment_id, u.reversal_id, u.reason, u.value_on, u.posting_on, $7, u.actor_id
from unnest($2, $3, $4, $5, $6, $8) u (payment_id, reversal_id, reason, value_on, posting_on, actor_id);

-- name: allocation_insert
-- in:   uuid agency_id, uuid[] payment_id, int4[] version, int4[] instalment_no, int8[] fees_minor, int8[] penalty_minor, int8[] interest_minor, int8[] principal_minor, int8[] credit_minor, int8[] debt_minor, uuid[] posting_id
-- out:  none
insert into allocation (agency_id, payment_id, version, instalment_no, fees_minor, penalty_minor, interest_minor,
    principal_minor, credit_minor, debt_minor, posting_id)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) u;

-- name: posting_insert
-- in:   uuid agency_id, uuid[] posting_id, int2[] kind, uuid[] trigger_id, uuid[] account_id, date[] value_on, date[] posting_on, int8 at_us, int8 writer_id, int8[] writer_n, bytea[] digest
-- out:  none
insert into posting (agency_id, posting_id, kind, trigger_id, account_id, value_on, posting_on, at_us, writer_id,
    writer_n, digest)
select $1, u.posting_id, u.kind, u.trigger_id, u.account_id, u.value_on, u.posting_on, $8, $9, u.writer_n, u.digest
from unnest($2, $3, $4, $5, $6, $7, $10, $11)
    u (posting_id, kind, trigger_id, account_id, value_on, posting_on, writer_n, digest);

-- name: account_fact_insert
-- in:   uuid agency_id, uuid[] fact_id, uuid[] posting_id, uuid[] account_id, int2[] kind, int8[] amount_minor, text[] currency, int4[] instalment_no, int2[] component, int8[] value_us, date[] value_on, int8[] received_us, text[] reason, uuid[] actor_id
-- out:  none
insert into account_fact (agency_id, fact_id, posting_id, account_id, kind, amount_minor, currency, instalment_no,
    component, value_us, value_on, received_us, reason, actor_id)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) u;

-- name: account_fact_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid fact_id, uuid posting_id, uuid account_id, int2 kind, int8 amount_minor, text currency, int4 instalment_no, int2 component, int8 value_us, date value_on, int8 received_us, text reason, uuid actor_id
select fact_id, posting_id, account_id, kind, amount_minor, currency::text as currency, instalment_no, component, value_us,
       value_on, received_us, reason, actor_id
from account_fact where agency_id = $1 and posting_id = any($2) order by posting_id, fact_id;

-- name: account_fact_withdrawal_insert
-- in:   uuid agency_id, uuid[] fact_id, uuid[] posting_id, int8[] at_us, text[] reason, uuid[] actor_id
-- out:  none
insert into account_fact_withdrawal (agency_id, fact_id, posting_id, at_us, reason, actor_id)
select $1, u.* from unnest($2, $3, $4, $5, $6) u;

-- name: account_fact_withdrawal_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid fact_id, uuid posting_id, int8 at_us, text reason, uuid actor_id
select fact_id, posting_id, at_us, reason, actor_id
from account_fact_withdrawal where agency_id = $1 and posting_id = any($2) order by posting_id, fact_id;

-- name: ledger_line_insert
-- in:   uuid agency_id, uuid[] posting_id, int2[] line_no, int2[] ledger_account, uuid[] owner_id, text[] currency, int8[] amount_minor
-- out:  none
insert into ledger_line (agency_id, posting_id, line_no, ledger_account, owner_id, currency, amount_minor)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7) u;

-- name: bonus_line_insert
-- in:   uuid agency_id, uuid[] payment_id, int2[] line_no, uuid[] line_id, int2[] kind, uuid[] collector_id, uuid[] team_id, date[] month_on, text[] currency, uuid[] account_id, date[] value_on, text[] scheme, int4[] scheme_version, int8[] base_minor, int8[] amount_minor, int2[] bucket, int4[] bucket_factor, int4[] tier_factor, int4[] target_factor, int4[] tag_factor, int2[] tag, int8[] mtd_minor, int8[] target_minor, int4[] target_version, bool[] capped, bool[] on_hold, date[] hold_from_on, bytea[] allocation_digest, int8[] chain_n, bytea[] prev_hash, bytea[] hash, uuid[] posting_id
-- out:  none
insert into bonus_line (agency_id, payment_id, line_no, line_id, kind, collector_id, team_id, month_on, currency,
    account_id, value_on, scheme, scheme_version, base_minor, amount_minor, bucket, bucket_factor, tier_factor,
    target_factor, tag_factor, tag, mtd_minor, target_minor, target_version, capped, on_hold, hold_from_on,
    allocation_digest, chain_n, prev_hash, hash, posting_id)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
    $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32) u;

-- name: bonus_taken_insert
-- in:   uuid agency_id, uuid[] posting_id, uuid[] line_id, uuid[] taken_line_id, int8[] amount_minor, int8[] base_minor
-- out:  none
insert into bonus_taken (agency_id, posting_id, line_id, taken_line_id, amount_minor, base_minor)
select $1, u.* from unnest($2, $3, $4, $5, $6) u;

-- name: bonus_taken_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid posting_id, uuid line_id, uuid taken_line_id, int8 amount_minor, int8 base_minor
select posting_id, line_id, taken_line_id, amount_minor, base_minor
from bonus_taken where agency_id = $1 and posting_id = any($2) order by posting_id, line_id, taken_line_id;

-- name: bonus_share_insert
-- in:   uuid agency_id, uuid[] payment_id, uuid[] collector_id, uuid[] posting_id, date[] month_on, int4[] split_version, int4[] share_bp, int8[] base_minor
-- out:  none
insert into bonus_share (agency_id, payment_id, collector_id, posting_id, month_on, split_version, share_bp, base_minor)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8) u;

-- name: bonus_share_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid payment_id, uuid collector_id, uuid posting_id, date month_on, int4 split_version, int4 share_bp, int8 base_minor
select payment_id, collector_id, posting_id, month_on, split_version, share_bp, base_minor
from bonus_share where agency_id = $1 and posting_id = any($2) order by posting_id, payment_id, collector_id;

-- name: posting_account_reopen
-- in:   uuid agency_id, uuid[] account_id, int2[] status, uuid[] collector_id
-- out:  bool all_written
-- why:  back into the state and hands that it was closed from (R-LIF-1).
with written as (
    update account_state s
    set status = u.status, collector_id = u.collector_id, version = s.version + 1
    from unnest($2, $3, $4) u (account_id, status, collector_id)
    where s.agency_id = $1 and s.account_id = u.account_id
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: posting_account_save
-- in:   uuid agency_id, uuid[] account_id, int8[] fees_minor, int8[] penalty_minor, int8[] interest_minor, int8[] principal_minor, int8[] credit_minor, int8[] debt_allocated_minor, date[] oldest_due_on, date[] last_value_on, int8[] last_value_us, uuid[] last_payment_id, date[] day_on, int2[] day_bucket, date[] month_on, int2[] month_bucket, int8[] recoverable_minor
-- out:  bool all_written
with written as (
    update account_state s
    set fees_minor = u.fees, penalty_minor = u.penalty, interest_minor = u.interest, principal_minor = u.principal,
        credit_minor = u.credit, debt_allocated_minor = u.debt_allocated, oldest_due_on = u.oldest_due_on,
        last_value_on = u.last_value_on, last_value_us = u.last_value_us, last_payment_id = u.last_payment_id,
        day_on = u.day_on, day_bucket = u.day_bucket, month_on = u.month_on, month_bucket = u.month_bucket,
        recoverable_minor = u.recoverable,
        version = s.version + 1
    from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        u (account_id, fees, penalty, interest, principal, credit, debt_allocated, oldest_due_on, last_value_on,
           last_value_us, last_payment_id, day_on, day_bucket, month_on, month_bucket, recoverable)
    where s.agency_id = $1 and s.account_id = u.account_id
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: posting_instalment_save
-- in:   uuid agency_id, uuid[] account_id, int4[] instalment_no, int2[] state, int8[] fees_minor, int8[] penalty_minor, int8[] interest_minor, int8[] principal_minor
-- out:  bool all_written
with written as (
    update instalment_state s
    set state = u.state, fees_minor = u.fees, penalty_minor = u.penalty, interest_minor = u.interest,
        principal_minor = u.principal
    from unnest($2, $3, $4, $5, $6, $7, $8) u (account_id, instalment_no, state, fees, penalty, interest, principal)
    where s.agency_id = $1 and s.account_id = u.account_id and s.instalment_no = u.instalment_no
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: posting_collector_save
-- in:   uuid agency_id, uuid[] collector_id, text[] currency, int8[] bonus_n, bytea[] bonus_head, int8[] cash_held_minor, int8[] cheques_in_hand_minor, int8[] deposit_in_transit_minor, int8[] collector_receivable_minor, int8[] bonus_payable_minor
-- out:  bool all_written
with written as (
    update collector_state s
    set bonus_n = u.bonus_n, bonus_head = u.bonus_head, cash_held_minor = u.cash_held,
        cheques_in_hand_minor = u.cheques_in_hand, deposit_in_transit_minor = u.deposit_in_transit,
        collector_receivable_minor = u.receivable, bonus_payable_minor = u.bonus_payable
    from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10)
        u (collector_id, currency, bonus_n, bonus_head, cash_held, cheques_in_hand, deposit_in_transit, receivable,
           bonus_payable)
    where s.agency_id = $1 and s.collector_id = u.collector_id and s.currency = u.currency
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: posting_month_save
-- in:   uuid agency_id, uuid[] collector_id, date[] month_on, text[] currency, int8[] mtd_minor, int8[] bonus_minor
-- out:  none
insert into collector_month (agency_id, collector_id, month_on, currency, mtd_minor, bonus_minor)
select $1, u.* from unnest($2, $3, $4, $5, $6) u
on conflict (agency_id, collector_id, month_on, currency) do update
set mtd_minor = excluded.mtd_minor, bonus_minor = excluded.bonus_minor;

-- name: posting_writer_save
-- in:   uuid agency_id, int8 writer_id, int8 n, bytea head
-- out:  none
update posting_writer set n = $3, head = $4 where agency_id = $1 and writer_id = $2;
