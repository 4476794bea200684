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
