-- SPDX-License-Identifier: Apache-2.0
-- The reference for Pull without a cursor: a collector's visits with their accounts in one joined statement, the caller's
-- standing, the place in the feed and the allowance's term; the reads that ours does, for one phone a transaction.
\set collector 100000000000 + random(0, :visits / 20 - 1)
begin transaction read only;
select set_config('app.agency_id', '01000000-0000-7000-8000-100000000000', true);
select s.state, s.roles, s.team_id, d.state as device_state, d.user_id
from device_state d
join staff_state s on s.agency_id = d.agency_id and s.user_id = d.user_id
where d.agency_id = '01000000-0000-7000-8000-100000000000' and d.device_id = ('04000000000070008000' || :collector)::uuid;
select c.system_identifier, pg_snapshot_xmin(s.s)::text::int8 as xid_min, pg_snapshot_xmax(s.s)::text::int8 as xid_next
from pg_control_system() c, pg_current_snapshot() s (s);
select agency_date(:base_us, a.time_zone) as today_on from agency a
where a.agency_id = '01000000-0000-7000-8000-100000000000';
select s.visit_id, s.account_id, s.collector_id, s.purpose, s.planned_on, v.policy, s.state, s.version, s.lease_until_us,
       v.lat_e7, v.lon_e7, v.radius_mm, s.presence, s.outcome, s.outcome_list, a.account_no, c.customer_no, a.product,
       a.currency, a.plate, t.status, t.hold_until_on, t.collector_id, t.fees_minor, t.penalty_minor, t.interest_minor,
       t.principal_minor, t.credit_minor, t.no_schedule, t.oldest_due_on, t.lat_e7, t.lon_e7, t.district, t.version,
       (select x.until_on from account_silence_state x
        where x.agency_id = s.agency_id and x.account_id = s.account_id) as silent_until_on,
       r.name as rule_set, r.version as rule_set_version, r.value_on as rule_set_since_on
from visit_state s
join visit v on v.agency_id = s.agency_id and v.visit_id = s.visit_id
join account a on a.agency_id = s.agency_id and a.account_id = s.account_id
join customer c on c.agency_id = a.agency_id and c.customer_id = a.customer_id
join account_state t on t.agency_id = s.agency_id and t.account_id = s.account_id
left join lateral (
    select x.name, x.version, x.value_on from account_rule_set x
    where x.agency_id = s.agency_id and x.account_id = s.account_id and x.value_on <= :today::date
    order by x.value_on desc, x.made_us desc, x.posting_id desc limit 1) r on true
where s.agency_id = '01000000-0000-7000-8000-100000000000'
  and s.collector_id = ('03000000000070008000' || :collector)::uuid and s.planned_on >= :today::date - 60
  and (s.live or s.planned_on = :today::date)
order by s.visit_id limit 201;
select a.currency, a.until_us, l.hard_minor, l.receipt_minor,
       greatest(coalesce(c.cash_held_minor, 0) - coalesce((
           select sum(f.in_minor) from cash_inflows('01000000-0000-7000-8000-100000000000',
               ('03000000000070008000' || :collector)::uuid, a.currency, null, null, null, a.due_us) f), 0), 0)::int8 as aged_minor
from (select x.currency::text as currency,
             (extract(epoch from (agency_date(:base_us, x.time_zone)
                  + case extract(isodow from agency_date(:base_us, x.time_zone)) when 5 then 3 when 6 then 2 else 1 end
                  + time '12:00') at time zone x.time_zone) * 1000000)::bigint as until_us,
             (extract(epoch from cash_due_before(:base_us, x.time_zone)::timestamp at time zone x.time_zone) * 1000000)::bigint - 1 as due_us
      from agency x where x.agency_id = '01000000-0000-7000-8000-100000000000' offset 0) a
left join collector_state c on c.agency_id = '01000000-0000-7000-8000-100000000000'
    and c.collector_id = ('03000000000070008000' || :collector)::uuid and c.currency = a.currency
left join lateral (
    select x.hard_minor, x.receipt_minor from cash_limit x
    where x.agency_id = '01000000-0000-7000-8000-100000000000'
      and x.collector_id in (('03000000000070008000' || :collector)::uuid, '00000000-0000-0000-0000-000000000000')
      and x.currency = a.currency
    order by x.collector_id = ('03000000000070008000' || :collector)::uuid desc, x.version desc limit 1) l on true;
commit;
