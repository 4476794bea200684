-- Month close, and the life of bonus lines (R-CLS-1, R-BON-5 to R-BON-10).

-- How much of a row paid debt, as against money in advance and credit used later (R-BON-1a): what a payment has earned
-- with is asked again when its month closes (R-BON-7).
alter table allocation add column debt_minor bigint not null;

-- A TRUE_UP line has neither payment nor account. Several lines may belong to one posting: a split, a line given to
-- somebody else.
alter table bonus_line drop constraint bonus_line_pkey;
alter table bonus_line alter column payment_id drop not null;
alter table bonus_line alter column account_id drop not null;
alter table bonus_line add column posting_id uuid not null;
create unique index bonus_line_payment on bonus_line (agency_id, payment_id, line_no);

-- What the close found, for what comes later to a closed month (R-BON-10): with these T and G are found again.
alter table collector_month add column closed_mtd_minor bigint;
alter table collector_month add column closed_target_minor bigint;
alter table collector_month add column closed_target_version integer;
create index collector_month_month on collector_month (agency_id, month_on, collector_id, currency);
create index bonus_target_month on bonus_target (agency_id, month_on);

-- The parts of a TRUE_UP line (R-BON-7), under the digest that is the line's allocation_digest. written_minor: the sum of
-- the payment's lines before; the part is final_minor - written_minor.
create table bonus_part (
    agency_id uuid not null,
    collector_id uuid not null,
    month_on date not null,
    currency char(3) not null,
    payment_id uuid not null,
    line_id uuid not null,
    base_minor bigint not null,
    bucket smallint not null,
    tag smallint not null,
    written_minor bigint not null,
    final_minor bigint not null,
    primary key (agency_id, collector_id, month_on, currency, payment_id)
);
call make_fact('bonus_part');

-- What a line that takes back takes back, each by its name (R-BON-5): lines, and parts of TRUE_UP lines.
create table bonus_taken (
    agency_id uuid not null,
    posting_id uuid not null,
    line_id uuid not null,
    taken_line_id uuid not null,
    amount_minor bigint not null,
    base_minor bigint not null,
    primary key (agency_id, line_id, taken_line_id)
);
create index bonus_taken_posting on bonus_taken (agency_id, posting_id);
call make_fact('bonus_taken');

-- What was open when a month was closed (R-CLS-1): who approved it saw these figures.
create table month_readiness (
    agency_id uuid not null,
    month_on date not null,
    posting_id uuid not null,
    gaps bigint not null,
    waiting bigint not null,
    quarantined bigint not null,
    suspense bigint not null,
    suspense_minor bigint not null,
    cash_collectors bigint not null,
    cash_minor bigint not null,
    phones_silent bigint not null,
    true_ups bigint not null,
    true_up_minor bigint not null,
    payments bigint not null,
    primary key (agency_id, month_on)
);
create index month_readiness_posting on month_readiness (agency_id, posting_id);
call make_fact('month_readiness');
create index journal_key_quarantined on journal_key (agency_id) where fate = 4;

-- ---- the life of a line (R-BON-6, R-BON-9) --------------------------------------------------------------------------
-- A line is PROVISIONAL until its month is closed, LOCKED from then on, APPROVED once a payout run holds it, PAID once
-- that run is paid. No row says LOCKED: the closing row locks all lines of its month.

-- Tax on bonus, and the most that a run takes off for what is owed, in basis points (R-BON-9).
alter table agency add column bonus_tax_bp integer not null default 500 check (bonus_tax_bp between 0 and 10000);
alter table agency add column bonus_deduct_bp integer not null default 5000 check (bonus_deduct_bp between 0 and 10000);

-- Whose a line on hold is (R-BON-8): kept by its collector, or taken back and written for another one.
create table bonus_hold_decision (
    agency_id uuid not null,
    payment_id uuid not null,
    posting_id uuid not null,
    kept boolean not null,
    collector_id uuid not null,
    at_us bigint not null,
    made_by uuid not null,
    decided_by uuid not null,
    primary key (agency_id, payment_id)
);
create index bonus_hold_decision_posting on bonus_hold_decision (agency_id, posting_id);
call make_fact('bonus_hold_decision');

