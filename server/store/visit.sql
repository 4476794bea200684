-- Visits: planning, reading, and how they end (R-VIS-*).

-- name: visit_account_lock
-- in:   uuid agency_id, uuid[] account_id
-- out:  uuid account_id
-- why:  before visits in the lock order; planning is decided by what is leased on the account.
select account_id from account_state
where agency_id = $1 and account_id = any($2) order by account_id for no key update;

-- name: visit_plan_load
-- in:   uuid agency_id, uuid[] visit_id, uuid[] account_id, uuid[] collector_id, int2[] purpose, date[] planned_on, int8 now_us
-- out:  uuid known_account, uuid known_collector, int2 known_purpose, date known_on, int2 status, uuid holder, date hold_until_on, int4 lat_e7, int4 lon_e7, int2 address_quality, int2 staff_state, int4 roles, uuid leased_visit, int8 lease_from_us, int8 lease_until_us, date today_on, date silent_until_on
-- why:  for each visit: itself if it is known, its account, its collector, and who has a live lease. A lease is the
--       planned day from 00:00 to 04:00 of the next, agency time, and ends with the hold (R-LIF-2).
select k.account_id as known_account, k.collector_id as known_collector, k.purpose as known_purpose,
       k.planned_on as known_on, s.status, s.collector_id as holder, s.hold_until_on, s.lat_e7, s.lon_e7, s.address_quality,
       t.state as staff_state, t.roles, l.visit_id as leased_visit,
       (extract(epoch from q.planned_on::timestamp at time zone g.time_zone) * 1000000)::int8 as lease_from_us,
       (extract(epoch from least(q.planned_on + interval '28 hours', s.hold_until_on::timestamp) at time zone g.time_zone)
            * 1000000)::int8 as lease_until_us,
       agency_date($7, g.time_zone) as today_on,
       (select x.until_on from account_silence_state x where x.agency_id = $1 and x.account_id = q.account_id) as silent_until_on
from unnest($2, $3, $4, $5, $6) with ordinality q (visit_id, account_id, collector_id, purpose, planned_on, i)
cross join agency g
left join lateral (
    select v.account_id, e.collector_id, v.purpose, v.planned_on
    from visit v join visit_event e on e.agency_id = $1 and e.visit_id = v.visit_id and e.version = 1 and e.kind = 'PLANNED'
    where v.agency_id = $1 and v.visit_id = q.visit_id limit 1) k on true
left join lateral (
    select x.status, x.collector_id, x.hold_until_on, x.lat_e7, x.lon_e7, x.address_quality from account_state x
    where x.agency_id = $1 and x.account_id = q.account_id limit 1) s on true
left join lateral (
    select y.state, y.roles from staff_state y where y.agency_id = $1 and y.user_id = q.collector_id limit 1) t on true
left join lateral (
    select z.visit_id from visit_state z
    where z.agency_id = $1 and z.account_id = q.account_id and z.purpose = q.purpose and z.live limit 1) l on true
where g.agency_id = $1
order by q.i;

-- name: visit_insert
-- in:   uuid agency_id, uuid[] visit_id, uuid[] account_id, int2[] purpose, date[] planned_on, int4[] lat_e7, int4[] lon_e7, int2[] address_quality, int4[] radius_mm, int2[] policy, text[] gate_verdict, int8 created_us, uuid created_by
-- out:  none
insert into visit (agency_id, visit_id, account_id, purpose, planned_on, lat_e7, lon_e7, address_quality, radius_mm,
    policy, gate_verdict, created_us, created_by)
select $1, u.*, $12, $13 from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) u;

-- name: visit_state_insert
-- in:   uuid agency_id, uuid[] visit_id, uuid[] account_id, int2[] purpose, uuid[] collector_id, date[] planned_on, int8[] lease_from_us, int8[] lease_until_us
-- out:  none
insert into visit_state (agency_id, visit_id, account_id, purpose, collector_id, planned_on, lease_from_us, lease_until_us)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8) u;

-- name: visit_event_insert
-- in:   uuid agency_id, uuid[] visit_id, int4[] version, text[] kind, int8 at_us, uuid actor_id, uuid[] collector_id, int8[] lease_from_us, int8[] lease_until_us, text[] reason
-- out:  none
insert into visit_event (agency_id, visit_id, version, kind, at_us, actor_id, collector_id, lease_from_us, lease_until_us, reason)
select $1, u.visit_id, u.version, u.kind, $5, $6, u.collector_id, u.lease_from_us, u.lease_until_us, u.reason
from unnest($2, $3, $4, $7, $8, $9, $10) u (visit_id, version, kind, collector_id, lease_from_us, lease_until_us, reason);

-- name: visit_load
-- in:   uuid agency_id, uuid[] visit_id
-- out:  uuid account_id, uuid collector_id, date planned_on, int2 purpose, int2 policy, int2 state, int4 version, bool live, int8 lease_from_us, int8 lease_until_us, int4 lat_e7, int4 lon_e7, int4 radius_mm, int2 presence, int2 outcome, int2 outcome_list, text gate_verdict
-- why:  one row a visit asked for, null where there is none.
select v.account_id, s.collector_id, s.planned_on, v.purpose, v.policy, s.state, s.version, s.live, s.lease_from_us,
       s.lease_until_us, v.lat_e7, v.lon_e7, v.radius_mm, s.presence, s.outcome, s.outcome_list, v.gate_verdict
