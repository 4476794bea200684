-- Monthly figures (R-KPI-1, R-KPI-2). Everything is a pure function of facts (R-KPI-2a, R-KPI-2b): kpi_month() works it
-- out from them, kpi_row keeps what was written.

-- One row a version of a month. Version 1 is the snapshot; each later one holds the adjustments that facts known since
-- have made. digest: SHA-256 of the month's canonical text as it stands with this version (server/domain/kpi.h). seal: of
-- the version's own rows and causes, so that the posting's digest covers them through this row.
create table kpi_snapshot (
    agency_id uuid not null,
    month_on date not null check (month_on = date_trunc('month', month_on)),
    version integer not null,
    posting_id uuid not null,
    known_us bigint not null,
    rows_count integer not null,
    digest bytea not null,
    seal bytea not null,
    actor_id uuid,
    primary key (agency_id, month_on, version)
);
create index kpi_snapshot_posting on kpi_snapshot (agency_id, posting_id);
call make_fact('kpi_snapshot');

-- Version 1: the figures; later ones: true then minus known before. The nil id stands for nobody and no team, load type 0
-- and bucket -1 for what belongs to no account of the month (R-KPI-2a).
create table kpi_row (
    agency_id uuid not null,
    month_on date not null,
    version integer not null,
    team_id uuid not null,
    collector_id uuid not null,
    currency char(3) not null,
    load_type smallint not null,
    bucket smallint not null,
    assigned_accounts bigint not null, assigned_minor bigint not null, moved_in bigint not null,
    moved_out bigint not null, net_field_cash_minor bigint not null, net_field_transfer_minor bigint not null,
    net_branch_minor bigint not null, net_gateway_minor bigint not null, net_lawyer_minor bigint not null,
    net_enforcement_minor bigint not null, net_collateral_minor bigint not null,
    net_guarantee_fund_minor bigint not null, net_insurance_minor bigint not null, net_auction_minor bigint not null,
    net_written_off_recovery_minor bigint not null, visits_planned bigint not null, visits_done bigint not null,
    visits_contact bigint not null, checkins_inside bigint not null, checkins_outside bigint not null,
    checkins_unsure bigint not null, checkins_unknown bigint not null, promises_made bigint not null,
    promises_kept bigint not null, promises_partial bigint not null, promises_broken bigint not null,
    receipts bigint not null, voids bigint not null, cash_short_minor bigint not null,
    cash_aged_minor bigint not null, rolled_forward bigint not null, rolled_back bigint not null,
    bonus_minor bigint not null,
    primary key (agency_id, month_on, version, team_id, collector_id, currency, load_type, bucket)
);
call make_fact('kpi_row');

-- Why a version differs from the one before: each fact of the month that was known since (R-KPI-1).
create table kpi_cause (
    agency_id uuid not null,
    month_on date not null,
    version integer not null,
    fact text not null,
    fact_id uuid not null,
    account_id uuid,
    known_us bigint not null,
    primary key (agency_id, month_on, version, fact, fact_id)
);
call make_fact('kpi_cause');

-- What a version wrote, as one hash: every column of its rows and causes, in the order of their keys.
create function kpi_seal(of_agency uuid, of_month date, of_version integer) returns bytea language sql stable as $$
select sha256(convert_to(coalesce(string_agg(x.line, chr(10) order by x.part, x.line collate "C"), ''), 'UTF8'))
from (select 1 as part, to_jsonb(r)::text as line from kpi_row r
      where r.agency_id = $1 and r.month_on = $2 and r.version = $3
      union all
      select 2, to_jsonb(c)::text from kpi_cause c
      where c.agency_id = $1 and c.month_on = $2 and c.version = $3) x
$$;

