-- The life of accounts: what the day's runs find, and what an act changes (R-LIF-1..5). Locks are taken by id; what was
-- found before the lock is looked at again under it.

-- name: lifecycle_ended
-- in:   uuid agency_id, date until_on, int4 limit_rows
-- out:  uuid account_id, date hold_until_on
-- why:  holds that are over, of the earliest day that has any: days are worked off in their order (R-LIF-3).
select s.account_id, s.hold_until_on
from account_state s
where s.agency_id = $1 and s.status = 3 and s.hold_until_on = (
    select x.hold_until_on from account_state x
    where x.agency_id = $1 and x.status = 3 and x.hold_until_on <= $2 order by x.hold_until_on limit 1)
order by s.account_id
limit $3;

-- name: lifecycle_ended_page
-- in:   uuid agency_id, date until_on, date after_on, uuid after_id, int4 limit_rows
-- out:  uuid account_id, date hold_until_on
-- why:  the same for a dry run, which changes nothing and so goes on from place to place.
select s.account_id, s.hold_until_on
from account_state s
where s.agency_id = $1 and s.status = 3 and s.hold_until_on <= $2 and s.hold_until_on >= $3
  and (s.hold_until_on, s.account_id) > ($3, $4)
order by s.hold_until_on, s.account_id
limit $5;

-- name: lifecycle_ending
-- in:   uuid agency_id, date today_on, int4 days, uuid after_id, int4 limit_rows
-- out:  uuid account_id
-- why:  holds that end within so many days: their holder is to be warned (R-LIF-5). Whoever has had both warnings is
--       passed over.
select s.account_id
from account_state s
where s.agency_id = $1 and s.status = 3 and s.hold_until_on > $2 and s.hold_until_on <= $2 + $3
  and s.hold_warnings < 2 and s.account_id > $4
order by s.account_id
limit $5;

-- name: lifecycle_paid
-- in:   uuid agency_id, uuid after_id, int4 limit_rows
-- out:  uuid account_id
-- why:  live, and nothing open (R-LIF-1). Once a day through all accounts in the order of their key: an index on balances
--       would cost every posting.
select s.account_id
from account_state s
where s.agency_id = $1 and s.account_id > $2 and s.status < 7
  and s.fees_minor + s.penalty_minor + s.interest_minor + s.principal_minor = 0 and s.recoverable_minor = 0
order by s.account_id
limit $3;

-- name: lifecycle_late
-- in:   uuid agency_id, int8 since_us, int4 limit_rows
-- out:  uuid account_id, uuid object_id, bool is_payment, int8 value_us, int8 taken_us
-- why:  money and promises from before a takeover that came after it was marked: it stands, a person is told (R-LIF-3),
--       once a fact.
select t.account_id, f.object_id, f.is_payment, f.value_us, t.at_us as taken_us
from account_event t
cross join lateral (
    select p.payment_id as object_id, true as is_payment, p.value_us from payment p
    where p.agency_id = $1 and p.account_id = t.account_id and p.value_us < t.at_us and p.received_us >= t.recorded_us
    union all
    select m.promise_id, false, m.value_us from promise m
    where m.agency_id = $1 and m.account_id = t.account_id and m.value_us < t.at_us and m.received_us >= t.recorded_us
    offset 0) f
where t.agency_id = $1 and t.kind = 'TAKEN_OVER' and t.recorded_us >= $2
  and not exists (
      select from account_event e
      where e.agency_id = $1 and e.account_id = t.account_id and e.kind = 'LATE_FACT' and e.object_id = f.object_id)
order by t.account_id, f.value_us, f.object_id
limit $3;

-- name: lifecycle_lock
-- in:   uuid agency_id, uuid[] account_id
-- out:  uuid account_id
select account_id from account_state
where agency_id = $1 and account_id = any($2) order by account_id for no key update;

