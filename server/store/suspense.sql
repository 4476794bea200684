-- Money in suspense: coming in, listed with hints, going out (R-PAY-2).

-- name: suspense_insert
-- in:   uuid agency_id, uuid[] item_id, uuid[] posting_id, int2[] origin, int2[] source, text[] source_reference, uuid[] trigger_id, uuid[] account_id, text[] payer, text[] note, int2[] tag, int8[] amount_minor, text[] currency, int2[] money_account, int8[] value_us, date[] value_on, int8[] received_us, uuid[] actor_id
-- out:  none
-- why:  facts of their postings, and beside them what waits now: 2 is SUSPENSE. Money that a caller named (origins 1 and 2)
--       has its bank line still to come: against what it debited.
with items as (
    insert into suspense (agency_id, item_id, posting_id, origin, source, source_reference, trigger_id, account_id, payer,
        note, tag, amount_minor, currency, money_account, value_us, value_on, received_us, actor_id)
    select $1, u.item_id, u.posting_id, u.origin, u.source, u.source_reference, u.trigger_id, u.account_id, u.payer,
           u.note, u.tag, u.amount_minor, u.currency, u.money_account, u.value_us, u.value_on, u.received_us, u.actor_id
    from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
        u (item_id, posting_id, origin, source, source_reference, trigger_id, account_id, payer, note, tag, amount_minor,
           currency, money_account, value_us, value_on, received_us, actor_id)
    returning item_id, origin, source_reference, account_id, amount_minor, currency, money_account, value_on, value_us),
expected as (
    insert into bank_expected (agency_id, expected_id, kind, object_id, reference, amount_minor, currency, ledger_account,
        account_id, since_us, since_on, state)
    select $1, i.item_id, 5, i.item_id, bank_reference(i.source_reference), i.amount_minor, i.currency, i.money_account,
           i.account_id, i.value_us, i.value_on, 1
    from items i where i.origin in (1, 2) order by i.item_id)
insert into suspense_state (agency_id, item_id, state, amount_minor, currency, value_on, value_us)
select $1, i.item_id, 2, i.amount_minor, i.currency, i.value_on, i.value_us from items i order by i.item_id;

-- name: suspense_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid item_id, uuid posting_id, int2 origin, int2 source, text source_reference, uuid trigger_id, uuid account_id, text payer, text note, int2 tag, int8 amount_minor, text currency, int2 money_account, int8 value_us, date value_on, int8 received_us, uuid actor_id
-- why:  as suspense_insert wrote them.
select s.item_id, s.posting_id, s.origin, s.source, s.source_reference, s.trigger_id, s.account_id, s.payer, s.note, s.tag,
       s.amount_minor, s.currency::text as currency, s.money_account, s.value_us, s.value_on, s.received_us, s.actor_id
from suspense s where s.agency_id = $1 and s.posting_id = any($2)
order by s.posting_id, s.item_id;

-- name: suspense_decision_insert
-- in:   uuid agency_id, uuid[] item_id, uuid[] posting_id, int2[] outcome, uuid[] payment_id, uuid[] account_id, text[] reason, int8[] at_us, uuid[] made_by, uuid[] decided_by
-- out:  none
-- why:  the fact, and the item's new state; its lock is held.
with decided as (
    insert into suspense_decision (agency_id, item_id, posting_id, outcome, payment_id, account_id, reason, at_us, made_by, decided_by)
    select $1, u.item_id, u.posting_id, u.outcome, u.payment_id, u.account_id, u.reason, u.at_us, u.made_by, u.decided_by
    from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10)
        u (item_id, posting_id, outcome, payment_id, account_id, reason, at_us, made_by, decided_by)
    returning item_id, outcome)
update suspense_state s set state = d.outcome
from decided d where s.agency_id = $1 and s.item_id = d.item_id;

-- name: suspense_decision_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid item_id, uuid posting_id, int2 outcome, uuid payment_id, uuid account_id, text reason, int8 at_us, uuid made_by, uuid decided_by
-- why:  as suspense_decision_insert wrote them.
select d.item_id, d.posting_id, d.outcome, d.payment_id, d.account_id, d.reason, d.at_us, d.made_by, d.decided_by
from suspense_decision d where d.agency_id = $1 and d.posting_id = any($2)
order by d.posting_id, d.item_id;

-- name: suspense_identity_load
-- in:   uuid agency_id, int2[] source, text[] source_reference
-- out:  int4 row, uuid item_id, uuid account_id, int2 tag, int8 amount_minor, text currency, int8 value_us
-- why:  money of these identities that stands, or stood, in suspense (R-PAY-5); row counts the input from 0.
select (q.i - 1)::int4 as row, s.item_id, s.account_id, s.tag, s.amount_minor, s.currency::text as currency, s.value_us
from unnest($2, $3) with ordinality q (source, source_reference, i)
join suspense s on s.agency_id = $1 and s.source = q.source and s.source_reference = q.source_reference
order by q.i;

-- name: suspense_lock
-- in:   uuid agency_id, uuid[] item_id
-- out:  uuid item_id
-- why:  behind accounts and collectors in the order of locks.
select item_id from suspense_state where agency_id = $1 and item_id = any($2) order by item_id for no key update;