-- A payout run that two people made. Its lines are APPROVED.
create table bonus_payout (
    agency_id uuid not null,
    run_no integer not null,
    posting_id uuid not null,
    through_on date not null,
    currency char(3) not null,
    tax_bp integer not null,
    deduct_max_bp integer not null,
    collectors integer not null,
    paid_minor bigint not null,
    digest bytea not null,
    at_us bigint not null,
    made_by uuid not null,
    approved_by uuid not null,
    primary key (agency_id, run_no)
);
create index bonus_payout_posting on bonus_payout (agency_id, posting_id);
call make_fact('bonus_payout');

-- A collector's share of a run (server/domain/bonus_payout.h). lines_digest: SHA-256 over one SHA-256 for each
-- month, and each month's clawbacks behind it: over id and amount of each line, in the order of ids.
create table bonus_payout_share (
    agency_id uuid not null,
    collector_id uuid not null,
    currency char(3) not null,
    run_no integer not null,
    posting_id uuid not null,
    lines bigint not null,
    lines_digest bytea not null,
    carried_in_minor bigint not null,
    earned_minor bigint not null,
    owed_minor bigint not null,
    deducted_minor bigint not null,
    paid_minor bigint not null check (paid_minor >= 0),
    tax_minor bigint not null,
    net_minor bigint not null,
    carried_out_minor bigint not null,
    primary key (agency_id, collector_id, currency, run_no),
    check (paid_minor = tax_minor + net_minor),
    check (earned_minor - owed_minor = paid_minor + carried_out_minor)
);
create index bonus_payout_share_run on bonus_payout_share (agency_id, run_no, collector_id);
create index bonus_payout_share_posting on bonus_payout_share (agency_id, posting_id);
call make_fact('bonus_payout_share');

-- Which lines a run holds, each once in all runs; under its share's lines_digest.
create table bonus_payout_line (
    agency_id uuid not null,
    line_id uuid not null,
    run_no integer not null,
    collector_id uuid not null,
    month_on date not null,
    clawback boolean not null,
    amount_minor bigint not null,
    primary key (agency_id, line_id)
);
create index bonus_payout_line_run on bonus_payout_line (agency_id, run_no, collector_id);
call make_fact('bonus_payout_line');

-- The run went to the bank. Its lines are PAID.
create table bonus_payout_paid (
    agency_id uuid not null,
    run_no integer not null,
    posting_id uuid not null,
    bank_reference text not null,
    at_us bigint not null,
    made_by uuid not null,
    approved_by uuid not null,
    primary key (agency_id, run_no)
);
create index bonus_payout_paid_posting on bonus_payout_paid (agency_id, posting_id);
call make_fact('bonus_payout_paid');

-- What a collector still owed when he left became collector receivable. after_run: the newest run then.
create table bonus_leaving (
    agency_id uuid not null,
    posting_id uuid not null,
    collector_id uuid not null,
    currency char(3) not null,
    amount_minor bigint not null check (amount_minor > 0),
    after_run integer not null,
    at_us bigint not null,
    made_by uuid not null,
    approved_by uuid not null,
    primary key (agency_id, posting_id)
);
create index bonus_leaving_collector on bonus_leaving (agency_id, collector_id);
call make_fact('bonus_leaving');

