-- The field journal (R-JRN-*): what phones signed, what they were told, and what became of it.

-- Uniqueness of entries, and the links of their chains. Narrow, never partitioned, never pruned. Forks and second uses of
-- an id have rows too, which own neither. fate and flags are the first ones, as the acknowledgement says; later ones are
-- entry_event rows. The bytes themselves: journal_body, by month (0024_partition.sql).
create table journal_key (
    agency_id uuid not null,
    entry_hash bytea not null,
    device_id uuid not null,
    epoch integer not null,
    seq bigint not null,
    entry_id uuid not null,
    kind smallint not null,
    owns_seq boolean not null,
    owns_id boolean not null,
    fate smallint not null,
    flags bigint not null,
    received_us bigint not null,
    prev_hash bytea not null,
    ack bytea not null,
    primary key (agency_id, entry_hash)
);
create unique index journal_key_seq on journal_key (agency_id, device_id, epoch, seq) where owns_seq;
create unique index journal_key_id on journal_key (agency_id, entry_id) where owns_id;
call make_fact('journal_key');

create table entry_event (
    agency_id uuid not null,
    entry_hash bytea not null,
    n integer not null,
    at_us bigint not null,
    fate smallint not null,
    flags bigint not null,
    actor_id uuid,
    reason text not null default '',
    primary key (agency_id, entry_hash, n)
);
call make_fact('entry_event');

-- Entries that wait for another (a void for its receipt), found by what they wait for.
create table entry_waiting (
    agency_id uuid not null,
    entry_hash bytea not null,
    referent_id uuid not null,
    done boolean not null default false,
    primary key (agency_id, entry_hash)
);
create index entry_waiting_referent on entry_waiting (agency_id, referent_id) where not done;
call make_state('entry_waiting');

-- Where a device's chain stands, per epoch. Changes under the device's lock.
create table device_epoch (
    agency_id uuid not null,
    device_id uuid not null,
    epoch integer not null,
    contiguous_seq bigint not null default 0,
    head_hash bytea not null,            -- of the entry at contiguous_seq; at 0 the certificate's hash
    seq_max bigint not null default 0,
    declared_seq bigint not null default 0,  -- last seq of the newest DAY_CLOSE
    closed_seq bigint,                   -- of the KEY_ROTATION that ended the epoch; null: it is open
    gaps_accepted bytea not null default '',
    primary key (agency_id, device_id, epoch)
) with (fillfactor = 70);
call make_state('device_epoch');

-- The running totals at the contiguous head, per currency (R-REC-3).
create table device_total (
    agency_id uuid not null,
    device_id uuid not null,
    epoch integer not null,
    currency char(3) not null,
    seq bigint not null,
    cum_count bigint not null,
    cum_total_minor bigint not null,
    primary key (agency_id, device_id, epoch, currency)
) with (fillfactor = 70);
call make_state('device_total');

-- Raw bytes that nobody known signed. No agency: a table of its own, with a quota, and no money.
create table evidence (
    body_hash bytea primary key,
    received_us bigint not null,
    reason text not null,
    peer text not null default '',
    body bytea not null
);
grant select, insert on evidence to tagih_app;
grant select on evidence to tagih_read;
create trigger fact before update or delete or truncate on evidence for each statement execute function refuse_change();

create table receipt (
    agency_id uuid not null,
    entry_id uuid not null,
    entry_hash bytea not null,
    device_id uuid not null,
    epoch integer not null,
    seq bigint not null,
    account_id uuid,
    collector_id uuid not null,
    visit_id uuid,
    amount_minor bigint not null,
    currency char(3) not null,
    tender smallint not null,
    tag smallint not null,
    reference text not null default '',
    receipt_no bigint not null,
    device_us bigint not null,
    value_us bigint not null,
    value_on date not null,
    primary key (agency_id, entry_id)
);
call make_fact('receipt');

-- effect: 1 TOOK_EFFECT, 2 NO_EFFECT, 3 AWAITS_APPROVAL (R-REC-2).
create table receipt_void (
    agency_id uuid not null,
    entry_id uuid not null,
    receipt_id uuid not null,
    amount_minor bigint not null,
    currency char(3) not null,
    effect smallint not null,
    reason smallint not null,
    value_us bigint not null,
    primary key (agency_id, entry_id)
);
create index receipt_void_receipt on receipt_void (agency_id, receipt_id);
call make_fact('receipt_void');

-- A promise to pay as it was made, in the field, by the office or as an instalment of a plan. closes_us: 00:00 of the
-- agency's day after due date + grace, when nothing fills it any more. refused: bits of enum promise_refusal
-- (include/tagih/promise.h), for those that a journal brought although the terms do not accept them.
create table promise (
    agency_id uuid not null,
    promise_id uuid not null,            -- the entry's id, the call's, or made for an instalment
    posting_id uuid not null,
    account_id uuid not null,
    plan_id uuid,
    instalment_no integer,
    collector_id uuid,                   -- who heard it in the field
    actor_id uuid,                       -- who heard it in the office
    visit_id uuid,
    amount_minor bigint not null check (amount_minor > 0),
    currency char(3) not null,
    due_on date not null,
    closes_us bigint not null,
    promiser smallint not null,          -- enum journal_payer
    promiser_name text not null default '',
    channel smallint not null,           -- 1 visit, 2 call, 3 message
    lat_e7 integer,
    lon_e7 integer,
    note text not null default '',
    value_us bigint not null,
    received_us bigint not null,
    flags bigint not null default 0,     -- of the entry's first fate
    refused smallint not null default 0,
    primary key (agency_id, promise_id)
);
create index promise_account on promise (agency_id, account_id);
create index promise_plan on promise (agency_id, plan_id, instalment_no) where plan_id is not null;
call make_fact('promise');