-- name: suspense_get
-- in:   uuid agency_id, uuid[] item_id
-- out:  uuid item_id, int2 state, int2 origin, int2 source, text source_reference, uuid trigger_id, uuid account_id, text payer, text note, int2 tag, int8 amount_minor, text currency, int2 money_account, int8 value_us, date value_on, int8 received_us, uuid payment_id
-- why:  in the order asked.
select s.item_id, t.state, s.origin, s.source, s.source_reference, s.trigger_id, s.account_id, s.payer, s.note, s.tag,
       s.amount_minor, s.currency::text as currency, s.money_account, s.value_us, s.value_on, s.received_us, d.payment_id
from unnest($2) with ordinality q (item_id, i)
join suspense_state t on t.agency_id = $1 and t.item_id = q.item_id
join suspense s on s.agency_id = $1 and s.item_id = q.item_id
left join suspense_decision d on d.agency_id = $1 and d.item_id = q.item_id
order by q.i;

-- name: suspense_list
-- in:   uuid agency_id, int8 after_us, uuid after_id, int4 limit_rows
-- out:  uuid item_id, int2 state, int2 origin, int2 source, text source_reference, uuid trigger_id, uuid account_id, text payer, text note, int2 tag, int8 amount_minor, text currency, int2 money_account, int8 value_us, date value_on, int8 received_us, uuid payment_id
-- why:  what waits, the oldest first.
select s.item_id, t.state, s.origin, s.source, s.source_reference, s.trigger_id, s.account_id, s.payer, s.note, s.tag,
       s.amount_minor, s.currency::text as currency, s.money_account, s.value_us, s.value_on, s.received_us,
       null::uuid as payment_id
from (select x.item_id, x.state, x.value_us from suspense_state x
      where x.agency_id = $1 and x.state = 2 and (x.value_us, x.item_id) > ($2, $3)
      order by x.value_us, x.item_id limit $4) t
join suspense s on s.agency_id = $1 and s.item_id = t.item_id
order by t.value_us, t.item_id;

-- name: suspense_ages
-- in:   uuid agency_id, int8 now_us, int4[] age_from
-- out:  int4 age, text currency, int8 items, int8 amount_minor, date today
-- why:  what waits, by age and currency; the bounds come from the rule (R-PAY-2c).
select q.age, q.currency, q.items, q.amount_minor, q.today
from (select width_bucket(d.today - s.value_on, $3) as age, s.currency::text as currency, count(*) as items,
             sum(s.amount_minor)::int8 as amount_minor, d.today
      from suspense_state s
      cross join (select agency_date($2, g.time_zone) as today from agency g where g.agency_id = $1) d
      where s.agency_id = $1 and s.state = 2
      group by 1, 2, 5) q
order by q.currency, q.age;

-- name: suspense_hints
-- in:   uuid agency_id, int4[] item, text[] word, int4[] payer_item, text[] payer, int4[] amount_item, int8[] amount_minor, text[] currency, date[] value_on, int4 limit_rows
-- out:  int4 item, uuid account_id, int2 kind
-- why:  accounts that an item's words name by number, by customer's number or by plate; to which money of its payer went
--       before; for which its amount was promised or is due. kind: enum suspense_hint_kind. At most limit_rows of a kind
--       an item, so that a common amount names nobody in particular and costs little.
select w.item, a.account_id, 1::int2 as kind
from unnest($2, $3) w (item, word)
cross join lateral (select x.account_id from account x where x.agency_id = $1 and x.account_no = w.word offset 0) a
union all
select w.item, a.account_id, 2::int2
from unnest($2, $3) w (item, word)
cross join lateral (select x.customer_id from customer x where x.agency_id = $1 and x.customer_no = w.word offset 0) c
cross join lateral (
    select x.account_id from account x where x.agency_id = $1 and x.customer_id = c.customer_id order by x.account_id limit $10) a
union all
select w.item, a.account_id, 3::int2
from unnest($2, $3) w (item, word)
cross join lateral (
    select x.account_id from account x where x.agency_id = $1 and x.plate = w.word and x.plate <> '' order by x.account_id limit $10) a
union all
select w.item, a.account_id, 4::int2
from unnest($4, $5) w (item, payer)
cross join lateral (
    select distinct d.account_id from suspense s
    join suspense_decision d on d.agency_id = $1 and d.item_id = s.item_id and d.account_id is not null
    where s.agency_id = $1 and s.payer = w.payer and s.payer <> '' order by d.account_id limit $10) a
union all
select w.item, p.account_id, 5::int2
from unnest($6, $7, $8, $9) w (item, amount_minor, currency, value_on)
cross join lateral (
    select distinct x.account_id from promise x
    where x.agency_id = $1 and x.amount_minor = w.amount_minor and x.due_on between w.value_on - 2 and w.value_on + 14
      and x.currency = w.currency
    order by x.account_id limit $10) p
union all
select w.item, n.account_id, 6::int2
from unnest($6, $7, $8, $9) w (item, amount_minor, currency, value_on)
cross join lateral (
    select distinct x.account_id from instalment x
    join instalment_state s on s.agency_id = $1 and s.account_id = x.account_id and s.instalment_no = x.instalment_no
        and s.due_on = x.due_on and s.state <> 2
    join account a on a.agency_id = $1 and a.account_id = x.account_id and a.currency = w.currency
    where x.agency_id = $1 and x.due_minor = w.amount_minor
    order by x.account_id limit $10) n;