from unnest($2) with ordinality q (visit_id, i)
left join visit v on v.agency_id = $1 and v.visit_id = q.visit_id
left join visit_state s on s.agency_id = $1 and s.visit_id = q.visit_id
order by q.i;

-- name: visit_day
-- in:   uuid agency_id, uuid collector_id, date day_on, uuid after_id, int4 limit_rows
-- out:  uuid visit_id, uuid account_id, uuid collector_id, date planned_on, int2 purpose, int2 policy, int2 state, int4 version, bool live, int8 lease_from_us, int8 lease_until_us, int4 lat_e7, int4 lon_e7, int4 radius_mm, int2 presence, int2 outcome, int2 outcome_list, text gate_verdict
select s.visit_id, v.account_id, s.collector_id, s.planned_on, v.purpose, v.policy, s.state, s.version, s.live,
       s.lease_from_us, s.lease_until_us, v.lat_e7, v.lon_e7, v.radius_mm, s.presence, s.outcome, s.outcome_list, v.gate_verdict
from (select x.visit_id, x.collector_id, x.planned_on, x.state, x.version, x.live, x.lease_from_us, x.lease_until_us,
             x.presence, x.outcome, x.outcome_list
      from visit_state x
      where x.agency_id = $1 and x.collector_id = $2 and x.planned_on = $3 and x.visit_id > $4
      order by x.visit_id limit $5) s
join visit v on v.agency_id = $1 and v.visit_id = s.visit_id
order by s.visit_id;

-- name: visit_hand_over
-- in:   uuid agency_id, uuid visit_id, uuid collector_id, int8 now_us
-- out:  int4 version
update visit_state set collector_id = $3, version = version + 1, lease_from_us = greatest(lease_from_us, $4)
where agency_id = $1 and visit_id = $2
returning version;

-- name: visit_staff
-- in:   uuid agency_id, uuid user_id
-- out:  int2 state, int4 roles
select state, roles from staff_state where agency_id = $1 and user_id = $2;

-- name: visit_end
-- in:   uuid agency_id, uuid[] visit_id, int2[] state
-- out:  bool all_written
-- why:  cancelled or expired: the lease is free for another.
with written as (
    update visit_state s set state = u.state, live = false, version = s.version + 1
    from unnest($2, $3) u (visit_id, state)
    where s.agency_id = $1 and s.visit_id = u.visit_id
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: visit_overdue
-- in:   uuid agency_id, int8 now_us, int4 limit_rows
-- out:  uuid visit_id
-- why:  live leases that are over; locked, and those somebody works on right now are left for the next round.
select visit_id from visit_state
where agency_id = $1 and live and lease_until_us <= $2
order by visit_id limit $3
for no key update skip locked;

-- name: visit_overdue_agencies
-- in:   int8 now_us, int4 limit_rows
-- out:  uuid agency_id
-- why:  without agency: whose leases are over; visit_overdue then looks in each.
select a as agency_id from visit_overdue_agencies($1) a order by a limit $2;

-- name: outcome_load
-- in:   uuid agency_id, uuid[] outcome_id, uuid[] visit_id, uuid[] collector_id, int8[] value_us, uuid[] receipt_id, uuid[] promise_id
-- out:  uuid known_visit, uuid known_collector, int2 known_code, int2 known_list, int2 known_next, bytea known_note, bool under_lease, bool held, bool receipt_known, bool promise_known
-- why:  each outcome if it was reported before; whether its collector had the lease at its value instant, or ever.
select o.visit_id as known_visit, o.collector_id as known_collector, o.code as known_code, o.list_version as known_list,
       o.next_action as known_next, o.note as known_note,
       exists (select from visit_event e
               where e.agency_id = $1 and e.visit_id = q.visit_id and e.collector_id = q.collector_id
                 and e.lease_from_us <= q.value_us and q.value_us < e.lease_until_us) as under_lease,
       exists (select from visit_event e
               where e.agency_id = $1 and e.visit_id = q.visit_id and e.collector_id = q.collector_id) as held,
       exists (select from receipt r where r.agency_id = $1 and r.entry_id = q.receipt_id
               and r.visit_id = q.visit_id) as receipt_known,
       exists (select from promise m where m.agency_id = $1 and m.promise_id = q.promise_id) as promise_known
from unnest($2, $3, $4, $5, $6, $7) with ordinality q (outcome_id, visit_id, collector_id, value_us, receipt_id, promise_id, i)
left join visit_outcome o on o.agency_id = $1 and o.outcome_id = q.outcome_id
order by q.i;

-- name: outcome_insert
-- in:   uuid agency_id, uuid[] outcome_id, uuid[] visit_id, uuid[] account_id, uuid[] collector_id, int2[] code, int2[] list_version, int2[] next_action, bytea[] note, int8[] value_us, int8 received_us, int8[] flags
-- out:  none
insert into visit_outcome (agency_id, outcome_id, visit_id, account_id, collector_id, code, list_version, next_action,
    note, value_us, received_us, flags)
select $1, u.outcome_id, u.visit_id, u.account_id, u.collector_id, u.code, u.list_version, u.next_action, u.note,
       u.value_us, $11, u.flags
from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $12)
    u (outcome_id, visit_id, account_id, collector_id, code, list_version, next_action, note, value_us, flags);

