-- Monthly figures: made from facts, kept, read back (R-KPI-1, R-KPI-2). kpi_month() of migrations/0016_kpi.sql does the work.

-- name: kpi_plan
-- in:   none
-- out:  text work_mem
-- why:  a month is read whole: scans, hash joins and hashed groups, whatever statistics there are. Ends with the
--       transaction.
select set_config('plan_cache_mode', 'force_custom_plan', true) || set_config('enable_seqscan', 'on', true)
       || set_config('enable_hashjoin', 'on', true) || set_config('enable_mergejoin', 'off', true)
       || set_config('enable_nestloop', 'off', true) || set_config('enable_sort', 'off', true)
       || set_config('work_mem', '256MB', true) as work_mem;

-- name: kpi_unplan
-- in:   none
-- out:  text plan_cache_mode
-- why:  back to the ways of this connection, for what else the transaction does.
select set_config('plan_cache_mode', 'force_generic_plan', true) || set_config('enable_seqscan', 'off', true)
       || set_config('enable_hashjoin', 'off', true) || set_config('enable_mergejoin', 'off', true)
       || set_config('enable_nestloop', 'on', true) || set_config('enable_sort', 'on', true) as plan_cache_mode;

-- name: kpi_lock
-- in:   uuid agency_id, date month_on
-- out:  bool locked
-- why:  one maker of a month at a time.
select pg_advisory_xact_lock(hashtextextended('kpi ' || $1::text || $2::text, 0)) is null as locked;

-- name: kpi_versions
-- in:   uuid agency_id, date month_on
-- out:  int4 version, int8 known_us, int4 rows_count, bytea digest
select version, known_us, rows_count, digest from kpi_snapshot
where agency_id = $1 and month_on = $2 order by version;

-- name: kpi_row_make
-- in:   uuid agency_id, date month_on, int4 version, int4[] bucket_from, int2[] contact
-- out:  int4 rows_written
-- why:  what the facts say now, less what is known: nothing, when nothing came since.
with d as (
    select f.team_id, f.collector_id, f.currency, f.load_type, f.bucket, f.figure, sum(f.value) as value
    from (select m.team_id, m.collector_id, m.currency, m.load_type, m.bucket, m.figure, m.value from kpi_month($1, $2, $4, $5) m
          union all
          select k.team_id, k.collector_id, k.currency, k.load_type, k.bucket, k.figure, -k.value from kpi_known($1, $2) k) f
    group by 1, 2, 3, 4, 5, 6
    having sum(f.value) <> 0),
     written as (
    insert into kpi_row (agency_id, month_on, version, team_id, collector_id, currency, load_type, bucket,
    assigned_accounts, assigned_minor, moved_in, moved_out, net_field_cash_minor, net_field_transfer_minor,
    net_branch_minor, net_gateway_minor, net_lawyer_minor, net_enforcement_minor, net_collateral_minor,
    net_guarantee_fund_minor, net_insurance_minor, net_auction_minor, net_written_off_recovery_minor, visits_planned,
    visits_done, visits_contact, checkins_inside, checkins_outside, checkins_unsure, checkins_unknown, promises_made,
    promises_kept, promises_partial, promises_broken, receipts, voids, cash_short_minor, cash_aged_minor,
    rolled_forward, rolled_back, bonus_minor)
    select $1, $2, $3, d.team_id, d.collector_id, d.currency, d.load_type, d.bucket,
           coalesce(sum(d.value) filter (where d.figure = 1), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 2), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 3), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 4), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 5), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 6), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 7), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 8), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 9), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 10), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 11), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 12), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 13), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 14), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 15), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 16), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 17), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 18), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 19), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 20), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 21), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 22), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 23), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 24), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 25), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 26), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 27), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 28), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 29), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 30), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 31), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 32), 0)::bigint,
           coalesce(sum(d.value) filter (where d.figure = 33), 0)::bigint
    from d group by d.team_id, d.collector_id, d.currency, d.load_type, d.bucket
    returning 1)
select count(*)::int4 as rows_written from written;

