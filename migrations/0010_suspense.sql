-- Money whose account is not known yet, bank statements and cheques (R-PAY-2, R-PAY-5).

-- Money in suspense: one row when it comes. origin: enum suspense_origin (server/domain/suspense.h). trigger_id: the
-- payment that was taken back, or the bank's line. account_id: the account that its sender named. Its identity is that of
-- payments (R-PAY-5): what is released is posted under the same one.
create table suspense (
    agency_id uuid not null,
    item_id uuid not null,
    posting_id uuid not null,
    origin smallint not null,
    source smallint not null,
    source_reference text not null,
    trigger_id uuid,
    account_id uuid,
    payer text not null,
    note text not null,
    tag smallint not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency char(3) not null,
    money_account smallint not null,
    value_us bigint not null,
    value_on date not null,
    received_us bigint not null,
    actor_id uuid,
    primary key (agency_id, item_id)
);
create unique index suspense_identity on suspense (agency_id, source, source_reference);
create index suspense_payer on suspense (agency_id, payer) where payer <> '';
create index suspense_posting on suspense (agency_id, posting_id);
call make_fact('suspense');

-- What became of it, once. outcome: 3 POSTED, 4 RETURNED (enum money_state). payment_id: what it was posted as, or what
-- it turned out to have paid already. maker and checker: two people, but for a match by reference and amount.
create table suspense_decision (
    agency_id uuid not null,
    item_id uuid not null,
    posting_id uuid not null,
    outcome smallint not null check (outcome in (3, 4)),
    payment_id uuid,
    account_id uuid,
    reason text not null,
    at_us bigint not null,
    made_by uuid,
    decided_by uuid,
    primary key (agency_id, item_id)
);
create index suspense_decision_posting on suspense_decision (agency_id, posting_id);
call make_fact('suspense_decision');

-- state: enum money_state. What waits is found by its age.
create table suspense_state (
    agency_id uuid not null,
    item_id uuid not null,
    state smallint not null,
    amount_minor bigint not null,
    currency char(3) not null,
    value_on date not null,
    value_us bigint not null,
    primary key (agency_id, item_id)
) with (fillfactor = 70);
create index suspense_state_open on suspense_state (agency_id, value_us, item_id) where state = 2;
call make_state('suspense_state');

-- Where hints look: plates, promises and instalments by their amount. Sums are columns because under row-level security
-- an index is reached by leakproof conditions alone, and a sum is none.
create index account_plate on account (agency_id, plate) where plate <> '';
create index promise_amount on promise (agency_id, amount_minor, due_on);
alter table instalment add column due_minor bigint not null
    generated always as (fees_minor + penalty_minor + interest_minor + principal_minor) stored;
create index instalment_amount on instalment (agency_id, due_minor);

-- How references are compared: letters and digits alone, in capitals. Banks add blanks, cut hyphens and shout.
create function bank_reference(said text) returns text language sql immutable parallel safe
as $$ select upper(regexp_replace(said, '[^A-Za-z0-9]', '', 'g')) $$;

-- What the bank's statement should show some day: the one table of matching (R-PAY-5), by reference and amount. kind: enum
-- bank_expected (server/domain/bank.h). amount_minor > 0 comes in, < 0 goes out. ledger_account: what the line clears
-- against the bank; 11 BANK itself: it stands there already, the line only confirms it. owner_id: of that account.
-- object_id: the payment, item, deposit … behind it. state: 0 NOT_SENT (a cheque in hand), 1 OPEN, 2 SETTLED, 3 WITHDRAWN.
create table bank_expected (
    agency_id uuid not null,
    expected_id uuid not null,
    kind smallint not null,
    object_id uuid not null,
    reference text not null,
    amount_minor bigint not null check (amount_minor <> 0),
    currency char(3) not null,
    ledger_account smallint not null,
    owner_id uuid,
    account_id uuid,
    since_us bigint not null,
    since_on date not null,
    state smallint not null,
    line_id uuid,
    told boolean not null default false,
    primary key (agency_id, expected_id)
) with (fillfactor = 70);
create index bank_expected_open on bank_expected (agency_id, reference, amount_minor) where state = 1;
create index bank_expected_age on bank_expected (agency_id, since_us, expected_id) where state = 1;
call make_state('bank_expected');

-- A line of the bank's statement, once whatever file brought it (R-PAY-5a): line_id is made of the bank account and the
-- bank's own reference. outcome: enum bank_outcome. expected_id: what it settled when it came.
create table bank_line (
    agency_id uuid not null,
    line_id uuid not null,
    posting_id uuid not null,
    file_hash bytea not null,
    row_no integer not null,
    bank_account text not null,
    line_reference text not null,
    booked_on date not null,
    amount_minor bigint not null check (amount_minor <> 0),
    currency char(3) not null,
    reference text not null,
    payer text not null,
    note text not null,
    outcome smallint not null,
    expected_id uuid,
    received_us bigint not null,
    actor_id uuid,
    primary key (agency_id, line_id)
);
create index bank_line_posting on bank_line (agency_id, posting_id);
create index bank_line_expected on bank_line (agency_id, expected_id) where expected_id is not null;
call make_fact('bank_line');

-- What a line that had matched nothing turned out to be, when the receipt, the return … came after it.
create table bank_match (
    agency_id uuid not null,
    line_id uuid not null,
    posting_id uuid not null,
    expected_id uuid not null,
    at_us bigint not null,
    actor_id uuid,
    primary key (agency_id, line_id)
);
create index bank_match_posting on bank_match (agency_id, posting_id);
call make_fact('bank_match');

-- A payment whose money the bank has: CONFIRMED (R-BON-6).
create table payment_settled (
    agency_id uuid not null,
    payment_id uuid not null,
    posting_id uuid not null,
    line_id uuid not null,
    settled_us bigint not null,
    primary key (agency_id, payment_id, line_id)
);
create index payment_settled_posting on payment_settled (agency_id, posting_id);
call make_fact('payment_settled');

-- Lines that matched nothing and are not suspense: money that went out. state: 1 OPEN, 2 SETTLED.
create table bank_line_state (
    agency_id uuid not null,
    line_id uuid not null,
    state smallint not null,
    amount_minor bigint not null,
    booked_on date not null,
    primary key (agency_id, line_id)
) with (fillfactor = 70);
create index bank_line_state_open on bank_line_state (agency_id, booked_on, line_id) where state = 1;
call make_state('bank_line_state');

-- What happened to a cheque after it was taken (R-PAY-4). kind: 1 HANDED_IN, 2 BOUNCED. The fee is what the bank took.
create table cheque_event (
    agency_id uuid not null,
    payment_id uuid not null,
    kind smallint not null,
    posting_id uuid not null,
    fee_minor bigint not null,
    charged boolean not null,
    reason text not null,
    at_us bigint not null,
    actor_id uuid not null,
    primary key (agency_id, payment_id, kind)
);
create index cheque_event_posting on cheque_event (agency_id, posting_id);
call make_fact('cheque_event');

-- For the minute's thread, which works for all agencies: those that have something old that nobody was told of.
create function bank_overdue_agencies(now_us bigint, days integer) returns table (agency_id uuid)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$ select distinct e.agency_id from bank_expected e
      where e.state = 1 and not e.told and e.since_us < now_us - days * 86400000000 $$;
revoke all on function bank_overdue_agencies(bigint, integer) from public;
grant execute on function bank_overdue_agencies(bigint, integer) to tagih_app;
create index bank_expected_untold on bank_expected (since_us) where state = 1 and not told;
