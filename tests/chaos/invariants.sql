-- SPDX-License-Identifier: Apache-2.0
-- What must hold in the rows of any database of Tagih once it is quiet, whatever was done to servers, network and clocks
-- (tests/README.md names I1 … I14). Read by invariants.py as the role that only reads; written from the rules alone, not
-- from the statements of server/store. Each begins with its number and its sentence and answers one row: how much was
-- looked at, how much of it is wrong, and where to begin looking.

-- ---- I1: the identities of R-LED-2 ---------------------------------------------------------------------------------

-- I1 field payments are the receipts and slips that posted less their voids, by currency, collector, account and day
with entry as (
    select k.agency_id, k.entry_id, coalesce(e.fate, k.fate) as fate from journal_key k left join lateral (
        select fate from entry_event e where e.agency_id = k.agency_id and e.entry_hash = k.entry_hash order by n desc limit 1) e on true
    where k.owns_id),
taken as (
    select r.agency_id, r.entry_id, r.currency, r.collector_id, coalesce(d.account_id, r.account_id) as account_id, r.value_on,
        r.amount_minor
    from receipt r join entry k using (agency_id, entry_id)
    left join entry_decision d on d.agency_id = r.agency_id and d.entry_hash = r.entry_hash
    where k.fate in (1, 2)),
lines as (
    select agency_id, currency, collector_id, account_id, value_on, amount_minor from taken
    union all
    select t.agency_id, t.currency, t.collector_id, t.account_id, t.value_on, -t.amount_minor from taken t
    where exists (select from receipt_void v where v.agency_id = t.agency_id and v.receipt_id = t.entry_id and v.effect = 1)
    union all -- what the office posted from a slip, and what it voided
    select p.agency_id, p.currency, p.collector_id, p.account_id, p.value_on, p.amount_minor from payment p
    where p.source = 1 and not exists (select from taken t where t.agency_id = p.agency_id and t.entry_id = p.payment_id)
      and exists (select from receipt_slip s where s.agency_id = p.agency_id and s.payment_id = p.payment_id)
    union all
    select p.agency_id, p.currency, p.collector_id, p.account_id, p.value_on, -p.amount_minor
    from payment p join payment_reversal r using (agency_id, payment_id)
    where p.source = 1 and r.reason = 1 and not exists (
        select from receipt_void v where v.agency_id = p.agency_id and v.receipt_id = p.payment_id and v.effect = 1)),
ours as (
    select agency_id, currency, collector_id, account_id, value_on, sum(amount_minor) as minor from lines group by 1, 2, 3, 4, 5),
theirs as (
    select p.agency_id, p.currency, p.collector_id, p.account_id, p.value_on, sum(p.amount_minor) as minor from payment p
    where p.source = 1 and not exists (select from payment_reversal r where r.agency_id = p.agency_id
        and r.payment_id = p.payment_id and r.reason = 1) group by 1, 2, 3, 4, 5)
select count(*) as checked, count(*) filter (where coalesce(o.minor, 0) <> coalesce(t.minor, 0)) as wrong,
    min(account_id::text) filter (where coalesce(o.minor, 0) <> coalesce(t.minor, 0)) as example
from ours o full join theirs t using (agency_id, currency, collector_id, account_id, value_on);

-- I1 every version of an allocation is the whole of its payment
select count(*) as checked, count(*) filter (where a.minor <> p.amount_minor) as wrong,
    min(payment_id::text) filter (where a.minor <> p.amount_minor) as example
from payment p join (
    select agency_id, payment_id, version, sum(fees_minor + penalty_minor + interest_minor + principal_minor + credit_minor) as minor
    from allocation group by 1, 2, 3) a using (agency_id, payment_id);

-- I1 no payment is without its allocation
select count(*) as checked, count(*) filter (where a.payment_id is null) as wrong,
    min(p.payment_id::text) filter (where a.payment_id is null) as example
from payment p left join (select distinct agency_id, payment_id from allocation) a using (agency_id, payment_id);

-- I1 an account's debt allocated (R-BON-1a) is that of its unreversed payments
with standing as (
    select p.agency_id, p.account_id, sum(a.debt_minor) as minor
    from payment p join allocation a using (agency_id, payment_id)
    where not exists (select from payment_reversal r where r.agency_id = p.agency_id and r.payment_id = p.payment_id)
      and a.version = (select max(version) from allocation x where x.agency_id = p.agency_id and x.payment_id = p.payment_id)
    group by 1, 2)
