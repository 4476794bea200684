-- What the bank should show, worked out from the facts for `tagihd verify` (server/verify/verify.h).

-- name: verify_diff_expected
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  every thing that its posting made the bank owe us, or us the bank (R-PAY-5; server/book/bank_expected.c), kind by kind
--       of enum bank_expected_kind: transfers, payments and cheques by the ledger lines that wait for it, all else by the
--       fact that it is of. A reference that somebody gave without the bank's blanks is compared as the bank's are. It is
--       SETTLED by the line that says so, WITHDRAWN when its payment was taken back before the bank had it and the money
--       did not stay in suspense (18), or its receipt was dropped from quarantine, or its cost was; a cheque is OPEN, and expected, from when it was handed in. What was matched by hand
--       without a line is in the bank (11) already.
with settled as (
    select l.expected_id, l.line_id from bank_line l where l.agency_id = $1 and l.expected_id is not null
    union all
    select m.expected_id, m.line_id from bank_match m where m.agency_id = $1),
waiting as (
    select l.posting_id, l.ledger_account, l.currency::text as currency, sum(l.amount_minor)::int8 as amount_minor
    from ledger_line l where l.agency_id = $1 and l.ledger_account in (6, 8) and l.amount_minor > 0
    group by l.posting_id, l.ledger_account, l.currency),
taken as (
    select o.trigger_id as expected_id, o.account_id, w.ledger_account, w.currency, w.amount_minor, o.value_on,
           o.kind = 3 or p.source = 1 as is_field, o.kind = 3 as in_quarantine, p.source_reference, coalesce(p.value_us, r.value_us, b.value_us) as value_us
    from waiting w
    join posting o on o.agency_id = $1 and o.posting_id = w.posting_id and o.kind in (1, 3)
    left join payment p on p.agency_id = $1 and p.payment_id = o.trigger_id and o.kind = 1
    left join receipt r on r.agency_id = $1 and r.entry_id = o.trigger_id and o.kind = 3
    left join lateral ( -- an entry that does not own its id names its posting by the head of its hash
        select z.value_us from journal_key k
        cross join lateral (
            select y.value_us from journal_body y
            where y.agency_id = $1 and y.entry_hash = k.entry_hash and y.received_us = k.received_us offset 0) z
        where k.agency_id = $1 and o.kind = 3 and r.entry_id is null
          and k.entry_hash >= uuid_send(o.trigger_id) || decode(repeat('00', 16), 'hex')
          and k.entry_hash <= uuid_send(o.trigger_id) || decode(repeat('ff', 16), 'hex') limit 1) b on true),
-- a receipt's reference stands in its slip, if that came before it, or in the receipt
said as (
    select x.object_id, bank_reference(coalesce(z.reference, r.reference, '')) as reference
    from (select t.expected_id as object_id from taken t where t.is_field
          union select c.payment_id from cheque_event c where c.agency_id = $1 and c.kind = 2) x
    left join receipt r on r.agency_id = $1 and r.entry_id = x.object_id
    left join receipt_slip z on z.agency_id = $1 and z.payment_id = x.object_id),