-- The same rows, one figure a line: for sums over figures that need not know their names. figure: enum kpi_figure.
create function kpi_known(of_agency uuid, of_month date)
returns table (team_id uuid, collector_id uuid, currency text, load_type smallint, bucket smallint, figure smallint, value bigint)
language sql stable as $$
select r.team_id, r.collector_id, r.currency::text, r.load_type, r.bucket, v.figure, v.value
from kpi_row r
cross join lateral (values
    (1::smallint, r.assigned_accounts), (2::smallint, r.assigned_minor), (3::smallint, r.moved_in),
    (4::smallint, r.moved_out), (5::smallint, r.net_field_cash_minor), (6::smallint, r.net_field_transfer_minor),
    (7::smallint, r.net_branch_minor), (8::smallint, r.net_gateway_minor), (9::smallint, r.net_lawyer_minor),
    (10::smallint, r.net_enforcement_minor), (11::smallint, r.net_collateral_minor),
    (12::smallint, r.net_guarantee_fund_minor), (13::smallint, r.net_insurance_minor),
    (14::smallint, r.net_auction_minor), (15::smallint, r.net_written_off_recovery_minor),
    (16::smallint, r.visits_planned), (17::smallint, r.visits_done), (18::smallint, r.visits_contact),
    (19::smallint, r.checkins_inside), (20::smallint, r.checkins_outside), (21::smallint, r.checkins_unsure),
    (22::smallint, r.checkins_unknown), (23::smallint, r.promises_made), (24::smallint, r.promises_kept),
    (25::smallint, r.promises_partial), (26::smallint, r.promises_broken), (27::smallint, r.receipts),
    (28::smallint, r.voids), (29::smallint, r.cash_short_minor), (30::smallint, r.cash_aged_minor),
    (31::smallint, r.rolled_forward), (32::smallint, r.rolled_back), (33::smallint, r.bonus_minor)) v (figure, value)
where r.agency_id = $1 and r.month_on = $2 and v.value <> 0
$$;

-- A month's figures as the facts say now, one a line. bucket_from: the first day past due of B1, B2 …; contact: the
-- outcomes that count as one.
create function kpi_month(of_agency uuid, of_month date, bucket_from integer[], contact smallint[])
returns table (team_id uuid, collector_id uuid, currency text, load_type smallint, bucket smallint, figure smallint, value bigint)
language sql stable as $$
with bound as materialized (
    select $2 as from_on, ($2 + interval '1 month')::date as end_on, g.time_zone as zone,
           (extract(epoch from $2::timestamp at time zone g.time_zone) * 1000000)::bigint as from_us,
           (extract(epoch from ($2 + interval '1 month') at time zone g.time_zone) * 1000000)::bigint as end_us
    from agency g where g.agency_id = $1),

-- ---- keys: whose the accounts of the month are (R-KPI-2a) ----------------------------------------------------------
began as (
    select distinct on (x.account_id) x.account_id, x.status_after, x.collector_after
    from account_event x
    where x.agency_id = $1 and x.at_us <= (select from_us from bound)
    order by x.account_id, x.at_us desc, x.recorded_us desc, x.event_id desc),
placed as (
    select distinct on (x.account_id) x.account_id, x.at_us, x.collector_after,
           case when x.kind = 'REACTIVATED' then 4 when x.status_before is null then 1 else 2 end::smallint as load_type
    from account_event x
    where x.agency_id = $1 and x.at_us > (select from_us from bound) and x.at_us < (select end_us from bound)
      and x.status_after = 3 and x.status_before is distinct from 3
    order by x.account_id, x.at_us, x.recorded_us, x.event_id),
kept as materialized (
    select s.account_id, b.from_us as since_us, b.from_on as on_day, s.collector_after as collector_id, 2::smallint as load_type
    from began s cross join bound b where s.status_after = 3
    union all
    select p.account_id, p.at_us, agency_date(p.at_us, b.zone), p.collector_after, p.load_type
    from placed p cross join bound b left join began s on s.account_id = p.account_id
    where s.status_after is distinct from 3),