-- name: lifecycle_visit_lock
-- in:   uuid agency_id, uuid[] account_id
-- out:  uuid visit_id
-- why:  visits with a live lease: it ends with the hold (R-LIF-2).
select visit_id from visit_state
where agency_id = $1 and account_id = any($2) and live order by visit_id for no key update;

-- name: lifecycle_load
-- in:   uuid agency_id, uuid[] account_id, date[] until_on
-- out:  uuid account_id, text account_no, int2 status, date hold_from_on, date hold_until_on, uuid collector_id, int2 promise_days, int2 warnings, int4 version, int8 open_minor, int8 credit_minor, bool settled, int8 ends_us, int8 last_us, int2 former_status, uuid former_collector
-- why:  one row an account asked for, in that order, null where there is none. open_minor: what is owed, a refund that
--       may be taken back included (R-PAY-6). ends_us: 00:00 of the day on which the
--       hold ends (or of until_on, where it is given); last_us: of the newest event, before which nothing takes effect
--       any more; former_*: before the newest closing.
select s.account_id, a.account_no, s.status, s.hold_from_on, s.hold_until_on, s.collector_id,
       s.hold_promise_days as promise_days, s.hold_warnings as warnings, s.version,
       s.fees_minor + s.penalty_minor + s.interest_minor + s.principal_minor + s.recoverable_minor as open_minor, s.credit_minor,
       o.offer_id is not null as settled,
       (extract(epoch from coalesce(q.until_on, s.hold_until_on)::timestamp at time zone g.time_zone) * 1000000)::int8 as ends_us,
       l.at_us as last_us, c.status_before as former_status, c.collector_before as former_collector
from unnest($2, $3) with ordinality q (account_id, until_on, i)
cross join agency g
left join lateral (
    select x.account_id, x.status, x.hold_from_on, x.hold_until_on, x.collector_id, x.hold_promise_days, x.hold_warnings,
           x.version, x.fees_minor, x.penalty_minor, x.interest_minor, x.principal_minor, x.recoverable_minor, x.credit_minor, x.offer_id
    from account_state x where x.agency_id = $1 and x.account_id = q.account_id offset 0) s on true
left join lateral (
    select x.offer_id from settlement_offer_state x
    where x.agency_id = $1 and x.offer_id = s.offer_id and x.state = 3 offset 0) o on true
left join lateral (
    select x.account_no from account x where x.agency_id = $1 and x.account_id = q.account_id offset 0) a on true
left join lateral (
    select x.at_us from account_event x
    where x.agency_id = $1 and x.account_id = q.account_id order by x.at_us desc limit 1) l on true
left join lateral (
    select x.status_before, x.collector_before from account_event x
    where s.status >= 10 and x.agency_id = $1 and x.account_id = q.account_id and x.status_after >= 10
      and x.status_before is distinct from x.status_after
    order by x.at_us desc, x.event_id desc limit 1) c on true
where g.agency_id = $1
order by q.i;

-- name: lifecycle_promise_load
-- in:   uuid agency_id, uuid[] account_id, date[] until_on, int8[] ends_us
-- out:  int4 row, date due_on
-- why:  promises that may extend a hold: accepted, open by what was known when it ended, due within grace before and 3
--       days after. A plan's instalments are not asked: the plan itself extends.
select (q.i - 1)::int4 as row, m.due_on
from unnest($2, $3, $4) with ordinality q (account_id, until_on, ends_us, i)
cross join lateral (
    select x.promise_id, x.due_on, x.refused from promise_state x
    where x.agency_id = $1 and x.account_id = q.account_id and x.plan_id is null and x.due_on > q.until_on - 3
      and x.due_on <= q.until_on + 3
    offset 0) m
cross join lateral (
    select e.state_after from promise_event e
    where e.agency_id = $1 and e.promise_id = m.promise_id and e.at_us < q.ends_us
    order by e.n desc limit 1) e
where m.refused = 0 and e.state_after = 1
order by q.i, m.due_on;

