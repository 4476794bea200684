-- Accounts: reading them, their history, and who works them.

-- name: account_event_insert
-- in:   uuid agency_id, uuid[] event_id, uuid[] account_id, int8[] at_us, text[] kind, uuid actor_id, text[] reason, uuid[] collector_before, uuid[] collector_after, int2[] status_before, int2[] status_after, int8 recorded_us, date[] hold_from_on, date[] hold_until_before, date[] hold_until_after, int2[] promise_days, uuid[] object_id, uuid[] posting_id
-- out:  none
insert into account_event (agency_id, event_id, account_id, at_us, kind, actor_id, reason, collector_before, collector_after,
    status_before, status_after, recorded_us, hold_from_on, hold_until_before, hold_until_after, promise_days, object_id, posting_id)
select $1, u.event_id, u.account_id, u.at_us, u.kind, $6, u.reason, u.collector_before, u.collector_after, u.status_before,
       u.status_after, $12, u.hold_from_on, u.hold_until_before, u.hold_until_after, u.promise_days, u.object_id, u.posting_id
from unnest($2, $3, $4, $5, $7, $8, $9, $10, $11, $13, $14, $15, $16, $17, $18)
    u (event_id, account_id, at_us, kind, reason, collector_before, collector_after, status_before, status_after, hold_from_on,
       hold_until_before, hold_until_after, promise_days, object_id, posting_id);

-- name: account_event_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid event_id, uuid account_id, int8 at_us, text kind, uuid actor_id, text reason, uuid collector_before, uuid collector_after, int2 status_before, int2 status_after, int8 recorded_us, date hold_from_on, date hold_until_before, date hold_until_after, int2 promise_days, uuid object_id, uuid posting_id
-- why:  events of one posting are given by id.
select event_id, account_id, at_us, kind, actor_id, reason, collector_before, collector_after, status_before, status_after,
       recorded_us, hold_from_on, hold_until_before, hold_until_after, promise_days, object_id, posting_id
from account_event where agency_id = $1 and posting_id = any($2) order by posting_id, event_id;

-- name: account_get
-- in:   uuid agency_id, uuid account_id, text account_no, int8 now_us
-- out:  uuid account_id, text account_no, text customer_no, text product, text currency, text plate, int2 status, date hold_until_on, uuid collector_id, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, int8 credit_minor, bool no_schedule, int4 lat_e7, int4 lon_e7, text district, int4 version, date today_on, date silent_until_on, text rule_set, int4 rule_set_version, date rule_set_since_on
-- why:  by id, or by number where the id is null.
select a.account_id, a.account_no, c.customer_no, a.product, a.currency::text as currency, a.plate, s.status,
       s.hold_until_on, s.collector_id, s.fees_minor, s.penalty_minor, s.interest_minor, s.principal_minor,
       s.credit_minor, s.no_schedule, s.lat_e7, s.lon_e7, s.district, s.version, agency_date($4, g.time_zone) as today_on,
       (select x.until_on from account_silence_state x where x.agency_id = $1 and x.account_id = s.account_id) as silent_until_on,
       r.name as rule_set, r.version as rule_set_version, r.value_on as rule_set_since_on
from (select account_id from account where agency_id = $1 and account_id = $2
      union all
      select account_id from account where agency_id = $1 and account_no = $3 and $2 is null) q
join account a on a.agency_id = $1 and a.account_id = q.account_id
join account_state s on s.agency_id = $1 and s.account_id = q.account_id
join customer c on c.agency_id = $1 and c.customer_id = a.customer_id
join agency g on g.agency_id = $1
left join lateral (
    select x.name, x.version, x.value_on from account_rule_set x
    where x.agency_id = $1 and x.account_id = s.account_id and x.value_on <= agency_date($4, g.time_zone)
    order by x.value_on desc, x.made_us desc, x.posting_id desc limit 1) r on true;