given as (
    select distinct on (x.account_id) x.account_id, x.event_id, x.collector_after
    from account_event x join kept k on k.account_id = x.account_id
    where x.agency_id = $1 and k.collector_id is null and x.collector_after is not null
      and x.at_us >= k.since_us and x.at_us < (select end_us from bound)
    order by x.account_id, x.at_us, x.recorded_us, x.event_id),
named as materialized (
    select k.account_id, k.since_us, k.on_day, k.load_type, coalesce(k.collector_id, g.collector_after) as collector_id,
           g.event_id as given_by
    from kept k left join given g on g.account_id = k.account_id),
moved as materialized (
    select x.account_id, x.collector_before, x.collector_after, x.event_id
    from account_event x join named n on n.account_id = x.account_id
    where x.agency_id = $1 and x.at_us > n.since_us and x.at_us < (select end_us from bound)
      and x.collector_before is distinct from x.collector_after and x.event_id is distinct from n.given_by),
member as (
    select n.collector_id, n.since_us from named n where n.collector_id is not null
    union
    select c.user_id, b.from_us from staff c cross join bound b where c.agency_id = $1),
team_at as materialized (
    select distinct on (m.collector_id, m.since_us) m.collector_id, m.since_us,
           coalesce(s.team_id, '00000000-0000-0000-0000-000000000000') as team_id
    from member m join staff_event s on s.agency_id = $1 and s.user_id = m.collector_id
    order by m.collector_id, m.since_us, s.at_us <= m.since_us desc,
             case when s.at_us <= m.since_us then s.version end desc, s.version),

-- ---- what was open: the newest snapshot before a day, less what was paid on top of it until then (R-KPI-2b) --------
stand_at as (
    select distinct on (p.account_id, p.at_end) p.account_id, p.at_end, p.on_day, s.as_of_on, s.received_us
    from (select n.account_id, false as at_end, n.on_day from named n
          union all
          select n.account_id, true, b.end_on from named n cross join bound b) p
    join snapshot s on s.agency_id = $1 and s.account_id = p.account_id
    order by p.account_id, p.at_end, s.as_of_on < p.on_day desc,
             case when s.as_of_on < p.on_day then s.as_of_on end desc,
             case when s.as_of_on < p.on_day then s.received_us end desc, s.as_of_on, s.received_us),
stand as materialized (
    select d.account_id, d.on_day, d.as_of_on, d.received_us, e.on_day as end_on, e.as_of_on as end_as_of_on,
           e.received_us as end_received_us
    from (select x.account_id, x.on_day, x.as_of_on, x.received_us from stand_at x where not x.at_end) d
    join (select x.account_id, x.on_day, x.as_of_on, x.received_us from stand_at x where x.at_end) e on e.account_id = d.account_id),
retagged as materialized (
    select distinct on (x.payment_id) x.payment_id, x.tag from payment_retag x
    where x.agency_id = $1 order by x.payment_id, x.n desc),
-- One pass over the payments of the month and those on top of its snapshots: by account, instalment and tag what they
-- brought in, and what of it stands on top of the snapshot at each end of the month.
brought as materialized (
    select p.account_id, a.instalment_no, coalesce(t.tag, p.tag) as tag,
           (sum(a.debt_minor) filter (where p.value_on >= (select from_on from bound)))::bigint as debt_minor,
           (sum(a.fees_minor + a.penalty_minor + a.interest_minor + a.principal_minor) filter (
               where p.value_on < s.on_day and (p.value_on > s.as_of_on or p.received_us > s.received_us)))::bigint as all_minor,
           (sum(a.interest_minor + a.principal_minor) filter (
               where p.value_on < s.on_day and (p.value_on > s.as_of_on or p.received_us > s.received_us)))::bigint as aging_minor,
           (sum(a.interest_minor + a.principal_minor) filter (
               where p.value_on > s.end_as_of_on or p.received_us > s.end_received_us))::bigint as end_aging_minor
    from payment p
    join allocation a on a.agency_id = $1 and a.payment_id = p.payment_id and a.instalment_no > 0
    left join stand s on s.account_id = p.account_id
    left join retagged t on t.payment_id = p.payment_id
    where p.agency_id = $1 and p.value_on < (select end_on from bound)
      and (p.value_on >= least((select from_on from bound), (select min(as_of_on) from stand))
           or p.received_us > (select min(received_us) from stand))
      and not exists (select from payment_reversal r where r.agency_id = $1 and r.payment_id = p.payment_id)
      and not exists (select from allocation n where n.agency_id = $1 and n.payment_id = a.payment_id
                      and n.version > 1 and n.version > a.version)
    group by 1, 2, 3),