-- What keeps the money of a payment from having been seen (R-BON-6)? Cash: the first settlement that covers its receipt is
-- accepted, and no shortage of it is open; other tenders: a line of the bank; other sources: at once. One that was taken
-- back needs it no longer. 0 nothing, 1 no settlement covers it, 2 its settlement is not accepted, 3 a shortage of it is open,
-- 4 no line of the bank; null: no such payment.
create function payment_unconfirmed(of_agency uuid, of_payment uuid) returns smallint
language sql stable parallel safe
as $$
    select case
        when p.source <> 1 then 0
        when exists (select from payment_reversal r where r.agency_id = $1 and r.payment_id = $2) then 0
        when exists (select from payment_settled d where d.agency_id = $1 and d.payment_id = $2) then 0
        when p.tender <> 1 then 4
        else coalesce((
            select case when c.state < 4 then 2
                        when exists (
                            select from shortage_state o
                            where o.agency_id = $1 and o.shortage_id = c.settlement_id and o.open_minor > 0) then 3
                        else 0 end
            from receipt r
            cross join lateral (
                select t.settlement_id, t.state from settlement_state t
                join settlement s on s.agency_id = $1 and s.settlement_id = t.settlement_id
                where t.agency_id = $1 and t.collector_id = r.collector_id and t.currency = r.currency
                  and case when s.device_id = r.device_id then (r.epoch, r.seq) <= (s.epoch, s.last_seq) else r.value_us <= t.value_us end
                order by t.value_us, t.settlement_id limit 1) c
            where r.agency_id = $1 and r.entry_id = $2), 1) end::smallint
    from payment p where p.agency_id = $1 and p.payment_id = $2
$$;
revoke all on function payment_unconfirmed(uuid, uuid) from public;
grant execute on function payment_unconfirmed(uuid, uuid) to tagih_app, tagih_read;

create function payment_is_confirmed(of_agency uuid, of_payment uuid) returns boolean
language sql stable parallel safe
as $$
    select coalesce(payment_unconfirmed($1, $2), 1::smallint) = 0
$$;
revoke all on function payment_is_confirmed(uuid, uuid) from public;
grant execute on function payment_is_confirmed(uuid, uuid) to tagih_app, tagih_read;

-- Does a line wait for a supervisor's choice (R-BON-8)?
create function bonus_is_held(of_agency uuid, of_payment uuid) returns boolean
language sql stable parallel safe
as $$
    select exists (select from bonus_line b where b.agency_id = $1 and b.payment_id = $2 and b.on_hold)
       and not exists (select from bonus_hold_decision d where d.agency_id = $1 and d.payment_id = $2)
       and not exists (select from payment_reversal r where r.agency_id = $1 and r.payment_id = $2)
$$;
revoke all on function bonus_is_held(uuid, uuid) from public;
grant execute on function bonus_is_held(uuid, uuid) to tagih_app, tagih_read;

-- Was a collector's line given to somebody else in a month that is still open (R-BON-8c)? It is paid together with what takes
-- it back, which comes to nothing.
create function bonus_is_moving(of_agency uuid, of_payment uuid, of_collector uuid) returns boolean
language sql stable parallel safe
as $$
    select exists (
        select from bonus_hold_decision d
        join bonus_line b on b.agency_id = $1 and b.payment_id = d.payment_id and b.posting_id = d.posting_id
            and b.collector_id = $3 and b.kind in (2, 3)
        where d.agency_id = $1 and d.payment_id = $2 and not d.kept
          and not exists (select from month_close m where m.agency_id = $1 and m.month_on = b.month_on))
$$;
revoke all on function bonus_is_moving(uuid, uuid, uuid) from public;
grant execute on function bonus_is_moving(uuid, uuid, uuid) to tagih_app, tagih_read;

-- May a line be approved and paid: is all money behind it seen, and clear whose it is? A TRUE_UP line: of all its parts.
create function bonus_is_payable(of_agency uuid, of_line uuid, of_payment uuid, of_collector uuid, of_month date, of_currency char(3))
returns boolean language sql stable parallel safe
as $$
    select case when $3 is not null then payment_is_confirmed($1, $3) and not bonus_is_held($1, $3) and not bonus_is_moving($1, $3, $4)
           else not exists (
               select from bonus_part q
               where q.agency_id = $1 and q.collector_id = $4 and q.month_on = $5 and q.currency = $6 and q.line_id = $2
                 and (not payment_is_confirmed($1, q.payment_id) or bonus_is_held($1, q.payment_id))) end
$$;
revoke all on function bonus_is_payable(uuid, uuid, uuid, uuid, date, char) from public;
grant execute on function bonus_is_payable(uuid, uuid, uuid, uuid, date, char) to tagih_app, tagih_read;