-- name: lifecycle_plan_load
-- in:   uuid agency_id, uuid[] account_id, int8[] ends_us
-- out:  int4 row, date due_on
-- why:  plans that were active by what was known when the hold ended, with their next open instalment.
select (q.i - 1)::int4 as row, min(m.due_on) as due_on
from unnest($2, $3) with ordinality q (account_id, ends_us, i)
cross join lateral (
    select x.plan_id from plan_state x where x.agency_id = $1 and x.account_id = q.account_id offset 0) l
cross join lateral (
    select e.state_after from plan_event e
    where e.agency_id = $1 and e.plan_id = l.plan_id and e.at_us < q.ends_us
    order by e.n desc limit 1) p
cross join lateral (
    select x.promise_id, x.due_on from promise x
    where x.agency_id = $1 and x.plan_id = l.plan_id and p.state_after = 3 offset 0) m
cross join lateral (
    select e.state_after from promise_event e
    where e.agency_id = $1 and e.promise_id = m.promise_id and e.at_us < q.ends_us
    order by e.n desc limit 1) o
where o.state_after = 1
group by q.i
order by q.i;

-- name: lifecycle_save
-- in:   uuid agency_id, uuid[] account_id, int2[] status, date[] hold_from_on, date[] hold_until_on, uuid[] collector_id, int2[] promise_days, int2[] warnings
-- out:  bool all_written
with written as (
    update account_state s
    set status = u.status, hold_from_on = u.hold_from_on, hold_until_on = u.hold_until_on, collector_id = u.collector_id,
        hold_promise_days = u.promise_days, hold_warnings = u.warnings, version = s.version + 1
    from unnest($2, $3, $4, $5, $6, $7, $8)
        u (account_id, status, hold_from_on, hold_until_on, collector_id, promise_days, warnings)
    where s.agency_id = $1 and s.account_id = u.account_id
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: verify_diff_holds
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  the hold of an account as the newest event that speaks of one tells it.
select 'account_state'::text as table_name, s.account_id::text as key, v.column_name, v.stored, v.expected
from account_state s
join lateral (
    select e.hold_from_on, e.hold_until_after, e.promise_days from account_event e
    where e.agency_id = $1 and e.account_id = s.account_id and e.hold_until_after is not null
    order by e.recorded_us desc, e.at_us desc, e.event_id desc limit 1) e on true
cross join lateral (values
    ('hold_from_on', coalesce(s.hold_from_on::text, ''), coalesce(e.hold_from_on::text, '')),
    ('hold_until_on', coalesce(s.hold_until_on::text, ''), e.hold_until_after::text),
    ('hold_promise_days', s.hold_promise_days::text, e.promise_days::text)) v (column_name, stored, expected)
where s.agency_id = $1 and v.stored <> v.expected
order by 2, 3;

-- name: lifecycle_candidates
-- in:   uuid agency_id, uuid after_id, int4 limit_rows
-- out:  uuid account_id, text account_no, date as_of_on, text file_name
-- why:  live, and in no file since the newest FULL one (R-IMP-1).
select s.account_id, a.account_no, f.as_of_on, f.name as file_name
from (select x.as_of_on, x.name from import_file x
      where x.agency_id = $1 and x.mode = 'FULL' and x.kind = 'accounts'
      order by x.as_of_on desc, x.started_us desc limit 1) f
cross join lateral (
    select x.account_id from account_state x
    where x.agency_id = $1 and x.account_id > $2 and x.status in (2, 3, 5, 6)
      and not exists (select from snapshot n
                      where n.agency_id = $1 and n.account_id = x.account_id and n.as_of_on >= f.as_of_on)
    order by x.account_id limit $3) s
join account a on a.agency_id = $1 and a.account_id = s.account_id
order by s.account_id;

-- name: agency_ids
-- in:   none
-- out:  uuid agency_id
-- why:  without agency: for the runs that are told none.
select a as agency_id from agency_ids() a;