-- name: kpi_cause_make
-- in:   uuid agency_id, date month_on, int4 version, int8 since_us
-- out:  int4 causes
-- why:  facts of the month that came since the version before: each is a cause of what is adjusted (R-KPI-1).
with b as (
    select (extract(epoch from $2::timestamp at time zone g.time_zone) * 1000000)::int8 as from_us,
           (extract(epoch from ($2 + interval '1 month') at time zone g.time_zone) * 1000000)::int8 as end_us,
           ($2 + interval '1 month')::date as end_on
    from agency g where g.agency_id = $1),
     written as (
    insert into kpi_cause (agency_id, month_on, version, fact, fact_id, account_id, known_us)
    select distinct on (c.fact, c.fact_id) $1, $2, $3, c.fact, c.fact_id, c.account_id, c.known_us
    from (select 'payment' as fact, p.payment_id as fact_id, p.account_id, p.received_us as known_us
          from payment p where p.agency_id = $1 and p.value_on < (select end_on from b) and p.received_us > $4
          union all
          select 'reversal', r.payment_id, p.account_id, r.at_us
          from payment_reversal r join payment p on p.agency_id = $1 and p.payment_id = r.payment_id
          where r.agency_id = $1 and r.value_on < (select end_on from b) and r.at_us > $4
          union all
          select 'retag', t.posting_id, p.account_id, t.at_us
          from payment_retag t join payment p on p.agency_id = $1 and p.payment_id = t.payment_id
          where t.agency_id = $1 and p.value_on < (select end_on from b) and t.at_us > $4
          union all
          select 'snapshot', s.account_id, s.account_id, s.received_us
          from snapshot s where s.agency_id = $1 and s.as_of_on < (select end_on from b) and s.received_us > $4
          union all
          select 'account_fact', f.fact_id, f.account_id, f.received_us
          from account_fact f where f.agency_id = $1 and f.value_on < (select end_on from b) and f.received_us > $4
          union all
          select 'account_fact_withdrawal', w.fact_id, f.account_id, w.at_us
          from account_fact_withdrawal w join account_fact f on f.agency_id = $1 and f.fact_id = w.fact_id
          where w.agency_id = $1 and f.value_on < (select end_on from b) and w.at_us > $4
          union all
          select 'account_event', e.event_id, e.account_id, e.recorded_us
          from account_event e where e.agency_id = $1 and e.at_us < (select end_us from b) and e.recorded_us > $4
          union all
          select 'check_in', k.check_in_id, k.account_id, k.received_us
          from check_in k
          where k.agency_id = $1 and k.value_us >= (select from_us from b) and k.value_us < (select end_us from b)
            and k.received_us > $4
          union all
          select 'visit_outcome', o.outcome_id, o.account_id, o.received_us
          from visit_outcome o join visit v on v.agency_id = $1 and v.visit_id = o.visit_id
          where o.agency_id = $1 and v.planned_on >= $2 and v.planned_on < (select end_on from b) and o.received_us > $4
          union all
          select 'posting', q.posting_id, q.account_id, q.at_us
          from posting q where q.agency_id = $1 and q.posting_on >= $2 and q.posting_on < (select end_on from b) and q.at_us > $4
            and q.kind not in (1, 2, 3, 4, 5, 6, 91)) c
    order by c.fact, c.fact_id, c.known_us
    returning 1)
select count(*)::int4 as causes from written;

-- name: kpi_seal
-- in:   uuid agency_id, date month_on, int4 version
-- out:  bytea seal
select kpi_seal($1, $2, $3) as seal;

-- name: verify_diff_kpi
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  rows and causes of a month's version against its seal, which stands under a posting's digest.
select 'kpi_row'::text as table_name, to_char(k.month_on, 'YYYY-MM') || '@' || k.version as key, 'seal'::text as column_name,
       encode(k.seal, 'hex') as stored, encode(kpi_seal($1, k.month_on, k.version), 'hex') as expected
from kpi_snapshot k
where k.agency_id = $1 and k.seal <> kpi_seal($1, k.month_on, k.version)
order by 2;

