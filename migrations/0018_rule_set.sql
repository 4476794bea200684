-- Rule sets of agencies, and which one an account is under (R-ALL-2). The presets (R-ALL-3) are code.

-- steps: "past.fees now.fees past.penalty; past.principal …" (include/tagih/allocation.h, rule_steps_format).
-- direction: 0 HORIZONTAL, 1 VERTICAL; advance: 0 customer credit, 1 next instalment, 2 last instalment.
create table rule_set (
    agency_id uuid not null references agency,
    name text not null check (length(name) between 3 and 32),
    version integer not null check (version between 1 and 10000),
    posting_id uuid not null,
    direction smallint not null check (direction between 0 and 1),
    advance smallint not null check (advance between 0 and 2),
    steps text not null check (length(steps) <= 255),
    reason text not null,
    made_by uuid not null,
    made_us bigint not null,
    approved_by uuid not null,
    approved_us bigint not null,
    primary key (agency_id, name, version)
);
create index rule_set_posting on rule_set (agency_id, posting_id);
call make_fact('rule_set');

-- An account gets another rule set: a fact with a value date. Before the first one it is under id-default. No foreign key:
-- name and version may be a preset's. made_us: when it was said, which orders changes of one day (R-ALL-6a).
create table account_rule_set (
    agency_id uuid not null,
    posting_id uuid not null,
    account_id uuid not null,
    name text not null,
    version integer not null,
    value_on date not null,
    made_us bigint not null,
    received_us bigint not null,
    reason text not null,
    actor_id uuid,
    primary key (agency_id, posting_id)
);
create index account_rule_set_account on account_rule_set (agency_id, account_id, value_on, made_us, posting_id);
call make_fact('account_rule_set');

-- What is in force follows from these facts and the day.
alter table account_state drop column rule_set;
