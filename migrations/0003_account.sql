-- Accounts, their dues, holds and imports (R-ACC-*, R-IMP-*, R-LIF-1..2).
create table customer (
    agency_id uuid not null references agency,
    customer_id uuid not null,
    customer_no text not null,
    created_us bigint not null,
    primary key (agency_id, customer_id),
    unique (agency_id, customer_no)
);
call make_fact('customer');

create table account (
    agency_id uuid not null references agency,
    account_id uuid not null,
    account_no text not null,
    customer_id uuid not null,
    product text not null,
    currency char(3) not null,
    plate text not null default '',
    created_us bigint not null,
    primary key (agency_id, account_id),
    unique (agency_id, account_no)
);
create index account_customer on account (agency_id, customer_id);
call make_fact('account');

-- status: enum account_status (server/domain/account.h). Balances are what is open now, per component.
-- last_*: the place in fact order of the newest payment (R-ALL-6); a payment behind it replays.
-- day_bucket: the bucket at 00:00 of day_on, before every payment of that date; month_bucket likewise (R-BON-11).
create table account_state (
    agency_id uuid not null,
    account_id uuid not null,
    status smallint not null,
    hold_from_on date,
    hold_until_on date,
    collector_id uuid,
    rule_set text not null default 'id-default',
    no_schedule boolean not null,
    fees_minor bigint not null check (fees_minor >= 0),
    penalty_minor bigint not null check (penalty_minor >= 0),
    interest_minor bigint not null check (interest_minor >= 0),
    principal_minor bigint not null check (principal_minor >= 0),
    credit_minor bigint not null default 0 check (credit_minor >= 0),
    debt_allocated_minor bigint not null default 0,
    oldest_due_on date,
    last_value_on date,
    last_value_us bigint,
    last_payment_id uuid,
    day_on date,
    day_bucket smallint,
    month_on date,
    month_bucket smallint,
    snapshot_on date not null,
    snapshot_us bigint not null default 0,  -- when its newest snapshot was received: what comes later is never before it
    assumed boolean not null default false,
    lat_e7 integer not null,
    lon_e7 integer not null,
    address_quality smallint not null,
    district text not null default '',
    regency text not null default '',
    phone text not null default '',
    version integer not null default 1,
    primary key (agency_id, account_id)
) with (fillfactor = 70);
create index account_state_collector on account_state (agency_id, collector_id, account_id) where collector_id is not null;
call make_state('account_state');

-- What the creditor said, as-of instant by as-of instant (R-IMP-3). load_type: 1 NEW, 2 CONTINUATION, 3 UPDATE, 4 REACTIVATED.
create table snapshot (
    agency_id uuid not null,
    account_id uuid not null,
    as_of_on date not null,
    file_hash bytea not null,
    row_no integer not null,
    load_type smallint not null,
    load_reason text not null,
    fees_minor bigint not null,
    penalty_minor bigint not null,
    interest_minor bigint not null,
    principal_minor bigint not null,
    export_seq bigint,
    received_us bigint not null,
    primary key (agency_id, account_id, as_of_on, received_us)
);
call make_fact('snapshot');

create table instalment (
    agency_id uuid not null,
    account_id uuid not null,
    as_of_on date not null,
    received_us bigint not null,
    instalment_no integer not null,
    due_on date not null,
    fees_minor bigint not null,
    penalty_minor bigint not null,
    interest_minor bigint not null,
    principal_minor bigint not null,
    primary key (agency_id, account_id, as_of_on, received_us, instalment_no)
);
call make_fact('instalment');

-- state: 0 UNPAID, 1 PARTIAL, 2 PAID (R-ALL-5). Rows of an older schedule are zeroed, never deleted.
create table instalment_state (
    agency_id uuid not null,
    account_id uuid not null,
    instalment_no integer not null,
    due_on date not null,
    state smallint not null default 0,
    fees_minor bigint not null check (fees_minor >= 0),
    penalty_minor bigint not null check (penalty_minor >= 0),
    interest_minor bigint not null check (interest_minor >= 0),
    principal_minor bigint not null check (principal_minor >= 0),
    primary key (agency_id, account_id, instalment_no)
) with (fillfactor = 70);
call make_state('instalment_state');

-- R-LIF-5: before and after owner, reason, actor.
create table account_event (
    agency_id uuid not null,
    event_id uuid not null,
    account_id uuid not null,
    at_us bigint not null,
    kind text not null,
    actor_id uuid,
    reason text not null default '',
    collector_before uuid,
    collector_after uuid,
    status_before smallint,
    status_after smallint not null,
    primary key (agency_id, event_id)
);
create index account_event_account on account_event (agency_id, account_id, at_us);
call make_fact('account_event');

create table import_file (
    agency_id uuid not null references agency,
    file_hash bytea not null,
    kind text not null,
    mode text not null check (mode in ('FULL', 'DELTA')),
    name text not null,
    as_of_on date not null,
    shifted_days integer not null default 0,
    rows_total integer not null,
    rows_good integer not null,
    sum_minor numeric(30) not null,
    started_us bigint not null,
    actor_id uuid,
    primary key (agency_id, file_hash)
);
call make_fact('import_file');

create table import_row (
    agency_id uuid not null,
    file_hash bytea not null,
    row_no integer not null,
    account_no text not null,
    account_id uuid,
    result text not null,        -- NEW, CONTINUATION, UPDATE, REACTIVATED, SAME or a reason of err.def
    warning text not null default '',
    primary key (agency_id, file_hash, row_no)
);
call make_fact('import_row');

-- For the command line, which is told an agency by its name: its id, when exactly one has it.
create function agency_by_name(wanted text) returns table (agency_id uuid)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$ select min(a.agency_id::text)::uuid from agency a where a.name = wanted having count(*) = 1 $$;
revoke all on function agency_by_name(text) from public;
grant execute on function agency_by_name(text) to tagih_app;
