-- Settlement with discount (R-WAI-1): offers, what became of them, and which waivers are theirs.

create table settlement_offer (
    agency_id uuid not null,
    offer_id uuid not null,              -- its proposal's
    posting_id uuid not null,
    account_id uuid not null,
    sum_minor bigint not null check (sum_minor > 0),
    currency char(3) not null,
    by_on date not null,
    fees_minor bigint not null check (fees_minor >= 0),
    penalty_minor bigint not null check (penalty_minor >= 0),
    interest_minor bigint not null check (interest_minor >= 0),
    principal_minor bigint not null check (principal_minor >= 0),
    creditor_bears boolean not null,
    made_by uuid not null,
    made_us bigint not null,
    primary key (agency_id, offer_id)
);
create index settlement_offer_account on settlement_offer (agency_id, account_id, made_us, offer_id);
create index settlement_offer_posting on settlement_offer (agency_id, posting_id);
call make_fact('settlement_offer');

-- state: 1 OFFERED, 2 APPROVED, 3 FULFILLED, 4 LAPSED. paid_minor: what counted then.
create table settlement_offer_event (
    agency_id uuid not null,
    offer_id uuid not null,
    n integer not null,
    posting_id uuid not null,
    state smallint not null check (state between 1 and 4),
    at_us bigint not null,
    paid_minor bigint not null,
    actor_id uuid,
    primary key (agency_id, offer_id, n)
);
create index settlement_offer_event_posting on settlement_offer_event (agency_id, posting_id);
call make_fact('settlement_offer_event');

-- The waivers of a fulfilled offer; taken back with it (account_fact_withdrawal).
create table settlement_offer_waiver (
    agency_id uuid not null,
    offer_id uuid not null,
    fact_id uuid not null,
    posting_id uuid not null,
    primary key (agency_id, offer_id, fact_id)
);
create index settlement_offer_waiver_posting on settlement_offer_waiver (agency_id, posting_id);
call make_fact('settlement_offer_waiver');

-- Under the account's lock. from_us: payments valued from then on count. bounced: it was fulfilled and is no more, for good.
create table settlement_offer_state (
    agency_id uuid not null,
    offer_id uuid not null,
    account_id uuid not null,
    n integer not null default 1,
    state smallint not null default 1,
    from_us bigint,
    bounced boolean not null default false,
    primary key (agency_id, offer_id)
) with (fillfactor = 70);
call make_state('settlement_offer_state');

-- The account's newest approved offer, which every payment of it looks at.
alter table account_state add offer_id uuid;

-- What became of an entry that waited (R-JRN-6, R-REC-2, R-REC-8): the decision of two people. action: 1 RELEASE, 2 DROP.
-- fate and flags: those of its entry_event.
create table entry_decision (
    agency_id uuid not null,
    entry_hash bytea not null,
    posting_id uuid not null,
    proposal_id uuid not null,
    action smallint not null check (action in (1, 2)),
    account_id uuid,
    fate smallint not null,
    flags bigint not null,
    at_us bigint not null,
    primary key (agency_id, entry_hash)
);
create index entry_decision_posting on entry_decision (agency_id, posting_id);
call make_fact('entry_decision');

-- A gap that a supervisor accepted (R-JRN-6).
create table gap_accepted (
    agency_id uuid not null,
    device_id uuid not null,
    epoch integer not null,
    first_seq bigint not null,
    last_seq bigint not null check (last_seq >= first_seq),
    posting_id uuid not null,
    at_us bigint not null,
    actor_id uuid not null,
    reason text not null,
    primary key (agency_id, device_id, epoch, first_seq)
);
create index gap_accepted_posting on gap_accepted (agency_id, posting_id);
call make_fact('gap_accepted');

-- Those that once waited, in the order in which they came.
create index journal_key_waiting on journal_key (agency_id, received_us, entry_hash) where fate in (3, 4);

-- The reconciliation report of an import (R-IMP-3): ours before, theirs since, both less customer credit; what of our
-- payments the snapshot counts as contained.
create table reconciliation (
    agency_id uuid not null,
    posting_id uuid not null,
    file_hash bytea not null,
    row_no integer not null,
    account_id uuid not null,
    ours_minor bigint not null,
    theirs_minor bigint not null,
    currency char(3) not null,
    absorbed integer not null,
    absorbed_minor bigint not null,
    replayed integer not null,
    primary key (agency_id, posting_id)
);
create index reconciliation_file on reconciliation (agency_id, file_hash, row_no);
call make_fact('reconciliation');
