-- Money: payments, allocations, the ledger, bonus lines (R-PAY-*, R-ALL-*, R-LED-*, R-BON-*).

-- Payment identity: (agency, source, source reference); a field payment's reference is its entry's id, which is its key.
create table payment (
    agency_id uuid not null,
    payment_id uuid not null,
    account_id uuid not null,
    source smallint not null,
    source_reference text,
    tender smallint not null,
    tag smallint not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency char(3) not null,
    value_us bigint not null,
    value_on date not null,
    posting_on date not null,
    received_us bigint not null,
    collector_id uuid,
    actor_id uuid,
    primary key (agency_id, payment_id)
);
create unique index payment_identity on payment (agency_id, source, source_reference) where source_reference is not null;
create index payment_account on payment (agency_id, account_id, value_on);
call make_fact('payment');

create table payment_reversal (
    agency_id uuid not null,
    payment_id uuid not null,
    reversal_id uuid not null,
    reason smallint not null,
    value_on date not null,
    posting_on date not null,
    at_us bigint not null,
    actor_id uuid,
    primary key (agency_id, payment_id)
);
call make_fact('payment_reversal');

-- Versioned by (payment, version), the highest counts (R-ALL-7). Instalment 0 carries what became customer credit.
create table allocation (
    agency_id uuid not null,
    payment_id uuid not null,
    version integer not null,
    instalment_no integer not null,
    fees_minor bigint not null,
    penalty_minor bigint not null,
    interest_minor bigint not null,
    principal_minor bigint not null,
    credit_minor bigint not null,
    primary key (agency_id, payment_id, version, instalment_no)
);
call make_fact('allocation');

-- One row a posting; its digest covers every row that the posting inserted and chains per (agency, writer).
create table posting (
    agency_id uuid not null,
    posting_id uuid not null,
    kind smallint not null,
    trigger_id uuid not null,
    account_id uuid,
    value_on date not null,
    posting_on date not null,
    at_us bigint not null,
    writer_id bigint not null,
    writer_n bigint not null,
    digest bytea not null,
    primary key (agency_id, posting_id)
);
call make_fact('posting');

-- Debit positive, credit negative; the lines of a posting sum to zero per currency.
create table ledger_line (
    agency_id uuid not null,
    posting_id uuid not null,
    line_no smallint not null,
    ledger_account smallint not null,
    owner_id uuid,
    currency char(3) not null,
    amount_minor bigint not null check (amount_minor <> 0),
    primary key (agency_id, posting_id, line_no)
);
call make_fact('ledger_line');

create table posting_writer (
    agency_id uuid not null,
    writer_id bigint not null,
    n bigint not null default 0,
    head bytea not null default '',
    primary key (agency_id, writer_id)
) with (fillfactor = 50);
call make_state('posting_writer');

-- One row a collector and currency: the bonus chain's head and what the collector holds or is owed.
create table collector_state (
    agency_id uuid not null,
    collector_id uuid not null,
    currency char(3) not null,
    bonus_n bigint not null default 0,
    bonus_head bytea not null default '',
    cash_held_minor bigint not null default 0 check (cash_held_minor >= 0),
    cheques_in_hand_minor bigint not null default 0,
    deposit_in_transit_minor bigint not null default 0,
    bonus_payable_minor bigint not null default 0,
    primary key (agency_id, collector_id, currency)
) with (fillfactor = 50);
call make_state('collector_state');

create table collector_month (
    agency_id uuid not null,
    collector_id uuid not null,
    month_on date not null,
    currency char(3) not null,
    mtd_minor bigint not null default 0,
    bonus_minor bigint not null default 0,
    primary key (agency_id, collector_id, month_on, currency)
) with (fillfactor = 50);
call make_state('collector_month');

create table bonus_target (
    agency_id uuid not null,
    collector_id uuid not null,
    month_on date not null,
    version integer not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency char(3) not null,
    made_by uuid,
    approved_by uuid,
    at_us bigint not null,
    primary key (agency_id, collector_id, month_on, version)
);
call make_fact('bonus_target');

-- kind: enum bonus_kind. Written once with its complete context (R-BON-4).
create table bonus_line (
    agency_id uuid not null,
    payment_id uuid not null,
    line_no smallint not null,
    line_id uuid not null,
    kind smallint not null,
    collector_id uuid not null,
    team_id uuid,
    month_on date not null,
    currency char(3) not null,
    account_id uuid not null,
    value_on date not null,
    scheme text not null,
    scheme_version integer not null,
    base_minor bigint not null,
    amount_minor bigint not null,
    bucket smallint not null,
    bucket_factor integer not null,
    tier_factor integer not null,
    target_factor integer not null,
    tag_factor integer not null,
    tag smallint not null,
    mtd_minor bigint not null,
    target_minor bigint,
    target_version integer,
    capped boolean not null,
    on_hold boolean not null,
    hold_from_on date,
    allocation_digest bytea not null,
    chain_n bigint not null,
    prev_hash bytea not null,
    hash bytea not null,
    primary key (agency_id, payment_id, line_no)
);
create index bonus_line_collector on bonus_line (agency_id, collector_id, month_on, chain_n);
call make_fact('bonus_line');

-- Whose an account was at an instant (R-BON-8): what the newest change of collector until then says, else what the
-- first one after it found, else whose it is.
create function account_collector_at(of_agency uuid, of_account uuid, at_value_us bigint) returns uuid
language sql stable parallel safe
as $$
    select case when before.event_id is not null then before.collector_after
                when later.event_id is not null then later.collector_before
                else s.collector_id end
    from account_state s
    left join lateral (
        select e.event_id, e.collector_after from account_event e
        where e.agency_id = $1 and e.account_id = $2 and e.at_us <= $3 and e.collector_before is distinct from e.collector_after
        order by e.at_us desc, e.event_id desc limit 1) before on true
    left join lateral (
        select e.event_id, e.collector_before from account_event e
        where e.agency_id = $1 and e.account_id = $2 and e.at_us > $3 and e.collector_before is distinct from e.collector_after
        order by e.at_us, e.event_id limit 1) later on true
    where s.agency_id = $1 and s.account_id = $2
$$;
revoke all on function account_collector_at(uuid, uuid, bigint) from public;
grant execute on function account_collector_at(uuid, uuid, bigint) to tagih_app;
