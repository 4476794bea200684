-- What the book needs beyond payments: charges, waivers and refunds; the months that are closed (R-ALL-7, R-CLS-1).

-- A fact about an account that is no payment; it replays the account. kind: enum fact_kind (include/tagih/allocation.h):
-- 0 CHARGE, 1 WAIVER, 3 REFUND, 4 WRITE_OFF, 5 CREDITOR_RELIEF. A refund names no instalment (0) and no component (0).
create table account_fact (
    agency_id uuid not null,
    fact_id uuid not null,
    posting_id uuid not null,
    account_id uuid not null,
    kind smallint not null check (kind in (0, 1, 3, 4, 5)),
    amount_minor bigint not null check (amount_minor > 0),
    currency char(3) not null,
    instalment_no integer not null,
    component smallint not null check (component between 0 and 3),
    value_us bigint not null,
    value_on date not null,
    received_us bigint not null,
    reason text not null default '',
    actor_id uuid,
    primary key (agency_id, fact_id)
);
create index account_fact_account on account_fact (agency_id, account_id, value_on);
call make_fact('account_fact');

-- A fact that was taken back: the account is as though it were absent, both rows stay.
create table account_fact_withdrawal (
    agency_id uuid not null,
    fact_id uuid not null,
    posting_id uuid not null,
    at_us bigint not null,
    reason text not null default '',
    actor_id uuid,
    primary key (agency_id, fact_id)
);
call make_fact('account_fact_withdrawal');

-- A closed month (R-CLS-1). Months close in order, so the newest row tells where the open time begins.
create table month_close (
    agency_id uuid not null,
    month_on date not null check (month_on = date_trunc('month', month_on)),
    posting_id uuid not null,
    closed_us bigint not null,
    made_by uuid,
    approved_by uuid,
    digest bytea not null,
    primary key (agency_id, month_on)
);
call make_fact('month_close');

alter table collector_state add collector_receivable_minor bigint not null default 0;
