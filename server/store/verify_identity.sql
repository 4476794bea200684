-- The identities of R-LED-2, each side summed by itself, and what is listed beside them.

-- name: verify_identities
-- in:   uuid agency_id
-- out:  text currency, text figure, int8 entries, int8 sum_minor
-- why:  receipts that two people posted from slips count until their entries come (R-REC-8), receipts by what became of them, in the journal's own amounts; where an entry has no row of its own (an id
--       that is another entry's, a row that the database refused) by what its posting moved. Voids by the journal; those
--       that the office or two people made by the reversals that no void of the journal took. Payments, allocations and
--       the quarantine by themselves; an allocation's credit is what was created, whatever became of it since (R-ALL-4).
--       Receivables fall by payments, and rise and fall by what creditor control, waiver and write-off stand against: what is
--       left without those is the payments'. A re-import (kind 4) books all of it against control, so there the versions that
--       it wrote tell, and a payment that was taken back out of the creditor's own figures stays in them until his next file
--       (R-IMP-3). Bank charges (34) and remittances (102) move control and no receivable.
with events as (
    select distinct on (e.entry_hash) e.entry_hash, e.fate, e.flags from entry_event e
    where e.agency_id = $1 order by e.entry_hash, e.n desc),
entries as (
    select k.entry_hash, k.entry_id, k.owns_id, k.kind, coalesce(e.fate, k.fate) as fate, coalesce(e.flags, k.flags) as flags,
           case when k.owns_id then k.entry_id else encode(substring(k.entry_hash from 1 for 16), 'hex')::uuid end as money_id
    from journal_key k left join events e on e.entry_hash = k.entry_hash
    where k.agency_id = $1 and (k.kind in (1, 2) or coalesce(e.fate, k.fate) in (3, 5))),
quarantined as (
    select o.posting_id, l.currency::text as currency, -sum(l.amount_minor)::int8 as amount_minor
    from posting o join ledger_line l on l.agency_id = $1 and l.posting_id = o.posting_id and l.ledger_account = 19
    where o.agency_id = $1 and o.kind = 3 group by o.posting_id, l.currency),
receipts as (
    select n.fate, q.posting_id is not null as has_lines, coalesce(r.currency::text, q.currency, p.currency::text, '') as currency,
           coalesce(r.amount_minor, q.amount_minor, p.amount_minor, 0) as amount_minor
    from entries n
    left join receipt r on r.agency_id = $1 and r.entry_id = n.entry_id and n.owns_id
    left join quarantined q on q.posting_id = n.money_id
    left join payment p on p.agency_id = $1 and p.payment_id = n.money_id
    where n.kind = 1),
voids as (
    select n.fate, n.flags, v.effect, coalesce(v.currency::text, '') as currency, -coalesce(v.amount_minor, 0) as amount_minor
    from entries n left join receipt_void v on v.agency_id = $1 and v.entry_id = n.entry_id and n.owns_id
    where n.kind = 2),
taken_back as (
    select p.currency::text as currency, p.amount_minor, v.entry_id is not null as by_journal
    from payment_reversal x
    join payment p on p.agency_id = $1 and p.payment_id = x.payment_id
    left join receipt_void v on v.agency_id = $1 and v.entry_id = x.reversal_id and v.effect = 1
    where x.agency_id = $1 and x.reason = 1 and p.source = 1),
living as (
    select p.payment_id, p.currency::text as currency, p.amount_minor from payment p
    where p.agency_id = $1 and not exists (select from payment_reversal x where x.agency_id = $1 and x.payment_id = p.payment_id)),
newest as (
    select a.payment_id, max(a.version) as version from allocation a where a.agency_id = $1 group by a.payment_id),
allocated as (
    select l.currency, sum(a.fees_minor + a.penalty_minor + a.interest_minor + a.principal_minor)::int8 as debt_minor,
           sum(a.credit_minor)::int8 as credit_minor
    from newest n
    join living l on l.payment_id = n.payment_id
    join allocation a on a.agency_id = $1 and a.payment_id = n.payment_id and a.version = n.version
    group by l.currency),
booked as (
    select l.currency::text as currency, l.ledger_account, count(*)::int8 as entries, sum(l.amount_minor)::int8 as amount_minor
    from ledger_line l where l.agency_id = $1 and l.ledger_account in (1, 2, 3, 4, 16, 19, 28, 29)
    group by l.currency, l.ledger_account),