select count(*) as checked, count(*) filter (where s.debt_allocated_minor <> coalesce(d.minor, 0)) as wrong,
    min(s.account_id::text) filter (where s.debt_allocated_minor <> coalesce(d.minor, 0)) as example
from account_state s left join standing d using (agency_id, account_id);

-- ---- I2: what waits for a person is in its account of the ledger -----------------------------------------------------

-- I2 suspense items that wait are the ledger's suspense, by agency and currency
select count(*) as checked, count(*) filter (where coalesce(s.minor, 0) + coalesce(l.minor, 0) <> 0) as wrong,
    min(agency_id::text) filter (where coalesce(s.minor, 0) + coalesce(l.minor, 0) <> 0) as example
from (select agency_id, currency, sum(amount_minor) as minor from suspense_state where state = 2 group by 1, 2) s
full join (select agency_id, currency, sum(amount_minor) as minor from ledger_line where ledger_account = 18 group by 1, 2) l
using (agency_id, currency);

-- I2 a receipt in quarantine holds its whole money there; one that left it holds nothing
with entry as (
    select k.agency_id, k.entry_hash, k.entry_id, k.owns_id, coalesce(e.fate, k.fate) as fate from journal_key k left join lateral (
        select fate from entry_event e where e.agency_id = k.agency_id and e.entry_hash = k.entry_hash order by n desc limit 1) e on true
    where k.kind = 1),
held as (
    select e.agency_id, e.entry_hash, e.fate, d.entry_hash is not null as decided, -sum(l.amount_minor) as minor,
        max(r.amount_minor) as receipt_minor
    from entry e
    left join entry_decision d on d.agency_id = e.agency_id and d.entry_hash = e.entry_hash
    left join receipt r on r.agency_id = e.agency_id and r.entry_hash = e.entry_hash
    join ledger_line l on l.agency_id = e.agency_id and l.ledger_account = 19 and l.posting_id in (
        case when e.owns_id then e.entry_id else encode(substring(e.entry_hash for 16), 'hex')::uuid end, d.posting_id)
    group by 1, 2, 3, 4)
select count(*) as checked, count(*) filter (where decided and minor <> 0 or not decided and fate = 4 and minor <> receipt_minor) as wrong,
    min(encode(entry_hash, 'hex')) filter (where decided and minor <> 0 or not decided and fate = 4 and minor <> receipt_minor) as example
from held;

-- ---- I3: double entry ------------------------------------------------------------------------------------------------

-- I3 a posting sums to zero in each currency
select count(*) as checked, count(*) filter (where minor <> 0) as wrong, min(posting_id::text) filter (where minor <> 0) as example
from (select posting_id, currency, sum(amount_minor) as minor from ledger_line group by agency_id, posting_id, currency) s;

-- I3 an account's balances are the sums of its ledger lines, component by component
with sums as (
    select agency_id, owner_id as account_id, ledger_account, sum(amount_minor) as minor from ledger_line
    where ledger_account in (1, 2, 3, 4, 17) group by 1, 2, 3),
kept as (
    select s.agency_id, s.account_id, x.ledger_account, x.minor from account_state s cross join lateral (values
        (1::smallint, fees_minor), (2::smallint, penalty_minor), (3::smallint, interest_minor), (4::smallint, principal_minor),
        (17::smallint, -credit_minor)) x (ledger_account, minor))
select count(*) as checked, count(*) filter (where coalesce(k.minor, 0) <> coalesce(s.minor, 0)) as wrong,
    min(account_id::text) filter (where coalesce(k.minor, 0) <> coalesce(s.minor, 0)) as example
from kept k full join sums s using (agency_id, account_id, ledger_account);

-- I3 an account's balance is the sum of its instalments
select count(*) as checked, count(*) filter (where bad) as wrong, min(account_id::text) filter (where bad) as example
from (
    select s.account_id, (s.fees_minor, s.penalty_minor, s.interest_minor, s.principal_minor) is distinct from
        (coalesce(i.fees, 0), coalesce(i.penalty, 0), coalesce(i.interest, 0), coalesce(i.principal, 0)) as bad
    from account_state s left join (
        select agency_id, account_id, sum(fees_minor) as fees, sum(penalty_minor) as penalty, sum(interest_minor) as interest,
            sum(principal_minor) as principal from instalment_state group by 1, 2) i using (agency_id, account_id)) x;

-- I3 a collector's balances are the sums of his ledger lines
with sums as (
    select agency_id, owner_id as collector_id, currency, ledger_account, sum(amount_minor) as minor from ledger_line
    where ledger_account in (5, 6, 10, 12, 21) and owner_id is not null and owner_id <> '00000000-0000-0000-0000-000000000000'
    group by 1, 2, 3, 4),