taken as (
    select x.account_id, x.instalment_no, sum(x.all_minor)::bigint as all_minor, sum(x.aging_minor)::bigint as aging_minor,
           sum(x.end_aging_minor)::bigint as end_aging_minor
    from (select p.account_id, p.instalment_no, p.all_minor, p.aging_minor, p.end_aging_minor from brought p
          union all
          select f.account_id, f.instalment_no, case when v.at_start then v.all_minor end, case when v.at_start then v.aging_minor end,
                 case when v.at_end then v.aging_minor end
          from account_fact f
          join stand s on s.account_id = f.account_id
          cross join lateral (
              select f.value_on < s.on_day and (f.value_on > s.as_of_on or f.received_us > s.received_us) as at_start,
                     f.value_on > s.end_as_of_on or f.received_us > s.end_received_us as at_end,
                     case f.kind when 0 then -f.amount_minor else f.amount_minor end as all_minor,
                     case when f.component < 2 then 0 when f.kind = 0 then -f.amount_minor else f.amount_minor end as aging_minor) v
          where f.agency_id = $1 and f.kind in (0, 1) and f.value_on < (select end_on from bound)
            and not exists (select from account_fact_withdrawal w where w.agency_id = $1 and w.fact_id = f.fact_id)) x
    group by x.account_id, x.instalment_no),
-- Instalments of both snapshots in one pass; mostly they are the same one.
figure as (
    select s.account_id,
           greatest(0, sum(i.fees_minor + i.penalty_minor + i.interest_minor + i.principal_minor - coalesce(c.all_minor, 0))
               filter (where v.at_start))::bigint as open_minor,
           width_bucket(coalesce(max(s.on_day - i.due_on) filter (
               where v.at_start and i.due_on < s.on_day and i.interest_minor + i.principal_minor - coalesce(c.aging_minor, 0) > 0), 0),
               $3)::smallint as bucket,
           width_bucket(coalesce(max(s.end_on - i.due_on) filter (
               where v.at_end and i.due_on < s.end_on and i.interest_minor + i.principal_minor - coalesce(c.end_aging_minor, 0) > 0), 0),
               $3)::smallint as end_bucket
    from stand s
    join instalment i on i.agency_id = $1 and i.account_id = s.account_id
    cross join lateral (
        select i.as_of_on = s.as_of_on and i.received_us = s.received_us as at_start,
               i.as_of_on = s.end_as_of_on and i.received_us = s.end_received_us as at_end) v
    left join taken c on c.account_id = s.account_id and c.instalment_no = i.instalment_no
    where v.at_start or v.at_end
    group by s.account_id
    having bool_or(v.at_start) and bool_or(v.at_end)),
keyed as materialized (
    select k.account_id, k.team_id, k.collector_id, k.currency, k.load_type, k.bucket, k.open_minor, k.end_bucket,
           dense_rank() over (order by k.team_id, k.collector_id, k.currency, k.load_type, k.bucket)::integer as key_no
    from (select n.account_id, a.currency::text as currency, n.load_type, d.bucket, d.open_minor, d.end_bucket,
                 coalesce(n.collector_id, '00000000-0000-0000-0000-000000000000') as collector_id,
                 coalesce(t.team_id, '00000000-0000-0000-0000-000000000000') as team_id
          from named n
          join account a on a.agency_id = $1 and a.account_id = n.account_id
          join figure d on d.account_id = n.account_id
          left join team_at t on t.collector_id = n.collector_id and t.since_us = n.since_us) k),

