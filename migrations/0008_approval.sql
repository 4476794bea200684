-- What one person proposes and another decides (maker and checker, R-APR-1). Both are facts under a posting's digest.

-- kind: ProposalKind of approval.proto. request: the maker's request message, packed.
create table proposal (
    agency_id uuid not null,
    proposal_id uuid not null,
    posting_id uuid not null,
    kind smallint not null,
    subject_id uuid not null,
    account_id uuid,
    amount_minor bigint,
    currency char(3),
    request bytea not null check (octet_length(request) <= 8192),
    reason text not null,
    made_by uuid not null,
    made_us bigint not null,
    expires_us bigint not null,
    primary key (agency_id, proposal_id)
);
create index proposal_posting on proposal (agency_id, posting_id);
call make_fact('proposal');

-- verdict: the state that it leads to. A proposal is decided once.
create table proposal_decision (
    agency_id uuid not null,
    proposal_id uuid not null,
    posting_id uuid not null,
    verdict smallint not null check (verdict between 2 and 4),
    decided_by uuid not null,
    decided_us bigint not null,
    reason text not null,
    primary key (agency_id, proposal_id)
);
create index proposal_decision_posting on proposal_decision (agency_id, posting_id);
call make_fact('proposal_decision');

-- state: 1 OPEN, 2 APPROVED, 3 REFUSED, 4 WITHDRAWN. One that nobody decided in time stays OPEN here and is told as
-- EXPIRED: no clock writes rows.
create table proposal_state (
    agency_id uuid not null,
    proposal_id uuid not null,
    kind smallint not null,
    subject_id uuid not null,
    state smallint not null default 1,
    made_us bigint not null,
    expires_us bigint not null,
    primary key (agency_id, proposal_id)
) with (fillfactor = 70);
create index proposal_state_list on proposal_state (agency_id, state, made_us, proposal_id);
create index proposal_state_open on proposal_state (agency_id, subject_id, kind) where state = 1;
call make_state('proposal_state');

-- Refunds without credit behind them (R-PAY-6): with one an account stays live.
alter table account_state add recoverable_minor bigint not null default 0 check (recoverable_minor >= 0);