due as (
    select t.expected_id, case when t.ledger_account = 6 then 3 when t.is_field then 1 else 2 end as kind,
           t.expected_id as object_id, coalesce(s.reference, bank_reference(coalesce(t.source_reference, ''))) as reference,
           t.amount_minor, t.currency, case t.ledger_account when 6 then 7 else 8 end as ledger_account, null::uuid as owner_id,
           t.account_id, coalesce(c.at_us, t.value_us) as since_us, coalesce(agency_date(c.at_us, g.time_zone), t.value_on) as since_on,
           case when v.reason in (3, 5) or v.reason = 1 and not exists (
                    select from ledger_line l where l.agency_id = $1 and l.posting_id = v.reversal_id and l.ledger_account = 18) then 3
                when t.in_quarantine and exists (
                    select from entry_decision x join journal_key k on k.agency_id = $1 and k.entry_hash = x.entry_hash
                    where x.agency_id = $1 and x.action = 2 and t.expected_id =
                          case when k.owns_id then k.entry_id else encode(substring(k.entry_hash for 16), 'hex')::uuid end) then 3
                when t.ledger_account = 6 and c.payment_id is null then 0 else 1 end as state
    from taken t
    join agency g on g.agency_id = $1
    left join said s on s.object_id = t.expected_id and t.is_field
    left join cheque_event c on c.agency_id = $1 and c.payment_id = t.expected_id and c.kind = 1
    left join payment_reversal v on v.agency_id = $1 and v.payment_id = t.expected_id
    union all
    select d.deposit_id, 4, d.deposit_id, bank_reference(d.bank_reference), d.amount_minor, d.currency::text,
           case when e.deposit_id is null then 10 else 11 end, case when e.deposit_id is null then d.collector_id end, null,
           d.value_us, d.value_on, 1
    from deposit d
    left join deposit_event e on e.agency_id = $1 and e.deposit_id = d.deposit_id and e.event = 2 and e.bank_line_id is null
    where d.agency_id = $1
    union all
    select i.item_id, 5, i.item_id, bank_reference(i.source_reference), i.amount_minor, i.currency::text, i.money_account, null,
           i.account_id, i.value_us, i.value_on, 1
    from suspense i where i.agency_id = $1 and i.origin in (1, 2)
    union all -- all else stands at the bank already: the line only confirms it
    select o.posting_id, x.kind, x.object_id, x.reference, x.amount_minor, x.currency, x.ledger_account, null, o.account_id, o.at_us,
           agency_date(o.at_us, g.time_zone),
           case when x.kind = 20 and exists (
               select from account_cost_reversal r where r.agency_id = $1 and r.cost_id = x.object_id) then 3 else 1 end
    from (
        select d.posting_id, 6 as kind, d.item_id as object_id, bank_reference(i.source_reference) as reference,
               -i.amount_minor as amount_minor, i.currency::text as currency, 11 as ledger_account
        from suspense_decision d join suspense i on i.agency_id = $1 and i.item_id = d.item_id
        where d.agency_id = $1 and d.outcome = 4
        union all
        select f.posting_id, 7, c.payment_id, s.reference, -c.fee_minor, p.currency::text, 11
        from cheque_event c
        join payment p on p.agency_id = $1 and p.payment_id = c.payment_id
        join said s on s.object_id = c.payment_id
        join posting f on f.agency_id = $1 and f.trigger_id = c.payment_id and f.kind = 34
        where c.agency_id = $1 and c.kind = 2
        union all -- it had been cleared before it bounced
        select v.reversal_id, 8, v.payment_id, s.reference, -p.amount_minor, p.currency::text, 7
        from payment_reversal v
        join payment p on p.agency_id = $1 and p.payment_id = v.payment_id
        join said s on s.object_id = v.payment_id
        where v.agency_id = $1 and v.reason = 3 and exists (select from settled y where y.expected_id = v.payment_id)
        union all
        select a.posting_id, 20, a.cost_id, bank_reference(a.reference), -a.amount_minor, a.currency::text, 11
        from account_cost a where a.agency_id = $1 and a.used_as = 1
        union all
        select e.posting_id, case e.event when 2 then 21 else 22 end, e.sale_id, bank_reference(e.reference),
               case e.event when 2 then e.amount_minor else -e.amount_minor end, s.currency::text, 11
        from sale_event e join sale s on s.agency_id = $1 and s.sale_id = e.sale_id
        where e.agency_id = $1 and e.event in (2, 3) and e.amount_minor <> 0
        union all
        select m.posting_id, 23, m.remittance_id, bank_reference(m.reference), -m.amount_minor, m.currency::text, 11
        from remittance m where m.agency_id = $1) x
    join posting o on o.agency_id = $1 and o.posting_id = x.posting_id
    join agency g on g.agency_id = $1)
select 'bank_expected'::text as table_name, coalesce(e.expected_id, d.expected_id, s.expected_id)::text as key, v.column_name, v.stored, v.expected
from (select x.expected_id, x.kind, x.object_id, x.reference, x.amount_minor, x.currency::text as currency, x.ledger_account, x.owner_id,
             x.account_id, x.since_us, x.since_on, x.state, x.line_id
      from bank_expected x where x.agency_id = $1) e
full join due d on d.expected_id = e.expected_id
full join settled s on s.expected_id = coalesce(e.expected_id, d.expected_id)
cross join lateral (values
    ('', case when e.expected_id is null then 'no row' else 'a row' end, case when d.expected_id is null then 'none: no fact expects it' else 'a row' end),
    ('kind', e.kind::text, d.kind::text),
    ('object_id', e.object_id::text, d.object_id::text),
    ('reference', e.reference, d.reference),
    ('amount, currency', concat_ws(' ', e.amount_minor, e.currency), concat_ws(' ', d.amount_minor, d.currency)),
    ('ledger_account, owner', concat_ws(' ', e.ledger_account, e.owner_id), concat_ws(' ', d.ledger_account, d.owner_id)),
    ('account_id', coalesce(e.account_id::text, '-'), coalesce(d.account_id::text, '-')),
    ('since', concat_ws(' ', e.since_us, e.since_on), concat_ws(' ', d.since_us, d.since_on)),
    ('line_id', coalesce(e.line_id::text, '-'), coalesce(s.line_id::text, '-')),
    ('state', e.state::text, case when s.line_id is not null then '2' else d.state::text end)) v (column_name, stored, expected)
where v.stored is distinct from v.expected and (v.column_name = '' or e.expected_id is not null and d.expected_id is not null)
order by 2, 3;