-- name: visit_finish
-- in:   uuid agency_id, uuid[] visit_id, int2[] outcome, int2[] outcome_list, int8[] outcome_us
-- out:  bool all_written
with written as (
    update visit_state s
    set state = 3, live = false, outcome = u.outcome, outcome_list = u.outcome_list, outcome_us = u.outcome_us
    from unnest($2, $3, $4, $5) u (visit_id, outcome, outcome_list, outcome_us)
    where s.agency_id = $1 and s.visit_id = u.visit_id
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: visit_deal
-- in:   uuid agency_id, uuid[] collector_id, date day_on, int4 each_rows, int4 free_rows, int4 salt
-- out:  uuid account_id, int4 days_past_due, uuid collector_id
-- why:  accounts that may be visited on a day: held then, nothing leased for collection, something owed. First those of
--       the collectors named, then those that nobody works, in an order that a seed decides (R-DIS-1).
select s.account_id, greatest(0, $3 - coalesce(s.oldest_due_on, $3))::int4 as days_past_due, s.collector_id
from unnest($2) with ordinality c (collector_id, i)
cross join lateral (
    select x.account_id, x.oldest_due_on, x.collector_id from account_state x
    where x.agency_id = $1 and x.collector_id = c.collector_id and x.status = 3 and x.hold_until_on > $3
      and x.fees_minor + x.penalty_minor + x.interest_minor + x.principal_minor > 0
      and (select v.visit_id from visit_state v
           where v.agency_id = $1 and v.account_id = x.account_id and v.purpose = 1 and v.live limit 1) is null
    order by hashint4extended(hashtext(x.account_id::text), $6), x.account_id limit $4) s
union all
select s.account_id, greatest(0, $3 - coalesce(s.oldest_due_on, $3))::int4, null
from (
    select x.account_id, x.oldest_due_on from account_state x
    where x.agency_id = $1 and x.collector_id is null and x.status = 3 and x.hold_until_on > $3
      and x.fees_minor + x.penalty_minor + x.interest_minor + x.principal_minor > 0
      and (select v.visit_id from visit_state v
           where v.agency_id = $1 and v.account_id = x.account_id and v.purpose = 1 and v.live limit 1) is null
    order by hashint4extended(hashtext(x.account_id::text), $6), x.account_id limit $5) s;

-- name: visit_collectors
-- in:   uuid agency_id, date day_on
-- out:  uuid user_id, text login, int4 planned
-- why:  active collectors, and how many visits of the day they have already.
select s.user_id, s.login,
       (select count(*)::int4 from visit_state v
        where v.agency_id = $1 and v.collector_id = s.user_id and v.planned_on = $2 and v.state not in (4, 5)) as planned
from staff s join staff_state t on t.agency_id = $1 and t.user_id = s.user_id
where s.agency_id = $1 and t.state = 1 and t.roles & 1 = 1
order by s.login;

-- name: staff_logins
-- in:   uuid agency_id, text[] login
-- out:  uuid user_id, int4 roles
-- why:  in the order asked; null where there is no such active user.
select s.user_id, t.roles
from unnest($2) with ordinality q (login, i)
left join staff s on s.agency_id = $1 and lower(s.login) = lower(q.login)
left join staff_state t on t.agency_id = $1 and t.user_id = s.user_id and t.state = 1
order by q.i;

-- name: target_insert
-- in:   uuid agency_id, uuid[] collector_id, date[] month_on, int8[] amount_minor, text currency, int8 at_us, uuid made_by, uuid approved_by
-- out:  int4 row, int4 version, bool same
-- why:  a target is versioned: the same amount again changes nothing.
with q as (
    select u.collector_id, u.month_on, u.amount_minor, u.i,
           n.version, n.amount_minor as before_minor
    from unnest($2, $3, $4) with ordinality u (collector_id, month_on, amount_minor, i)
    left join lateral (
        select t.version, t.amount_minor from bonus_target t
        where t.agency_id = $1 and t.collector_id = u.collector_id and t.month_on = u.month_on
        order by t.version desc limit 1) n on true),
     written as (
    insert into bonus_target (agency_id, collector_id, month_on, version, amount_minor, currency, made_by, approved_by, at_us)
    select $1, q.collector_id, q.month_on, coalesce(q.version, 0) + 1, q.amount_minor, $5, $7, $8, $6
    from q where q.amount_minor is distinct from q.before_minor)
select (q.i - 1)::int4 as row, coalesce(q.version, 0) + (q.amount_minor is distinct from q.before_minor)::int4 as version,
       q.amount_minor is not distinct from q.before_minor as same
from q order by q.i;