-- name: kpi_rows
-- in:   uuid agency_id, date month_on, int4 up_to_version
-- out:  uuid team_id, uuid collector_id, text currency, int2 load_type, int2 bucket, int8 assigned_accounts, int8 assigned_minor, int8 moved_in, int8 moved_out, int8 net_field_cash_minor, int8 net_field_transfer_minor, int8 net_branch_minor, int8 net_gateway_minor, int8 net_lawyer_minor, int8 net_enforcement_minor, int8 net_collateral_minor, int8 net_guarantee_fund_minor, int8 net_insurance_minor, int8 net_auction_minor, int8 net_written_off_recovery_minor, int8 visits_planned, int8 visits_done, int8 visits_contact, int8 checkins_inside, int8 checkins_outside, int8 checkins_unsure, int8 checkins_unknown, int8 promises_made, int8 promises_kept, int8 promises_partial, int8 promises_broken, int8 receipts, int8 voids, int8 cash_short_minor, int8 cash_aged_minor, int8 rolled_forward, int8 rolled_back, int8 bonus_minor
-- why:  the month as it stands with a version, in the order of its canonical text.
select r.team_id, r.collector_id, r.currency::text as currency, r.load_type, r.bucket,
       sum(r.assigned_accounts)::bigint as assigned_accounts, sum(r.assigned_minor)::bigint as assigned_minor,
       sum(r.moved_in)::bigint as moved_in, sum(r.moved_out)::bigint as moved_out,
       sum(r.net_field_cash_minor)::bigint as net_field_cash_minor,
       sum(r.net_field_transfer_minor)::bigint as net_field_transfer_minor,
       sum(r.net_branch_minor)::bigint as net_branch_minor, sum(r.net_gateway_minor)::bigint as net_gateway_minor,
       sum(r.net_lawyer_minor)::bigint as net_lawyer_minor,
       sum(r.net_enforcement_minor)::bigint as net_enforcement_minor,
       sum(r.net_collateral_minor)::bigint as net_collateral_minor,
       sum(r.net_guarantee_fund_minor)::bigint as net_guarantee_fund_minor,
       sum(r.net_insurance_minor)::bigint as net_insurance_minor,
       sum(r.net_auction_minor)::bigint as net_auction_minor,
       sum(r.net_written_off_recovery_minor)::bigint as net_written_off_recovery_minor,
       sum(r.visits_planned)::bigint as visits_planned, sum(r.visits_done)::bigint as visits_done,
       sum(r.visits_contact)::bigint as visits_contact, sum(r.checkins_inside)::bigint as checkins_inside,
       sum(r.checkins_outside)::bigint as checkins_outside, sum(r.checkins_unsure)::bigint as checkins_unsure,
       sum(r.checkins_unknown)::bigint as checkins_unknown, sum(r.promises_made)::bigint as promises_made,
       sum(r.promises_kept)::bigint as promises_kept, sum(r.promises_partial)::bigint as promises_partial,
       sum(r.promises_broken)::bigint as promises_broken, sum(r.receipts)::bigint as receipts,
       sum(r.voids)::bigint as voids, sum(r.cash_short_minor)::bigint as cash_short_minor,
       sum(r.cash_aged_minor)::bigint as cash_aged_minor, sum(r.rolled_forward)::bigint as rolled_forward,
       sum(r.rolled_back)::bigint as rolled_back, sum(r.bonus_minor)::bigint as bonus_minor
from kpi_row r
where r.agency_id = $1 and r.month_on = $2 and r.version <= $3
group by r.team_id, r.collector_id, r.currency, r.load_type, r.bucket
order by r.team_id, r.collector_id, r.currency, r.load_type, r.bucket;

-- name: kpi_causes
-- in:   uuid agency_id, date month_on
-- out:  int4 version, text fact, int8 facts
select version, fact, count(*) as facts from kpi_cause
where agency_id = $1 and month_on = $2 group by version, fact order by version, fact;

-- name: kpi_names
-- in:   uuid agency_id
-- out:  uuid id, text name
-- why:  teams and collectors, for people.
select t.team_id as id, t.name from team t where t.agency_id = $1
union all
select s.user_id, s.login from staff s where s.agency_id = $1;

-- name: kpi_snapshot_insert
-- in:   uuid agency_id, date month_on, int4 version, uuid posting_id, int8 known_us, int4 rows_count, bytea digest, bytea seal, uuid actor_id
-- out:  none
insert into kpi_snapshot (agency_id, month_on, version, posting_id, known_us, rows_count, digest, seal, actor_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: kpi_snapshot_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  date month_on, int4 version, uuid posting_id, int8 known_us, int4 rows_count, bytea digest, bytea seal, uuid actor_id
select month_on, version, posting_id, known_us, rows_count, digest, seal, actor_id from kpi_snapshot
where agency_id = $1 and posting_id = any($2) order by posting_id;