-- ---- what is counted by account: at once by its key; an account without one stands for itself ----------------------
by_account as (
    select k.key_no, case when k.key_no is null then p.account_id end as account_id, (4 + p.tag)::smallint as figure,
           sum(p.debt_minor)::bigint as value
    from brought p left join keyed k on k.account_id = p.account_id
    where p.debt_minor is not null group by 1, 2, 3
    union all
    select k.key_no, case when k.key_no is null then v.account_id end, f.figure, count(*)
    from visit v join visit_state s on s.agency_id = $1 and s.visit_id = v.visit_id
    left join keyed k on k.account_id = v.account_id
    cross join lateral (values (16::smallint, not v.spontaneous), (17::smallint, s.state = 3),
                               (18::smallint, s.state = 3 and s.outcome = any($4))) f (figure, counts)
    where v.agency_id = $1 and v.planned_on >= (select from_on from bound) and v.planned_on < (select end_on from bound)
      and f.counts
    group by 1, 2, 3
    union all
    select k.key_no, case when k.key_no is null then c.account_id end,
           case c.verdict when 1 then 19 when 2 then 20 when 3 then 21 else 22 end::smallint, count(*)
    from check_in c left join keyed k on k.account_id = c.account_id
    where c.agency_id = $1 and c.value_us >= (select from_us from bound) and c.value_us < (select end_us from bound)
    group by 1, 2, 3
    union all
    select k.key_no, case when k.key_no is null then m.account_id end, f.figure, count(*)
    from promise m cross join bound b
    join promise_state s on s.agency_id = $1 and s.promise_id = m.promise_id
    left join keyed k on k.account_id = m.account_id
    cross join lateral (values (23::smallint, m.value_us >= b.from_us and m.value_us < b.end_us),
                               (24::smallint, s.state = 2 and m.closes_us > b.from_us and m.closes_us <= b.end_us),
                               (25::smallint, s.state = 3 and m.closes_us > b.from_us and m.closes_us <= b.end_us),
                               (26::smallint, s.state = 4 and m.closes_us > b.from_us and m.closes_us <= b.end_us)) f (figure, counts)
    where m.agency_id = $1 and f.counts
    group by 1, 2, 3
    union all
    select k.key_no, case when k.key_no is null then r.account_id end, 27::smallint, sum(r.receipts)::bigint
    from (select x.account_id, count(*) as receipts from receipt x
          where x.agency_id = $1 and x.value_on >= (select from_on from bound) and x.value_on < (select end_on from bound)
          group by x.account_id) r
    left join keyed k on k.account_id = r.account_id
    group by 1, 2
    union all
    select k.key_no, case when k.key_no is null then r.account_id end, 28::smallint, count(*)
    from receipt_void o join receipt r on r.agency_id = $1 and r.entry_id = o.receipt_id
    left join keyed k on k.account_id = r.account_id
    where o.agency_id = $1 and o.effect = 1
      and r.value_on >= (select from_on from bound) and r.value_on < (select end_on from bound)
    group by 1, 2),

-- ---- what is a collector's -----------------------------------------------------------------------------------------
working as (
    select b.end_on - 1 - case extract(isodow from b.end_on - 1) when 6 then 1 when 7 then 2 else 0 end::integer as last_on
    from bound b),
-- Postings that do not count like all others: later than the month, of its last working day or the week-end behind it, of
-- its settlements. They are few, so the ledger is read once and hardly joined.
special as (
    select p.posting_id, p.kind, p.posting_on from posting p
    where p.agency_id = $1 and (p.posting_on >= (select end_on from bound) or (p.kind = 1 and p.value_on >= (select last_on from working))
        or (p.kind = 50 and p.posting_on >= (select from_on from bound)))),
