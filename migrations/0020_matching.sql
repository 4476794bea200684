-- Matching of the bank's lines, whole (R-PAY-5a), and receipts that two people post from a slip (R-REC-8).

-- Deposits are expected of the bank like all else: the one table of matching finds them (their own look-up goes).
drop index deposit_state_reference;
insert into bank_expected (agency_id, expected_id, kind, object_id, reference, amount_minor, currency, ledger_account, owner_id,
    since_us, since_on, state)
select s.agency_id, s.deposit_id, 4, s.deposit_id, bank_reference(s.bank_reference), s.amount_minor, s.currency, 10,
       s.collector_id, s.value_us, s.value_on, 1
from deposit_state s where s.state = 1;

-- For the minute's thread, which works for all agencies: those with a line whose reason came after it.
create function bank_late_agencies() returns table (agency_id uuid)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$ select distinct l.agency_id
      from (select s.agency_id, s.item_id as line_id from suspense_state s where s.state = 2
            union all
            select s.agency_id, s.line_id from bank_line_state s where s.state = 1) o
      join bank_line l on l.agency_id = o.agency_id and l.line_id = o.line_id
      cross join lateral (select bank_reference(l.reference) as a, bank_reference(l.line_reference) as b offset 0) n
      cross join lateral (
          select x.expected_id from bank_expected x
          where x.agency_id = l.agency_id and x.state = 1 and x.reference in (n.a, n.b) and x.reference <> ''
            and x.amount_minor = l.amount_minor and x.currency = l.currency
          limit 1) e $$;
revoke all on function bank_late_agencies() from public;
grant execute on function bank_late_agencies() to tagih_app;

-- A receipt that two people posted from its verified slip: of a lost phone, whose entry joins it as its replay if it ever
-- comes, or (restores) one whose void was wrong, posted anew. The payment of the first has the entry's own id.
create table receipt_slip (
    agency_id uuid not null,
    entry_id uuid not null,
    restores boolean not null,
    posting_id uuid not null,
    payment_id uuid not null,
    device_id uuid not null,
    account_id uuid not null,
    collector_id uuid not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency char(3) not null,
    tender smallint not null,
    reference text not null,
    receipt_no bigint not null,
    taken_us bigint not null,
    slip_hash bytea not null check (length(slip_hash) = 32),
    reason text not null,
    at_us bigint not null,
    made_by uuid not null,
    decided_by uuid not null,
    primary key (agency_id, entry_id, restores)
);
create index receipt_slip_posting on receipt_slip (agency_id, posting_id);
create index receipt_slip_payment on receipt_slip (agency_id, payment_id);
call make_fact('receipt_slip');
