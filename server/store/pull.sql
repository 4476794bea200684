-- What a phone holds: the visits of one collector that are open or of today, with their accounts; and what of it changed.
-- Both statements answer the same columns: a place in the feed, a visit, an account, a fate; what is not meant is null.

-- name: pull_whole
-- in:   uuid agency_id, int4[] row, uuid[] collector_id, uuid[] after_id, int4[] limit_rows, int8 now_us
-- out:  int4 row, int8 xid, int8 n, int2 kind, uuid object_id, uuid visit_id, uuid visit_account, uuid visit_collector, int2 purpose, date planned_on, int2 policy, int2 state, int4 visit_version, int8 lease_until_us, int4 visit_lat_e7, int4 visit_lon_e7, int4 radius_mm, int2 presence, int2 outcome, int2 outcome_list, uuid account_id, bool mine, text account_no, text customer_no, text product, text currency, text plate, int2 status, date hold_until_on, uuid account_collector, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, int8 credit_minor, bool no_schedule, date oldest_due_on, int4 account_lat_e7, int4 account_lon_e7, text district, int4 account_version, date today_on, bytea entry_hash, int2 fate, int8 flags, date silent_until_on, text rule_set, int4 rule_set_version, date rule_set_since_on
-- why:  leases end with a hold of 30 days (R-LIF-2), so what was planned 60 days ago is not open any more. The inner
--       select keeps the planner on the collector's index: in the order of visit_id it would walk the agency's visits.
select q.row, null::int8 as xid, null::int8 as n, null::int2 as kind, null::uuid as object_id,
       s.visit_id, s.account_id as visit_account, s.collector_id as visit_collector, s.purpose, s.planned_on, v.policy,
       s.state, s.version as visit_version, s.lease_until_us, v.lat_e7 as visit_lat_e7, v.lon_e7 as visit_lon_e7,
       v.radius_mm, s.presence, s.outcome, s.outcome_list,
       a.account_id, true as mine, a.account_no, c.customer_no, a.product, a.currency::text as currency, a.plate,
       t.status, t.hold_until_on, t.collector_id as account_collector, t.fees_minor, t.penalty_minor, t.interest_minor,
       t.principal_minor, t.credit_minor, t.no_schedule, t.oldest_due_on, t.lat_e7 as account_lat_e7,
       t.lon_e7 as account_lon_e7, t.district, t.version as account_version, g.today_on,
       null::bytea as entry_hash, null::int2 as fate, null::int8 as flags,
       (select x.until_on from account_silence_state x where x.agency_id = $1 and x.account_id = a.account_id) as silent_until_on,
       u.name as rule_set, u.version as rule_set_version, u.value_on as rule_set_since_on
from (select d.today_on, d.today_on - 60 as since_on
      from (select agency_date($6, x.time_zone) as today_on from agency x where x.agency_id = $1 offset 0) d offset 0) g
cross join unnest($2, $3, $4, $5) q (row, collector_id, after_id, limit_rows)
cross join lateral (
    select y.visit_id, y.account_id, y.collector_id, y.purpose, y.planned_on, y.state, y.version, y.lease_until_us,
           y.presence, y.outcome, y.outcome_list
    from (select x.visit_id, x.account_id, x.collector_id, x.purpose, x.planned_on, x.state, x.version, x.lease_until_us,
                 x.presence, x.outcome, x.outcome_list
          from visit_state x
          where x.agency_id = $1 and x.collector_id = q.collector_id and x.planned_on >= g.since_on
            and (x.live or x.planned_on = g.today_on) offset 0) y
    where y.visit_id > q.after_id
    order by y.visit_id limit q.limit_rows) s
cross join lateral (
    select x.policy, x.lat_e7, x.lon_e7, x.radius_mm from visit x
    where x.agency_id = $1 and x.visit_id = s.visit_id offset 0) v
cross join lateral (
    select x.account_id, x.account_no, x.customer_id, x.product, x.currency, x.plate from account x
    where x.agency_id = $1 and x.account_id = s.account_id offset 0) a
cross join lateral (
    select x.customer_no from customer x where x.agency_id = $1 and x.customer_id = a.customer_id offset 0) c
cross join lateral (
    select x.status, x.hold_until_on, x.collector_id, x.fees_minor, x.penalty_minor, x.interest_minor, x.principal_minor,
           x.credit_minor, x.no_schedule, x.oldest_due_on, x.lat_e7, x.lon_e7, x.district, x.version
    from account_state x where x.agency_id = $1 and x.account_id = s.account_id offset 0) t
left join lateral (
    select x.name, x.version, x.value_on from account_rule_set x
    where x.agency_id = $1 and x.account_id = a.account_id and x.value_on <= g.today_on
    order by x.value_on desc, x.made_us desc, x.posting_id desc limit 1) u on true
order by q.row, s.visit_id;