-- name: account_list
-- in:   uuid agency_id, uuid after_id, int4 limit_rows, int8 now_us
-- out:  uuid account_id, text account_no, text customer_no, text product, text currency, text plate, int2 status, date hold_until_on, uuid collector_id, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, int8 credit_minor, bool no_schedule, int4 lat_e7, int4 lon_e7, text district, int4 version, date today_on, date silent_until_on, text rule_set, int4 rule_set_version, date rule_set_since_on
-- why:  all of the agency, in the order of the key.
select a.account_id, a.account_no, c.customer_no, a.product, a.currency::text as currency, a.plate, s.status,
       s.hold_until_on, s.collector_id, s.fees_minor, s.penalty_minor, s.interest_minor, s.principal_minor,
       s.credit_minor, s.no_schedule, s.lat_e7, s.lon_e7, s.district, s.version, agency_date($4, g.time_zone) as today_on,
       (select x.until_on from account_silence_state x where x.agency_id = $1 and x.account_id = s.account_id) as silent_until_on,
       r.name as rule_set, r.version as rule_set_version, r.value_on as rule_set_since_on
from (select x.account_id, x.status, x.hold_until_on, x.collector_id, x.fees_minor, x.penalty_minor,
             x.interest_minor, x.principal_minor, x.credit_minor, x.no_schedule, x.lat_e7, x.lon_e7, x.district, x.version
      from account_state x where x.agency_id = $1 and x.account_id > $2 order by x.account_id limit $3) s
join account a on a.agency_id = $1 and a.account_id = s.account_id
join customer c on c.agency_id = $1 and c.customer_id = a.customer_id
join agency g on g.agency_id = $1
left join lateral (
    select x.name, x.version, x.value_on from account_rule_set x
    where x.agency_id = $1 and x.account_id = s.account_id and x.value_on <= agency_date($4, g.time_zone)
    order by x.value_on desc, x.made_us desc, x.posting_id desc limit 1) r on true
order by s.account_id;

-- name: account_list_of
-- in:   uuid agency_id, uuid after_id, int4 limit_rows, int8 now_us, uuid collector_id
-- out:  uuid account_id, text account_no, text customer_no, text product, text currency, text plate, int2 status, date hold_until_on, uuid collector_id, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, int8 credit_minor, bool no_schedule, int4 lat_e7, int4 lon_e7, text district, int4 version, date today_on, date silent_until_on, text rule_set, int4 rule_set_version, date rule_set_since_on
-- why:  those assigned to one collector.
select a.account_id, a.account_no, c.customer_no, a.product, a.currency::text as currency, a.plate, s.status,
       s.hold_until_on, s.collector_id, s.fees_minor, s.penalty_minor, s.interest_minor, s.principal_minor,
       s.credit_minor, s.no_schedule, s.lat_e7, s.lon_e7, s.district, s.version, agency_date($4, g.time_zone) as today_on,
       (select x.until_on from account_silence_state x where x.agency_id = $1 and x.account_id = s.account_id) as silent_until_on,
       r.name as rule_set, r.version as rule_set_version, r.value_on as rule_set_since_on
from (select x.account_id, x.status, x.hold_until_on, x.collector_id, x.fees_minor, x.penalty_minor,
             x.interest_minor, x.principal_minor, x.credit_minor, x.no_schedule, x.lat_e7, x.lon_e7, x.district, x.version
      from account_state x
      where x.agency_id = $1 and x.collector_id = $5 and x.account_id > $2 order by x.account_id limit $3) s
join account a on a.agency_id = $1 and a.account_id = s.account_id
join customer c on c.agency_id = $1 and c.customer_id = a.customer_id
join agency g on g.agency_id = $1
left join lateral (
    select x.name, x.version, x.value_on from account_rule_set x
    where x.agency_id = $1 and x.account_id = s.account_id and x.value_on <= agency_date($4, g.time_zone)
    order by x.value_on desc, x.made_us desc, x.posting_id desc limit 1) r on true
order by s.account_id;