apart as (
    select l.currency::text as currency, o.kind, o.trigger_id, case o.kind when 4 then -l.amount_minor else l.amount_minor end as amount_minor
    from posting o
    join ledger_line l on l.agency_id = $1 and l.posting_id = o.posting_id and l.ledger_account = case o.kind when 4 then 17 else 16 end
    where o.agency_id = $1 and o.kind in (2, 4, 34, 102) and (o.kind <> 2 or not exists (
        select from ledger_line x where x.agency_id = $1 and x.posting_id = o.posting_id and x.ledger_account in (1, 2, 3, 4, 14, 17)))),
renewed as (
    select p.currency::text as currency, sum(n.debt_minor - b.debt_minor) as debt_minor
    from (select a.payment_id, a.version, sum(a.fees_minor + a.penalty_minor + a.interest_minor + a.principal_minor) as debt_minor
          from allocation a join posting o on o.agency_id = $1 and o.posting_id = a.posting_id and o.kind = 4
          where a.agency_id = $1 and a.version > 1 group by a.payment_id, a.version) n
    join payment p on p.agency_id = $1 and p.payment_id = n.payment_id
    cross join lateral (
        select coalesce(sum(a.fees_minor + a.penalty_minor + a.interest_minor + a.principal_minor), 0) as debt_minor
        from allocation a where a.agency_id = $1 and a.payment_id = n.payment_id and a.version = n.version - 1) b
    group by p.currency),
kept_there as (
    select z.currency, count(distinct z.trigger_id)::int8 as entries,
           sum(a.fees_minor + a.penalty_minor + a.interest_minor + a.principal_minor)::int8 as debt_minor
    from apart z
    join newest n on n.payment_id = z.trigger_id
    join allocation a on a.agency_id = $1 and a.payment_id = n.payment_id and a.version = n.version
    where z.kind = 2 group by z.currency)
select r.currency, 'receipts'::text as figure, count(*)::int8 as entries, sum(r.amount_minor)::int8 as sum_minor
from receipts r where r.fate in (1, 2) or (r.fate = 4 and r.has_lines) group by 1
union all
select z.currency::text, 'receipts by slip', count(*), sum(z.amount_minor)::int8 from receipt_slip z
where z.agency_id = $1 and (z.restores or not exists (
    select from journal_key k where k.agency_id = $1 and k.entry_id = z.entry_id and k.owns_id)) group by 1
union all
select v.currency, 'voids', count(*), sum(v.amount_minor)::int8 from voids v where v.effect = 1 group by 1
union all
select t.currency, 'voids by two people or the office', count(*), sum(t.amount_minor)::int8 from taken_back t where not t.by_journal group by 1
union all
select p.currency::text, 'field payments', count(*), sum(p.amount_minor)::int8 from payment p
where p.agency_id = $1 and p.source = 1 and not exists (
    select from payment_reversal x where x.agency_id = $1 and x.payment_id = p.payment_id and x.reason = 1) group by 1
union all
select b.currency, 'quarantine', b.entries, -b.amount_minor from booked b where b.ledger_account = 19
union all
select l.currency, 'payments', count(*), sum(l.amount_minor)::int8 from living l group by 1
union all
select a.currency, 'debt allocated', null, a.debt_minor from allocated a
union all
select a.currency, 'credit created', null, a.credit_minor from allocated a
union all
select k.currency, 'debt of payments taken back, in the creditor''s figures', k.entries, k.debt_minor from kept_there k
union all
select f.currency, 'decrease of receivable', null, sum(f.amount_minor)::int8
from (select b.currency, -b.amount_minor as amount_minor from booked b where b.ledger_account <> 19
      union all select z.currency, z.amount_minor from apart z
      union all select n.currency, n.debt_minor from renewed n) f group by 1
union all
select '', 'beside: waiting', count(*), null from entries n where n.fate = 3 having count(*) > 0
union all
select '', 'beside: evidence', count(*), null from entries n where n.fate = 5 having count(*) > 0
union all
select r.currency, 'beside: receipts in quarantine without lines', count(*), sum(r.amount_minor)::int8 from receipts r
where r.fate = 4 and not r.has_lines group by 1
union all
select v.currency, 'beside: voids in quarantine', count(*), sum(v.amount_minor)::int8 from voids v where v.fate = 4 group by 1
union all
select v.currency, 'beside: voids without effect', count(*), sum(v.amount_minor)::int8 from voids v
where v.fate in (1, 2) and v.flags & 512 <> 0 group by 1
order by 1, 2;
