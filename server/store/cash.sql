-- Limits of cash, who holds how much since when, and the minute's watch over it (R-CSH-2, R-CSH-3).

-- name: cash_limit_get
-- in:   uuid agency_id, uuid[] collector_id, text[] currency
-- out:  uuid owner_id, text currency, int4 version, int8 soft_minor, int8 hard_minor, int8 receipt_minor
-- why:  in the order asked, the collector's own before the agency's; no owner: nobody set any. An empty currency is the
--       agency's.
select l.collector_id as owner_id, c.currency, l.version, l.soft_minor, l.hard_minor, l.receipt_minor
from unnest($2, $3) with ordinality q (collector_id, currency, i)
cross join lateral (
    select coalesce(nullif(q.currency, ''), a.currency::text) as currency from agency a where a.agency_id = $1 offset 0) c
left join lateral (
    select x.collector_id, x.version, x.soft_minor, x.hard_minor, x.receipt_minor from cash_limit x
    where x.agency_id = $1 and x.collector_id = any(array[q.collector_id, '00000000-0000-0000-0000-000000000000'::uuid])
      and x.currency = c.currency
    order by x.collector_id = q.collector_id desc, x.version desc limit 1) l on true
order by q.i;

-- name: cash_limit_lock
-- in:   uuid agency_id
-- out:  bool locked
-- why:  limits of an agency are set one after the other.
select pg_advisory_xact_lock(hashtextextended('tagih limits ' || $1::text, 0)) is null as locked;