kept as (
    select s.agency_id, s.collector_id, s.currency, x.ledger_account, x.minor from collector_state s cross join lateral (values
        (5::smallint, cash_held_minor), (6::smallint, cheques_in_hand_minor), (10::smallint, deposit_in_transit_minor),
        (12::smallint, collector_receivable_minor), (21::smallint, -bonus_payable_minor)) x (ledger_account, minor))
select count(*) as checked, count(*) filter (where coalesce(k.minor, 0) <> coalesce(s.minor, 0)) as wrong,
    min(collector_id::text) filter (where coalesce(k.minor, 0) <> coalesce(s.minor, 0)) as example
from kept k full join sums s using (agency_id, collector_id, currency, ledger_account);

-- I3 a cashier's vault is the sum of its ledger lines
select count(*) as checked, count(*) filter (where coalesce(v.vault_minor, 0) <> coalesce(l.minor, 0)) as wrong,
    min(cashier_id::text) filter (where coalesce(v.vault_minor, 0) <> coalesce(l.minor, 0)) as example
from vault_state v full join (
    select agency_id, owner_id as cashier_id, currency, sum(amount_minor) as minor from ledger_line where ledger_account = 9
    group by 1, 2, 3) l using (agency_id, cashier_id, currency);

-- ---- I4: what was acknowledged ------------------------------------------------------------------------------------------

-- I4 every entry has its bytes and its acknowledgement
select count(*) as checked, count(*) filter (where bad) as wrong, min(example) filter (where bad) as example
from (
    select encode(k.entry_hash, 'hex') as example, length(k.ack) = 0 or k.fate <> 5 and b.body is null as bad
    from journal_key k left join journal_body b using (agency_id, entry_hash)) x;

-- ---- I5: nothing twice -----------------------------------------------------------------------------------------------------

-- I5 no place in a chain pays twice
select count(*) as checked, count(*) filter (where n > 1) as wrong, min(device_id || ' ' || epoch || ' ' || seq) filter (where n > 1) as example
from (select r.device_id, r.epoch, r.seq, count(p.payment_id) as n
      from receipt r left join payment p on p.agency_id = r.agency_id and p.payment_id = r.entry_id
      group by r.agency_id, r.device_id, r.epoch, r.seq) x;

-- I5 a place in a chain has one owner, an id one entry
select count(*) as checked, count(*) filter (where n > 1) as wrong, min(what) filter (where n > 1) as example
from (select device_id || ' ' || epoch || ' ' || seq as what, count(*) as n from journal_key where owns_seq
      group by agency_id, device_id, epoch, seq
      union all
      select entry_id::text, count(*) from journal_key where owns_id group by agency_id, entry_id) x;

-- I5 a receipt that posted is one payment of the same money, and no other receipt is one
with entry as (
    select k.agency_id, k.entry_hash, coalesce(e.fate, k.fate) as fate from journal_key k left join lateral (
        select fate from entry_event e where e.agency_id = k.agency_id and e.entry_hash = k.entry_hash order by n desc limit 1) e on true)
select count(*) as checked, count(*) filter (where bad) as wrong, min(example) filter (where bad) as example
from (
    select r.entry_id::text as example, (k.fate in (1, 2)) <> (p.payment_id is not null)
        or (p.amount_minor, p.currency, p.tender, p.source) is distinct from (r.amount_minor, r.currency, r.tender, 1::smallint)
           and p.payment_id is not null as bad
    from receipt r join entry k on k.agency_id = r.agency_id and k.entry_hash = r.entry_hash
    left join payment p on p.agency_id = r.agency_id and p.payment_id = r.entry_id
    where not exists (select from receipt_slip s where s.agency_id = r.agency_id and s.entry_id = r.entry_id)) x;

-- I5 a payment has one posting, its reversal one more
select count(*) as checked, count(*) filter (where n <> 1 or back <> reversals) as wrong,
    min(payment_id::text) filter (where n <> 1 or back <> reversals) as example
from (
    select p.payment_id, (select count(*) from payment_reversal r where r.agency_id = p.agency_id and r.payment_id = p.payment_id) as reversals,
        coalesce(o.n, 0) as n, coalesce(o.back, 0) as back
    from payment p left join (
        select agency_id, trigger_id, count(*) filter (where kind <> 2) as n, count(*) filter (where kind = 2) as back
        from posting where kind in (1, 2) group by 1, 2) o on o.agency_id = p.agency_id and o.trigger_id = p.payment_id) x;

