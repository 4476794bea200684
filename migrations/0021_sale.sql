-- Costs of taking collateral, the money of its sale, and what goes to the creditor (R-RPO-7, J25 to J28, J30).

-- A cost that somebody's bill names. used_as: 1 TAKING (we paid it and get it back from a sale), 2 FEE (it is charged to the
-- account); one bill is one of them, once. kind: enum cost_kind, 0 of a fee. evidence: SHA-256 of the bill, empty of a fee.
create table account_cost (
    agency_id uuid not null,
    cost_id uuid not null,
    posting_id uuid not null,
    account_id uuid not null,
    used_as smallint not null check (used_as in (1, 2)),
    kind smallint not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency char(3) not null,
    reference text not null,
    evidence bytea not null check (octet_length(evidence) in (0, 32)),
    value_us bigint not null,
    at_us bigint not null,
    made_by uuid not null,
    decided_by uuid not null,
    primary key (agency_id, cost_id)
);
create unique index account_cost_once on account_cost (agency_id, account_id, (bank_reference(reference)));
create index account_cost_list on account_cost (agency_id, account_id, at_us, cost_id) where used_as = 1;
create index account_cost_posting on account_cost (agency_id, posting_id);
call make_fact('account_cost');

-- What the house sold. Its first state is HAMMERED; what follows are its events.
create table sale (
    agency_id uuid not null,
    sale_id uuid not null,
    posting_id uuid not null,
    account_id uuid not null,
    asset_reference text not null,
    house text not null,
    lot text not null,
    hammer_minor bigint not null check (hammer_minor > 0),
    currency char(3) not null,
    protocol bytea not null check (octet_length(protocol) = 32),
    value_us bigint not null,
    at_us bigint not null,
    made_by uuid not null,
    decided_by uuid not null,
    primary key (agency_id, sale_id)
);
create index sale_account on sale (agency_id, account_id, at_us, sale_id);
create index sale_list on sale (agency_id, at_us, sale_id);
create index sale_lot on sale (agency_id, lot);
create index sale_posting on sale (agency_id, posting_id);
call make_fact('sale');

-- event: 1 SETTLED, 2 RECEIVED, 3 SURPLUS_PAID, 4 TAKEN_BACK; state: after it, enum sale_state (server/domain/sale.h). The
-- parts of the proceeds are signed: taking a settlement back names them below zero, so sums tell what is in force.
create table sale_event (
    agency_id uuid not null,
    sale_id uuid not null,
    n integer not null check (n > 0),
    posting_id uuid not null,
    event smallint not null check (event between 1 and 4),
    state smallint not null,
    amount_minor bigint not null,
    sale_costs_minor bigint not null,
    taking_costs_minor bigint not null,
    debt_minor bigint not null,
    surplus_minor bigint not null,
    shortfall_minor bigint not null,
    payment_id uuid,
    due_on date,
    reference text not null,
    value_us bigint not null,
    at_us bigint not null,
    made_by uuid not null,
    decided_by uuid not null,
    primary key (agency_id, sale_id, n)
);
create index sale_event_posting on sale_event (agency_id, posting_id);
call make_fact('sale_event');

-- What a creditor got of what is his.
create table remittance (
    agency_id uuid not null,
    remittance_id uuid not null,
    posting_id uuid not null,
    creditor text not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency char(3) not null,
    reference text not null,
    value_us bigint not null,
    at_us bigint not null,
    made_by uuid not null,
    decided_by uuid not null,
    primary key (agency_id, remittance_id)
);
create unique index remittance_once on remittance (agency_id, creditor, (bank_reference(reference)));
create index remittance_list on remittance (agency_id, at_us, remittance_id);
create index remittance_posting on remittance (agency_id, posting_id);
call make_fact('remittance');

-- What is owed to creditors is creditor control less what is open: imports, charges and reliefs write these lines, payments do
-- not (LEDGER_CREDITOR_CONTROL).
create index ledger_line_control on ledger_line (agency_id, currency) include (amount_minor) where ledger_account = 16;