-- name: account_dues
-- in:   uuid agency_id, uuid[] account_id
-- out:  uuid account_id, int4 instalment_no, date due_on, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor
-- why:  open instalments, for the age of the debt.
select q.account_id, i.instalment_no, i.due_on, i.fees_minor, i.penalty_minor, i.interest_minor, i.principal_minor
from unnest($2) with ordinality q (account_id, n)
cross join lateral (
    select x.instalment_no, x.due_on, x.fees_minor, x.penalty_minor, x.interest_minor, x.principal_minor
    from instalment_state x
    where x.agency_id = $1 and x.account_id = q.account_id
      and x.fees_minor + x.penalty_minor + x.interest_minor + x.principal_minor > 0
    order by x.due_on, x.instalment_no offset 0) i
order by q.n, i.due_on, i.instalment_no;

-- name: account_owner
-- in:   uuid agency_id, uuid account_id
-- out:  uuid collector_id
-- why:  no row: there is no such account. Null: nobody works it.
select collector_id from account_state where agency_id = $1 and account_id = $2;

-- name: account_timeline
-- in:   uuid agency_id, uuid account_id, int8 after_n, int4 limit_rows
-- out:  int8 n, int2 kind, uuid object_id, int8 at_us, uuid collector_id, text what, int8 amount_minor, text currency, int2 code, text reason
-- why:  the feed by account, each row with what people want to know of the thing it names; no debtor data.
select c.n, c.kind, c.object_id, c.at_us,
       coalesce(e.collector_after, v.collector_id, k.collector_id, o.collector_id, p.collector_id, m.collector_id) as collector_id,
       coalesce(e.kind, to_char(w.planned_on, 'YYYY-MM-DD'),
                u.name || ' ' || u.version || ' from ' || to_char(u.value_on, 'YYYY-MM-DD'), '') as what, coalesce(p.amount_minor, m.amount_minor) as amount_minor,
       coalesce(p.currency, m.currency)::text as currency, coalesce(o.code, k.verdict) as code,
       coalesce(e.reason, n.load_reason, v.reason, u.reason) as reason
from (select x.n, x.kind, x.object_id, x.at_us from change x
      where x.agency_id = $1 and x.account_id = $2 and x.n > $3
      order by x.n limit $4) c
left join lateral (
    select x.kind, x.reason, x.collector_after from account_event x
    where (c.kind < 10 or c.kind between 100 and 109) and x.agency_id = $1 and x.account_id = $2
      and x.recorded_us = c.at_us
    order by x.event_id desc limit 1) e on true
left join lateral (
    select s.load_reason from snapshot s
    where c.kind in (1, 2) and s.agency_id = $1 and s.account_id = $2 and s.received_us = c.at_us limit 1) n on true
left join visit w on w.agency_id = $1 and w.visit_id = c.object_id
left join lateral (
    select y.collector_id, y.reason from visit_event y
    where y.agency_id = $1 and y.visit_id = c.object_id and y.at_us <= c.at_us
    order by y.version desc, y.at_us desc limit 1) v on true
left join check_in k on k.agency_id = $1 and k.check_in_id = c.object_id
left join lateral (
    select z.collector_id, z.code from visit_outcome z
    where c.kind = 14 and z.agency_id = $1 and z.visit_id = c.object_id order by z.received_us desc limit 1) o on true
left join payment p on p.agency_id = $1 and p.payment_id = c.object_id
left join promise m on m.agency_id = $1 and m.promise_id = c.object_id
left join account_rule_set u on c.kind = 120 and u.agency_id = $1 and u.posting_id = c.object_id
order by c.n;

-- name: account_assign
-- in:   uuid agency_id, uuid[] account_id, uuid[] collector_id
-- out:  bool all_written
with written as (
    update account_state s set collector_id = u.collector_id, version = s.version + 1
    from unnest($2, $3) u (account_id, collector_id)
    where s.agency_id = $1 and s.account_id = u.account_id
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: agency_by_name
-- in:   text name
-- out:  uuid agency_id
select f.agency_id from agency_by_name($1) f;

-- name: agency_today
-- in:   uuid agency_id, int8 now_us
-- out:  text name, text currency, date today_on
select name, currency::text as currency, agency_date($2, time_zone) as today_on from agency where agency_id = $1;