-- ---- I6: every entry has a fate ------------------------------------------------------------------------------------------

-- I6 an entry is posted, flagged, waiting, quarantined or evidence, and nothing else
select count(*) as checked, count(*) filter (where fate not between 1 and 5) as wrong,
    min(hash) filter (where fate not between 1 and 5) as example
from (select encode(k.entry_hash, 'hex') as hash, coalesce(e.fate, k.fate) as fate from journal_key k left join lateral (
          select fate from entry_event e where e.agency_id = k.agency_id and e.entry_hash = k.entry_hash order by n desc limit 1) e on true) x;

-- I6 what waits, waits for something that is not there
select count(*) as checked, count(*) filter (where arrived) as wrong, min(hash) filter (where arrived) as example
from (select encode(w.entry_hash, 'hex') as hash, exists (
          select from journal_key k where k.agency_id = w.agency_id and k.entry_id = w.referent_id and k.owns_id
             and k.entry_hash <> w.entry_hash and k.fate <> 5) as arrived
      from entry_waiting w where not w.done) x;

-- I6 a chain has every place up to what its certificate says, and that is as far as it goes without a gap
with place as (
    select agency_id, device_id, epoch, seq, row_number() over (partition by agency_id, device_id, epoch order by seq) as n
    from journal_key where owns_seq and fate <> 5),
reach as (
    select agency_id, device_id, epoch, count(*) filter (where seq = n) as contiguous, max(seq) as top from place group by 1, 2, 3)
select count(*) as checked, count(*) filter (where bad) as wrong, min(device_id || ' ' || epoch) filter (where bad) as example
from (select e.device_id, e.epoch, (length(e.gaps_accepted) = 0 and e.contiguous_seq <> coalesce(r.contiguous, 0))
          or e.seq_max <> coalesce(r.top, 0) as bad
      from device_epoch e left join reach r using (agency_id, device_id, epoch)) x;

-- I6 a receipt, void, promise, check-in, outcome and handover of the journal has its row, once posted
with entry as (
    select k.agency_id, k.entry_id, k.entry_hash, k.kind, coalesce(e.fate, k.fate) as fate from journal_key k left join lateral (
        select fate from entry_event e where e.agency_id = k.agency_id and e.entry_hash = k.entry_hash order by n desc limit 1) e on true
    where k.owns_id)
select count(*) as checked, count(*) filter (where missing) as wrong, min(encode(entry_hash, 'hex')) filter (where missing) as example
from (select entry_hash, case kind
          when 1 then not exists (select from receipt x where x.agency_id = e.agency_id and x.entry_id = e.entry_id)
          when 2 then not exists (select from receipt_void x where x.agency_id = e.agency_id and x.entry_id = e.entry_id)
          when 3 then not exists (select from check_in x where x.agency_id = e.agency_id and x.check_in_id = e.entry_id)
          when 4 then not exists (select from visit_outcome x where x.agency_id = e.agency_id and x.outcome_id = e.entry_id)
          when 5 then not exists (select from promise x where x.agency_id = e.agency_id and x.promise_id = e.entry_id)
          else false end as missing
      from entry e where e.fate in (1, 2) and e.kind between 1 and 5) x;

-- ---- I7: rows of money and evidence never change ---------------------------------------------------------------------------

-- I7 every table of facts refuses change, removal and truncation, and the serving role has no right to them
select count(*) as checked, count(*) filter (where not guarded) as wrong, min(name) filter (where not guarded) as example
from (
    select c.relname::text as name, exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'fact' and t.tgenabled in ('O', 'A')
            and t.tgtype & 8 = 8 and t.tgtype & 16 = 16 and t.tgtype & 32 = 32)
        and not has_table_privilege('tagih_app', c.oid, 'update') and not has_table_privilege('tagih_app', c.oid, 'delete')
        and not has_table_privilege('tagih_app', c.oid, 'truncate') as guarded
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname in (
        'account_fact', 'allocation', 'bank_line', 'bonus_line', 'bonus_part', 'bonus_taken', 'check_in', 'deposit', 'device_key',
        'digest_head', 'entry_decision', 'entry_event', 'evidence', 'handover', 'instalment', 'journal_body', 'journal_key',
        'ledger_line', 'month_close', 'payment', 'payment_reversal', 'posting', 'promise', 'proposal', 'proposal_decision', 'receipt',
        'receipt_slip', 'receipt_void', 'seal', 'settlement', 'settlement_event', 'snapshot', 'suspense', 'suspense_decision',
        'visit_outcome')) x;

