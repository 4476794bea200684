-- Whose a bonus is, beyond the one who took the money (R-BON-8): accounts whose bonus is split, collectors' own accounts,
-- and the choice about a line on hold (bonus_hold_decision is there); and which closed months a payout run still reads.

-- An account's split, as versions with their days (R-BON-8a). A version without shares ends what was before it.
create table bonus_split (
    agency_id uuid not null,
    account_id uuid not null,
    version integer not null,
    posting_id uuid not null,
    valid_from_on date not null,
    valid_until_on date,
    shares integer not null,
    at_us bigint not null,
    made_by uuid not null,
    approved_by uuid not null,
    reason text not null,
    primary key (agency_id, account_id, version),
    check (valid_until_on >= valid_from_on)
);
create index bonus_split_posting on bonus_split (agency_id, posting_id);
call make_fact('bonus_split');

create table bonus_split_share (
    agency_id uuid not null,
    account_id uuid not null,
    version integer not null,
    collector_id uuid not null,
    posting_id uuid not null,
    share_bp integer not null check (share_bp between 1 and 10000),
    primary key (agency_id, account_id, version, collector_id)
);
create index bonus_split_share_posting on bonus_split_share (agency_id, posting_id);
call make_fact('bonus_split_share');

-- How a payment's base was split when it was posted, the part of whoever gets no line of it included. month_on: of its value date.
create table bonus_share (
    agency_id uuid not null,
    payment_id uuid not null,
    collector_id uuid not null,
    posting_id uuid not null,
    month_on date not null,
    split_version integer not null,
    share_bp integer not null,
    base_minor bigint not null,
    primary key (agency_id, payment_id, collector_id)
);
create index bonus_share_posting on bonus_share (agency_id, posting_id);
create index bonus_share_collector on bonus_share (agency_id, collector_id, month_on, payment_id);
call make_fact('bonus_share');

-- Which customer a person of the agency is himself (R-BON-8b): the highest n says.
create table own_customer (
    agency_id uuid not null,
    user_id uuid not null,
    customer_id uuid not null,
    n integer not null,
    posting_id uuid not null,
    is_own boolean not null,
    at_us bigint not null,
    actor_id uuid not null,
    reason text not null,
    primary key (agency_id, user_id, customer_id, n)
);
create index own_customer_posting on own_customer (agency_id, posting_id);
call make_fact('own_customer');

-- The split that is in force for an account on the day of an instant, share by share; no row: none.
create function bonus_split_at(of_agency uuid, of_account uuid, at_value_us bigint)
returns table (collector_id uuid, share_bp integer, version integer) language sql stable parallel safe
as $$
    select s.collector_id, s.share_bp, v.version
    from (select x.version from agency g
          join bonus_split x on x.agency_id = $1 and x.account_id = $2 and x.valid_from_on <= agency_date($3, g.time_zone)
              and (x.valid_until_on is null or x.valid_until_on >= agency_date($3, g.time_zone))
          where g.agency_id = $1 order by x.version desc limit 1) v
    cross join lateral (
        select x.collector_id, x.share_bp from bonus_split_share x
        where x.agency_id = $1 and x.account_id = $2 and x.version = v.version offset 0) s
$$;
revoke all on function bonus_split_at(uuid, uuid, bigint) from public;
grant execute on function bonus_split_at(uuid, uuid, bigint) to tagih_app, tagih_read;

create function is_own_customer(of_agency uuid, of_user uuid, of_customer uuid) returns boolean
language sql stable parallel safe
as $$
    select coalesce((
        select x.is_own from own_customer x where x.agency_id = $1 and x.user_id = $2 and x.customer_id = $3
        order by x.n desc limit 1), false)
$$;
revoke all on function is_own_customer(uuid, uuid, uuid) from public;
grant execute on function is_own_customer(uuid, uuid, uuid) to tagih_app, tagih_read;

-- Lines that wait for a choice are listed (R-BON-8c).
create index bonus_line_on_hold on bonus_line (agency_id, value_on, line_id) where on_hold;

-- ---- payout runs read what is not paid (R-BON-9a) ---------------------------------------------------------------------
-- No line comes into a month that is closed: once all lines of a collector's closed month are in runs, no run reads it
-- again. paid_run: the run that took the last of them.
alter table collector_month add column paid_run integer;
create index collector_month_unpaid on collector_month (agency_id, currency, month_on, collector_id) where paid_run is null;

-- The lines that a run through a month would hold: LOCKED, payable, in no run yet. One step at a time, so that no plan
-- depends on statistics.
create function bonus_run_lines(of_agency uuid, through_on date, in_currency char(3))
returns table (line_id uuid, collector_id uuid, month_on date, clawback boolean, amount_minor bigint)
language sql stable
as $$
    select b.line_id, m.collector_id, m.month_on, b.kind = 3, b.amount_minor
    from (select max(c.month_on) as month_on from month_close c where c.agency_id = $1 offset 0) c
    cross join lateral (
        select x.collector_id, x.month_on from collector_month x
        where x.agency_id = $1 and x.currency = $3 and x.month_on <= $2 and x.month_on <= c.month_on and x.paid_run is null offset 0) m
    cross join lateral (
        select x.line_id, x.payment_id, x.kind, x.amount_minor from bonus_line x
        where x.agency_id = $1 and x.collector_id = m.collector_id and x.month_on = m.month_on and x.currency = $3 offset 0) b
    left join lateral (
        select p.line_id from bonus_payout_line p where p.agency_id = $1 and p.line_id = b.line_id offset 0) p on true
    where p.line_id is null and bonus_is_payable($1, b.line_id, b.payment_id, m.collector_id, m.month_on, $3)
$$;
revoke all on function bonus_run_lines(uuid, date, char) from public;
grant execute on function bonus_run_lines(uuid, date, char) to tagih_app, tagih_read;