-- name: cash_limit_set
-- in:   uuid agency_id, uuid collector_id, text currency, int4 version, int8 soft_minor, int8 hard_minor, int8 receipt_minor, int8 at_us, uuid actor_id, text reason
-- out:  none
insert into cash_limit (agency_id, collector_id, currency, version, soft_minor, hard_minor, receipt_minor, at_us, actor_id, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: cash_terms
-- in:   uuid agency_id, uuid[] collector_id, int8 now_us
-- out:  text currency, int8 until_us, int8 hard_minor, int8 receipt_minor, int8 aged_minor
-- why:  of allowances, in the order asked: until noon of the next working day by the agency's own clock; limits null when
--       nobody set any; aged: cash held past its time (R-CSH-3, R-CSH-3a).
select a.currency, a.until_us, l.hard_minor, l.receipt_minor,
       greatest(coalesce(c.cash_held_minor, 0) - coalesce((
           select sum(f.in_minor) from cash_inflows($1, q.collector_id, a.currency, null, null, null, a.due_us) f), 0), 0)::int8 as aged_minor
from (select x.currency::text as currency, agency_date($3, x.time_zone) as today_on,
             (extract(epoch from (agency_date($3, x.time_zone)
                  + case extract(isodow from agency_date($3, x.time_zone)) when 5 then 3 when 6 then 2 else 1 end
                  + time '12:00') at time zone x.time_zone) * 1000000)::bigint as until_us,
             (extract(epoch from cash_due_before($3, x.time_zone)::timestamp at time zone x.time_zone) * 1000000)::bigint - 1 as due_us
      from agency x where x.agency_id = $1 offset 0) a
cross join unnest($2) with ordinality q (collector_id, i)
left join lateral (
    select x.cash_held_minor from collector_state x
    where x.agency_id = $1 and x.collector_id = q.collector_id and x.currency = a.currency offset 0) c on true
left join lateral (
    select x.hard_minor, x.receipt_minor from cash_limit x
    where x.agency_id = $1 and x.collector_id = any(array[q.collector_id, '00000000-0000-0000-0000-000000000000'::uuid])
      and x.currency = a.currency
    order by x.collector_id = q.collector_id desc, x.version desc limit 1) l on true
order by q.i;

-- name: exposure_collectors
-- in:   uuid agency_id, uuid collector_id, uuid after_id, text after_currency, int4 limit_rows
-- out:  uuid collector_id, text currency, int8 cash_held_minor, int8 deposit_in_transit_minor, int8 collector_receivable_minor
-- why:  one collector, or, for null, a page of all who answer for something.
select c.collector_id, c.currency::text as currency, c.cash_held_minor, c.deposit_in_transit_minor, c.collector_receivable_minor
from collector_state c
where c.agency_id = $1 and ($2 is null or c.collector_id = $2) and (c.collector_id, c.currency::text) > ($3, $4)
  and (c.cash_held_minor <> 0 or c.deposit_in_transit_minor <> 0 or c.collector_receivable_minor <> 0)
order by c.collector_id, c.currency limit $5;

-- name: exposure_ages
-- in:   uuid agency_id, uuid[] collector_id, text[] currency, int8 now_us
-- out:  int4 row, int2 what, date value_on, int8 amount_minor, date today_on
-- why:  what came in by day, the newest first (what 1), what is on its way to a bank (2), what is owed (3); row counts the
--       input from 0. Of inflows the last 30 days: what they do not explain is older than any age that is told.
select (q.i - 1)::int4 as row, x.what, x.value_on, x.amount_minor, a.today_on
from (select agency_date($4, y.time_zone) as today_on from agency y where y.agency_id = $1 offset 0) a
cross join unnest($2, $3) with ordinality q (collector_id, currency, i)
cross join lateral (
    select 1::int2 as what, f.value_on, sum(f.in_minor)::int8 as amount_minor
    from cash_inflows($1, q.collector_id, q.currency, null, null, null, $4 - 2592000000000) f group by f.value_on
    union all
    select 2::int2, d.value_on, d.amount_minor from deposit_state d
    where d.agency_id = $1 and d.collector_id = q.collector_id and d.state = 1 and d.currency = q.currency
    union all
    select 3::int2, s.value_on, s.open_minor from shortage_state s
    where s.agency_id = $1 and s.collector_id = q.collector_id and s.open_minor > 0 and s.currency = q.currency) x
order by q.i, x.what, x.value_on desc;

-- name: exposure_house
-- in:   uuid agency_id, int8 now_us
-- out:  text currency, int8 vault_minor, date value_on, int8 amount_minor, date today_on
-- why:  by currency what lies in vaults, and day by day what cashiers brought to banks.
select v.currency, v.vault_minor, d.value_on, d.amount_minor, a.today_on
from (select agency_date($2, y.time_zone) as today_on from agency y where y.agency_id = $1 offset 0) a
cross join (
    select x.currency::text as currency, sum(x.vault_minor)::int8 as vault_minor
    from (select s.currency, s.vault_minor from vault_state s where s.agency_id = $1
          union all
          select d.currency, 0 from deposit_state d where d.agency_id = $1 and d.state = 1 and d.collector_id is null) x
    group by 1) v
left join lateral (
    select s.value_on, sum(s.amount_minor)::int8 as amount_minor from deposit_state s
    where s.agency_id = $1 and s.state = 1 and s.collector_id is null and s.currency = v.currency group by s.value_on) d on true
order by v.currency, d.value_on desc;

-- name: cash_watch_agencies
-- in:   int8 now_us, int4 limit_rows
-- out:  uuid agency_id
select a as agency_id from cash_watch_agencies($1) a limit $2;

-- name: cash_watch_find
-- in:   uuid agency_id, int8 now_us, int4 limit_rows
-- out:  uuid collector_id, text currency
-- why:  those who were not looked at since their cash moved, a day's cash came past its time, or limits changed.
select c.collector_id, c.currency::text as currency
from (select cash_due_before($2, x.time_zone) as due_before_on from agency x where x.agency_id = $1 offset 0) d
cross join collector_state c
left join lateral (
    select x.held_minor, x.due_before_on, x.limits_us from cash_watch_state x
    where x.agency_id = $1 and x.collector_id = c.collector_id and x.currency = c.currency offset 0) w on true
where c.agency_id = $1
  and case when w.held_minor is null then c.cash_held_minor > 0
           else w.held_minor <> c.cash_held_minor
                or (c.cash_held_minor > 0 and w.due_before_on is distinct from d.due_before_on)
                or w.limits_us <> coalesce((select max(l.at_us) from cash_limit l
                       where l.agency_id = $1 and l.currency = c.currency
                         and l.collector_id = any(array[c.collector_id, '00000000-0000-0000-0000-000000000000'::uuid])), 0) end
order by c.collector_id, c.currency limit $3;

-- name: cash_watch_lock
-- in:   uuid agency_id, uuid[] collector_id, text[] currency
-- out:  uuid collector_id, text currency, int2 breaches, int4 n
-- why:  two servers' minutes look at one collector one after the other, so that a breach is told once.
insert into cash_watch_state (agency_id, collector_id, currency)
select $1, u.* from unnest($2, $3) u (collector_id, currency) order by u.collector_id, u.currency
on conflict (agency_id, collector_id, currency) do update set n = cash_watch_state.n
returning collector_id, currency::text as currency, breaches, n;

-- name: cash_watch_load
-- in:   uuid agency_id, uuid[] collector_id, text[] currency, int8 now_us
-- out:  int8 cash_held_minor, int8 aged_minor, int8 soft_minor, int8 hard_minor, int8 receipt_minor, int8 limits_us, date due_before_on
-- why:  in the order asked; limits null when nobody set any.
select c.cash_held_minor,
       greatest(c.cash_held_minor - coalesce((
           select sum(f.in_minor) from cash_inflows($1, q.collector_id, q.currency, null, null, null, a.due_us) f), 0), 0)::int8 as aged_minor,
       l.soft_minor, l.hard_minor, l.receipt_minor,
       coalesce((select max(m.at_us) from cash_limit m
                 where m.agency_id = $1 and m.currency = q.currency
                   and m.collector_id = any(array[q.collector_id, '00000000-0000-0000-0000-000000000000'::uuid])), 0)::int8 as limits_us,
       a.due_before_on
from (select cash_due_before($4, x.time_zone) as due_before_on,
             (extract(epoch from cash_due_before($4, x.time_zone)::timestamp at time zone x.time_zone) * 1000000)::bigint - 1 as due_us
      from agency x where x.agency_id = $1 offset 0) a
cross join unnest($2, $3) with ordinality q (collector_id, currency, i)
join collector_state c on c.agency_id = $1 and c.collector_id = q.collector_id and c.currency = q.currency
left join lateral (
    select x.soft_minor, x.hard_minor, x.receipt_minor from cash_limit x
    where x.agency_id = $1 and x.collector_id = any(array[q.collector_id, '00000000-0000-0000-0000-000000000000'::uuid])
      and x.currency = q.currency
    order by x.collector_id = q.collector_id desc, x.version desc limit 1) l on true
order by q.i;

-- name: cash_watch_save
-- in:   uuid agency_id, uuid[] collector_id, text[] currency, int2[] breaches, int8[] held_minor, int8[] aged_minor, date[] due_before_on, int8[] limits_us, int4[] n
-- out:  bool all_written
with written as (
    update cash_watch_state s
    set breaches = u.breaches, held_minor = u.held_minor, aged_minor = u.aged_minor, due_before_on = u.due_before_on,
        limits_us = u.limits_us, n = u.n
    from unnest($2, $3, $4, $5, $6, $7, $8, $9)
        u (collector_id, currency, breaches, held_minor, aged_minor, due_before_on, limits_us, n)
    where s.agency_id = $1 and s.collector_id = u.collector_id and s.currency = u.currency
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: cash_breach_add
-- in:   uuid agency_id, uuid[] collector_id, text[] currency, int4[] n, int2[] breaches_before, int2[] breaches_after, int8[] held_minor, int8[] aged_minor, int8[] soft_minor, int8[] hard_minor, int8 at_us
-- out:  none
insert into cash_breach (agency_id, collector_id, currency, n, breaches_before, breaches_after, held_minor, aged_minor,
    soft_minor, hard_minor, at_us)
select $1, u.*, $11 from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) u;