-- ---- I8: chains ---------------------------------------------------------------------------------------------------------------

-- I8 an entry names the one before it; where it does not, it is flagged
with chain as (
    select k.agency_id, k.device_id, k.epoch, k.seq, k.entry_hash, k.prev_hash, coalesce(e.flags, k.flags) as flags,
        case when k.seq = 1 then d.certificate_hash else before.entry_hash end as expected
    from journal_key k join device_key d on d.agency_id = k.agency_id and d.device_id = k.device_id and d.epoch = k.epoch
    left join journal_key before on before.agency_id = k.agency_id and before.device_id = k.device_id and before.epoch = k.epoch
        and before.seq = k.seq - 1 and before.owns_seq
    left join lateral (select flags from entry_event e where e.agency_id = k.agency_id and e.entry_hash = k.entry_hash
        order by n desc limit 1) e on true
    where k.owns_seq)
select count(*) as checked, count(*) filter (where expected is distinct from prev_hash and flags >> 17 & 1 = 0 and flags >> 2 & 1 = 0) as wrong,
    min(encode(entry_hash, 'hex')) filter (where expected is distinct from prev_hash and flags >> 17 & 1 = 0 and flags >> 2 & 1 = 0) as example
from chain;

-- I8 the head of a phone's chain is its entry at the end of what is contiguous
select count(*) as checked, count(*) filter (where e.head_hash is distinct from coalesce(k.entry_hash, d.certificate_hash)) as wrong,
    min(e.device_id || ' ' || e.epoch) filter (where e.head_hash is distinct from coalesce(k.entry_hash, d.certificate_hash)) as example
from device_epoch e join device_key d using (agency_id, device_id, epoch)
left join journal_key k on k.agency_id = e.agency_id and k.device_id = e.device_id and k.epoch = e.epoch and k.seq = e.contiguous_seq
    and k.owns_seq
where length(e.gaps_accepted) = 0;

-- I8 a writer's postings are numbered without a gap, and the newest is the head of its chain
with chain as (
    select agency_id, writer_id, count(*) as n, min(writer_n) as first, max(writer_n) as last,
        (array_agg(digest order by writer_n desc))[1] as head from posting group by 1, 2)
select count(*) as checked, count(*) filter (where bad) as wrong, min(writer_id::text) filter (where bad) as example
from (select writer_id, c.n is null and w.n <> 0 or w.n is null or c.n <> w.n or c.first <> 1 or c.last <> c.n or w.head <> c.head as bad
      from (select * from posting_writer where n > 0) w full join chain c using (agency_id, writer_id)) x;

-- ---- I10: running totals ---------------------------------------------------------------------------------------------------------

-- I10 a phone's running totals are the sums of its receipts and voids that stand in the chain
with sums as (
    select k.agency_id, k.device_id, k.epoch, m.currency, count(*) as n, sum(m.minor) as minor
    from journal_key k join (
        select agency_id, entry_id, currency, amount_minor as minor from receipt
        union all select agency_id, entry_id, currency, -abs(amount_minor) from receipt_void) m using (agency_id, entry_id)
    where k.owns_seq and k.kind in (1, 2) group by 1, 2, 3, 4),
whole as (select agency_id, device_id, epoch from device_epoch where contiguous_seq = seq_max and length(gaps_accepted) = 0)
select count(*) as checked, count(*) filter (where t.cum_count <> s.n or t.cum_total_minor <> s.minor) as wrong,
    min(t.device_id || ' ' || t.epoch) filter (where t.cum_count <> s.n or t.cum_total_minor <> s.minor) as example
from device_total t join whole using (agency_id, device_id, epoch) left join sums s using (agency_id, device_id, epoch, currency)
where t.seq >= 0 -- else they are to be summed anew
  and not exists (select from journal_key k where k.agency_id = t.agency_id and k.device_id = t.device_id and k.epoch = t.epoch
    and k.flags >> 10 & 1 = 1);

-- I10 a collector's month is the sum of his lines
select count(*) as checked, count(*) filter (where m.bonus_minor is distinct from b.minor) as wrong,
    min(collector_id || ' ' || month_on) filter (where m.bonus_minor is distinct from b.minor) as example
from collector_month m full join (
    select agency_id, collector_id, month_on, currency, sum(amount_minor) as minor from bonus_line group by 1, 2, 3, 4) b
using (agency_id, collector_id, month_on, currency)
where m.bonus_minor <> 0 or b.minor <> 0;
