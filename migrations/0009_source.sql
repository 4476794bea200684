-- Money of other sources: silence, files, gateways, retags and the export (R-PAY-2, R-PAY-5, R-TAG-1, R-OUT-1).

-- Money came for this debt, posted or not: nobody contacts the customer about it up to and with this day.
create table account_silence_state (
    agency_id uuid not null,
    account_id uuid not null,
    until_on date not null,
    primary key (agency_id, account_id)
) with (fillfactor = 70);
call make_state('account_silence_state');

-- A row of a payment file and what became of it (R-PAY-5f). result: POSTED, SUSPENSE, SAME, or a token of err.def; what could not
-- be read is null.
create table payment_file_row (
    agency_id uuid not null,
    posting_id uuid not null,
    file_hash bytea not null,
    row_no integer not null,
    source smallint not null,
    source_reference text,
    account_no text,
    amount_minor bigint,
    payment_id uuid,
    suspense_id uuid,
    result text not null,
    primary key (agency_id, file_hash, row_no)
);
create index payment_file_row_posting on payment_file_row (agency_id, posting_id);
call make_fact('payment_file_row');

-- A payment file that came to its end; said_*: its control totals.
create table payment_file (
    agency_id uuid not null,
    posting_id uuid not null,
    file_hash bytea not null,
    name text not null,
    source smallint not null,
    currency text not null check (length(currency) = 3),
    rows_total bigint not null,
    rows_good bigint not null,
    sum_minor bigint not null,
    said_rows bigint,
    said_sum_minor bigint,
    ended_us bigint not null,
    actor_id uuid,
    primary key (agency_id, file_hash)
);
call make_fact('payment_file');

-- A payment that got another tag, with two people (R-TAG-1). n counts from 1; the newest row's tag is the payment's.
create table payment_retag (
    agency_id uuid not null,
    payment_id uuid not null,
    n integer not null,
    posting_id uuid not null,
    tag_before smallint not null,
    tag smallint not null,
    at_us bigint not null,
    made_by uuid not null,
    decided_by uuid not null,
    reason text not null,
    primary key (agency_id, payment_id, n)
);
create index payment_retag_posting on payment_retag (agency_id, posting_id);
call make_fact('payment_retag');

create function payment_tag_now(of_agency uuid, of_payment uuid, posted smallint) returns smallint
language sql stable parallel safe
as $$
    select coalesce((select x.tag from payment_retag x where x.agency_id = $1 and x.payment_id = $2 order by x.n desc limit 1), $3)
$$;
revoke all on function payment_tag_now(uuid, uuid, smallint) from public;
grant execute on function payment_tag_now(uuid, uuid, smallint) to tagih_app;

-- What was collected here, numbered without a gap (R-OUT-1). kind: 1 PAYMENT, 2 REVERSAL.
create table payment_export (
    agency_id uuid not null,
    posting_id uuid not null,
    seq bigint not null,
    kind smallint not null check (kind in (1, 2)),
    payment_id uuid not null,
    primary key (agency_id, seq)
);
create unique index payment_export_payment on payment_export (agency_id, payment_id, kind);
create index payment_export_posting on payment_export (agency_id, posting_id);
call make_fact('payment_export');

create table payment_export_ack (
    agency_id uuid not null,
    posting_id uuid not null,
    seq bigint not null,
    at_us bigint not null,
    actor_id uuid,
    primary key (agency_id, posting_id)
);
call make_fact('payment_export_ack');

-- The sequence itself; xid and n: the place in the feed up to which everything has its number, in the database system_id.
create table payment_export_state (
    agency_id uuid primary key,
    seq bigint not null default 0,
    xid bigint not null default 0,
    n bigint not null default 0,
    system_id bigint not null default 0,
    acked_seq bigint not null default 0
) with (fillfactor = 50);
call make_state('payment_export_state');

-- Does the creditor's snapshot that names this number contain the payment (R-IMP-3)?
create function payment_is_exported(of_agency uuid, of_payment uuid, until_seq bigint) returns boolean
language sql stable parallel safe
as $$ select exists (select from payment_export e where e.agency_id = $1 and e.payment_id = $2 and e.kind = 1 and e.seq <= $3) $$;
revoke all on function payment_is_exported(uuid, uuid, bigint) from public;
grant execute on function payment_is_exported(uuid, uuid, bigint) to tagih_app, tagih_read;

-- Keys under which gateways sign what they tell (R-PAY-5g). algorithm: 1 HMAC-SHA-256, whose key is a secret; 2 Ed25519, whose
-- key is public. A retired key verifies nothing any more.
create table gateway_key (
    agency_id uuid not null references agency,
    gateway text not null,
    key_no integer not null,
    algorithm smallint not null check (algorithm in (1, 2)),
    key bytea not null check (length(key) = 32),
    created_us bigint not null,
    retired_us bigint,
    primary key (agency_id, gateway, key_no)
);
call make_state('gateway_key');
revoke select on gateway_key from tagih_read;