cash as materialized (
    select l.owner_id as collector_id, l.currency::text as currency,
           (sum(l.amount_minor) filter (where l.ledger_account = 12 and p.kind = 50 and p.posting_on < (select end_on from bound)))::bigint as short_minor,
           (sum(l.amount_minor) filter (where l.ledger_account = 5 and (p.posting_id is null or (
               p.posting_on < (select end_on from bound) and (p.kind <> 1 or l.amount_minor < 0)))))::bigint as aged_minor
    from ledger_line l left join special p on p.posting_id = l.posting_id
    where l.agency_id = $1 and l.ledger_account in (5, 12)
    group by l.owner_id, l.currency),
by_collector as (
    select c.collector_id, c.currency, 29::smallint as figure, c.short_minor as value from cash c where c.short_minor is not null
    union all
    select c.collector_id, c.currency, 30::smallint, greatest(0, c.aged_minor) from cash c where c.aged_minor is not null),

-- ---- together ------------------------------------------------------------------------------------------------------
key as materialized (
    select k.key_no, k.team_id, k.collector_id, k.currency, k.load_type, k.bucket, count(*) as accounts,
           sum(k.open_minor)::bigint as open_minor, count(*) filter (where k.end_bucket > k.bucket) as forward,
           count(*) filter (where k.end_bucket < k.bucket) as back
    from keyed k group by k.key_no, k.team_id, k.collector_id, k.currency, k.load_type, k.bucket),
-- Of another collector than the account's: moves, and bonus that somebody else earned on it.
by_other as (
    select m.collector_before as collector_id, k.currency, k.load_type, k.bucket, 4::smallint as figure, count(*) as value
    from moved m join keyed k on k.account_id = m.account_id
    where m.collector_before is not null group by 1, 2, 3, 4
    union all
    select m.collector_after, k.currency, k.load_type, k.bucket, 3::smallint, count(*)
    from moved m join keyed k on k.account_id = m.account_id
    where m.collector_after is not null group by 1, 2, 3, 4
    union all
    select l.collector_id, l.currency, coalesce(k.load_type, 0::smallint), coalesce(k.bucket, -1::smallint), 33::smallint,
           sum(l.amount_minor)::bigint
    from (select x.collector_id, x.currency::text as currency, x.account_id, sum(x.amount_minor)::bigint as amount_minor
          from bonus_line x where x.agency_id = $1 and x.month_on = $2 group by 1, 2, 3) l
    left join keyed k on k.account_id = l.account_id
    group by 1, 2, 3, 4
    union all
    select x.collector_id, x.currency, 0::smallint, -1::smallint, x.figure, x.value from by_collector x),
counted as (
    select k.team_id, k.collector_id, k.currency, k.load_type, k.bucket, f.figure, f.value
    from key k
    cross join lateral (values (1::smallint, k.accounts), (2::smallint, k.open_minor), (31::smallint, k.forward),
                               (32::smallint, k.back)) f (figure, value)
    union all
    select k.team_id, k.collector_id, k.currency, k.load_type, k.bucket, x.figure, x.value
    from by_account x join key k on k.key_no = x.key_no
    union all
    select '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000',
           coalesce(a.currency, g.currency)::text, 0::smallint, -1::smallint, x.figure, x.value
    from by_account x join agency g on g.agency_id = $1
    left join account a on a.agency_id = $1 and a.account_id = x.account_id
    where x.key_no is null
    union all
    select coalesce(t.team_id, '00000000-0000-0000-0000-000000000000'), x.collector_id, x.currency, x.load_type, x.bucket,
           x.figure, x.value
    from by_other x cross join bound b
    left join team_at t on t.collector_id = x.collector_id and t.since_us = b.from_us)
select c.team_id, c.collector_id, c.currency, c.load_type, c.bucket, c.figure, sum(c.value)::bigint
from counted c
group by 1, 2, 3, 4, 5, 6
having sum(c.value) <> 0
$$;