-- name: pull_changes
-- in:   uuid agency_id, int4[] row, uuid[] collector_id, int8[] xid, int8[] n, int4[] limit_rows, int8 now_us
-- out:  int4 row, int8 xid, int8 n, int2 kind, uuid object_id, uuid visit_id, uuid visit_account, uuid visit_collector, int2 purpose, date planned_on, int2 policy, int2 state, int4 visit_version, int8 lease_until_us, int4 visit_lat_e7, int4 visit_lon_e7, int4 radius_mm, int2 presence, int2 outcome, int2 outcome_list, uuid account_id, bool mine, text account_no, text customer_no, text product, text currency, text plate, int2 status, date hold_until_on, uuid account_collector, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, int8 credit_minor, bool no_schedule, date oldest_due_on, int4 account_lat_e7, int4 account_lon_e7, text district, int4 account_version, date today_on, bytea entry_hash, int2 fate, int8 flags, date silent_until_on, text rule_set, int4 rule_set_version, date rule_set_since_on
-- why:  each settled change of a collector with what it speaks of as that is now; mine: he has an open or today's visit
--       there. Casts and coalesce are done before the laterals: row-level security lets only bare values into an index.
select q.row, f.xid, f.n, f.kind, f.object_id,
       s.visit_id, s.account_id as visit_account, s.collector_id as visit_collector, s.purpose, s.planned_on, v.policy,
       s.state, s.version as visit_version, s.lease_until_us, v.lat_e7 as visit_lat_e7, v.lon_e7 as visit_lon_e7,
       v.radius_mm, s.presence, s.outcome, s.outcome_list,
       a.account_id, m.mine, a.account_no, c.customer_no, a.product, a.currency::text as currency, a.plate,
       t.status, t.hold_until_on, t.collector_id as account_collector, t.fees_minor, t.penalty_minor, t.interest_minor,
       t.principal_minor, t.credit_minor, t.no_schedule, t.oldest_due_on, t.lat_e7 as account_lat_e7,
       t.lon_e7 as account_lon_e7, t.district, t.version as account_version, g.today_on,
       k.entry_hash, coalesce(e.fate, k.fate) as fate, coalesce(e.flags, k.flags) as flags,
       (select x.until_on from account_silence_state x where x.agency_id = $1 and x.account_id = a.account_id) as silent_until_on,
       u.name as rule_set, u.version as rule_set_version, u.value_on as rule_set_since_on
from (select agency_date($7, x.time_zone) as today_on from agency x where x.agency_id = $1 offset 0) g
cross join (
    select u.row, u.collector_id, u.xid::text::xid8 as xid, u.n, u.limit_rows
    from unnest($2, $3, $4, $5, $6) u (row, collector_id, xid, n, limit_rows) offset 0) q
cross join lateral (
    select x.xid::text::int8 as xid, x.n, x.kind, x.object_id, x.account_id from change x
    where x.agency_id = $1 and x.collector_id = q.collector_id and (x.xid, x.n) > (q.xid, q.n)
      and x.xid < pg_snapshot_xmin(pg_current_snapshot())
    order by x.xid, x.n limit q.limit_rows) f
left join lateral (
    select x.visit_id, x.account_id, x.collector_id, x.purpose, x.planned_on, x.state, x.version, x.lease_until_us,
           x.presence, x.outcome, x.outcome_list
    from visit_state x
    where f.kind between 10 and 19 and x.agency_id = $1 and x.visit_id = f.object_id offset 0) s on true
left join lateral (
    select x.policy, x.lat_e7, x.lon_e7, x.radius_mm from visit x
    where x.agency_id = $1 and x.visit_id = s.visit_id offset 0) v on true
cross join lateral (select coalesce(s.account_id, f.account_id) as account_id offset 0) b
left join lateral (
    select x.account_id, x.account_no, x.customer_id, x.product, x.currency, x.plate from account x
    where x.agency_id = $1 and x.account_id = b.account_id offset 0) a on true
left join lateral (
    select x.customer_no from customer x where x.agency_id = $1 and x.customer_id = a.customer_id offset 0) c on true
left join lateral (
    select x.status, x.hold_until_on, x.collector_id, x.fees_minor, x.penalty_minor, x.interest_minor, x.principal_minor,
           x.credit_minor, x.no_schedule, x.oldest_due_on, x.lat_e7, x.lon_e7, x.district, x.version
    from account_state x where x.agency_id = $1 and x.account_id = a.account_id offset 0) t on true
left join lateral (
    select exists (
               select from visit_state x
               where x.agency_id = $1 and x.account_id = a.account_id and x.live and x.collector_id = q.collector_id)
           or exists (
               select from visit_state x
               where x.agency_id = $1 and x.collector_id = q.collector_id and x.planned_on = g.today_on
                 and x.account_id = a.account_id) as mine
    where a.account_id is not null) m on true
left join lateral (
    select x.entry_hash, x.fate, x.flags from journal_key x
    where f.kind = 60 and x.agency_id = $1 and x.entry_id = f.object_id and x.owns_id offset 0) k on true
left join lateral (
    select x.fate, x.flags from entry_event x
    where x.agency_id = $1 and x.entry_hash = k.entry_hash order by x.n desc limit 1) e on true
left join lateral (
    select x.name, x.version, x.value_on from account_rule_set x
    where x.agency_id = $1 and x.account_id = a.account_id and x.value_on <= g.today_on
    order by x.value_on desc, x.made_us desc, x.posting_id desc limit 1) u on true
order by q.row, f.xid, f.n;
