-- Costs of taking that were booked by mistake and taken back (R-RPO-7c).

create table account_cost_reversal (
    agency_id uuid not null,
    cost_id uuid not null,
    posting_id uuid not null,
    reason text not null,
    at_us bigint not null,
    made_by uuid not null,
    decided_by uuid not null,
    primary key (agency_id, cost_id)
);
create index account_cost_reversal_posting on account_cost_reversal (agency_id, posting_id);
call make_fact('account_cost_reversal');

-- A bill is booked once, but again after it was taken back: which of its rows stands is decided under the account's lock.
drop index account_cost_once;
create index account_cost_reference on account_cost (agency_id, account_id, (bank_reference(reference)));
