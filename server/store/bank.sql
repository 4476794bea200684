-- The bank: what is expected of it, lines of its statement, and what they settle (R-PAY-5, R-PAY-5a).

-- name: bank_expected_insert
-- in:   uuid agency_id, uuid[] expected_id, int2[] kind, uuid[] object_id, text[] reference, int8[] amount_minor, text[] currency, int2[] ledger_account, uuid[] owner_id, uuid[] account_id, int8[] since_us, date[] since_on, int2[] state
-- out:  none
-- why:  what the statement should show some day. A receipt's reference stands in the receipt, or in the slip, saved before.
insert into bank_expected (agency_id, expected_id, kind, object_id, reference, amount_minor, currency, ledger_account, owner_id,
    account_id, since_us, since_on, state)
select $1, u.expected_id, u.kind, u.object_id, bank_reference(coalesce(u.reference, r.reference, z.reference, '')), u.amount_minor, u.currency,
       u.ledger_account, u.owner_id, u.account_id, u.since_us, u.since_on, u.state
from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    u (expected_id, kind, object_id, reference, amount_minor, currency, ledger_account, owner_id, account_id, since_us, since_on, state)
left join receipt r on r.agency_id = $1 and r.entry_id = u.object_id
left join receipt_slip z on z.agency_id = $1 and z.payment_id = u.object_id
order by u.expected_id
on conflict do nothing;

-- name: bank_expected_withdraw
-- in:   uuid agency_id, uuid[] expected_id
-- out:  none
-- why:  the money will not come any more: a payment was taken back before the bank had it. Under the account's lock.
update bank_expected set state = 3 where agency_id = $1 and expected_id = any($2) and state in (0, 1);

-- name: bank_lock
-- in:   uuid agency_id, text bank_account
-- out:  bool locked
-- why:  statements of one bank account go one after the other, first of all locks.
select pg_advisory_xact_lock(hashtextextended($1::text || ' bank ' || $2, 0)) is null as locked;

-- name: bank_line_known
-- in:   uuid agency_id, uuid[] line_id
-- out:  int4 row, int8 amount_minor, text currency, date booked_on, int2 outcome
-- why:  those that came before, whatever file brought them; row counts the input from 0.
select (q.i - 1)::int4 as row, l.amount_minor, l.currency::text as currency, l.booked_on, l.outcome
from unnest($2) with ordinality q (line_id, i)
join bank_line l on l.agency_id = $1 and l.line_id = q.line_id
order by q.i;

-- name: bank_line_dates
-- in:   uuid agency_id, date[] booked_on
-- out:  int8 value_us
-- why:  the first instant of each day in the agency's zone, in the order asked: a statement knows no hours.
select (extract(epoch from (q.booked_on::timestamp at time zone g.time_zone)) * 1000000)::int8 as value_us
from agency g cross join unnest($2) with ordinality q (booked_on, i)
where g.agency_id = $1 order by q.i;

-- name: bank_candidates
-- in:   uuid agency_id, text[] reference, text[] line_reference, int8[] amount_minor, text[] currency
-- out:  int4 row, uuid expected_id, int2 kind, uuid object_id, int2 ledger_account, uuid owner_id, uuid account_id
-- why:  open things of this reference, the payer's or the bank's, and of this amount, the oldest first; row counts the
--       input from 0.
select (q.i - 1)::int4 as row, e.expected_id, e.kind, e.object_id, e.ledger_account, e.owner_id, e.account_id
from unnest($2, $3, $4, $5) with ordinality q (reference, line_reference, amount_minor, currency, i)
cross join lateral (select bank_reference(q.reference) as a, bank_reference(q.line_reference) as b offset 0) n
cross join lateral (
    select x.expected_id, x.kind, x.object_id, x.ledger_account, x.owner_id, x.account_id, x.since_us
    from bank_expected x
    where x.agency_id = $1 and x.state = 1 and x.reference in (n.a, n.b) and x.reference <> ''
      and x.amount_minor = q.amount_minor and x.currency = q.currency
    offset 0) e
order by q.i, e.since_us, e.expected_id;

-- name: bank_expected_lock
-- in:   uuid agency_id, uuid[] expected_id
-- out:  uuid expected_id, int2 state
-- why:  behind accounts and collectors; locked and read in one, all decided on is in the locked row itself.
select expected_id, state from bank_expected
where agency_id = $1 and expected_id = any($2) order by expected_id for no key update;

-- name: bank_line_insert
-- in:   uuid agency_id, uuid[] line_id, uuid[] posting_id, bytea[] file_hash, int4[] row_no, text[] bank_account, text[] line_reference, date[] booked_on, int8[] amount_minor, text[] currency, text[] reference, text[] payer, text[] note, int2[] outcome, uuid[] expected_id, int8[] received_us, uuid[] actor_id
-- out:  none
-- why:  a fact of its posting; beside it what it settles, and money that went out and nothing says why.
with lines as (
    insert into bank_line (agency_id, line_id, posting_id, file_hash, row_no, bank_account, line_reference, booked_on,
        amount_minor, currency, reference, payer, note, outcome, expected_id, received_us, actor_id)
    select $1, u.line_id, u.posting_id, u.file_hash, u.row_no, u.bank_account, u.line_reference, u.booked_on, u.amount_minor,
           u.currency, u.reference, u.payer, u.note, u.outcome, u.expected_id, u.received_us, u.actor_id
    from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        u (line_id, posting_id, file_hash, row_no, bank_account, line_reference, booked_on, amount_minor, currency, reference,
           payer, note, outcome, expected_id, received_us, actor_id)
    returning line_id, outcome, expected_id, amount_minor, booked_on),
settled as (
    update bank_expected e set state = 2, line_id = l.line_id
    from lines l where e.agency_id = $1 and e.expected_id = l.expected_id)
insert into bank_line_state (agency_id, line_id, state, amount_minor, booked_on)
select $1, l.line_id, 1, l.amount_minor, l.booked_on from lines l where l.outcome = 4;

-- name: bank_line_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid line_id, uuid posting_id, bytea file_hash, int4 row_no, text bank_account, text line_reference, date booked_on, int8 amount_minor, text currency, text reference, text payer, text note, int2 outcome, uuid expected_id, int8 received_us, uuid actor_id
-- why:  as bank_line_insert wrote them.
select line_id, posting_id, file_hash, row_no, bank_account, line_reference, booked_on, amount_minor, currency::text as currency,
       reference, payer, note, outcome, expected_id, received_us, actor_id
from bank_line where agency_id = $1 and posting_id = any($2) order by posting_id, line_id;

-- name: bank_match_insert
-- in:   uuid agency_id, uuid[] line_id, uuid[] posting_id, uuid[] expected_id, int8[] at_us, uuid[] actor_id
-- out:  none
-- why:  a fact of its posting; beside it both are settled.
with matched as (
    insert into bank_match (agency_id, line_id, posting_id, expected_id, at_us, actor_id)
    select $1, u.line_id, u.posting_id, u.expected_id, u.at_us, u.actor_id
    from unnest($2, $3, $4, $5, $6) u (line_id, posting_id, expected_id, at_us, actor_id)
    returning line_id, expected_id),
settled as (
    update bank_expected e set state = 2, line_id = m.line_id
    from matched m where e.agency_id = $1 and e.expected_id = m.expected_id)
update bank_line_state s set state = 2 from matched m where s.agency_id = $1 and s.line_id = m.line_id;

-- name: bank_match_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid line_id, uuid posting_id, uuid expected_id, int8 at_us, uuid actor_id
-- why:  as bank_match_insert wrote them.
select line_id, posting_id, expected_id, at_us, actor_id
from bank_match where agency_id = $1 and posting_id = any($2) order by posting_id, line_id;

-- name: payment_settled_insert
-- in:   uuid agency_id, uuid[] payment_id, uuid[] posting_id, uuid[] line_id, int8[] settled_us
-- out:  none
insert into payment_settled (agency_id, payment_id, posting_id, line_id, settled_us)
select $1, u.payment_id, u.posting_id, u.line_id, u.settled_us
from unnest($2, $3, $4, $5) u (payment_id, posting_id, line_id, settled_us);

-- name: payment_settled_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid payment_id, uuid posting_id, uuid line_id, int8 settled_us
-- why:  as payment_settled_insert wrote them.
select payment_id, posting_id, line_id, settled_us
from payment_settled where agency_id = $1 and posting_id = any($2) order by posting_id, payment_id, line_id;

-- name: bank_late
-- in:   uuid agency_id, uuid expected_id, int4 limit_rows
-- out:  uuid line_id, uuid expected_id
-- why:  lines that had matched nothing, in suspense or open, for which there is now one thing, and one only, of their
--       reference and amount; and that thing has no other such line. Deposits of one reference and amount are all cash on
--       its way: the oldest line is the oldest of them (R-CSH-2c). expected_id: of this thing alone; null: of all.
with found as (
    select l.line_id, e.expected_id, e.kind, count(*) over (partition by l.line_id) as things,
           count(*) filter (where e.kind <> 4) over (partition by l.line_id) as others,
           count(*) over (partition by e.expected_id) as lines,
           row_number() over (partition by l.line_id order by e.since_us, e.expected_id) as thing_at,
           row_number() over (partition by e.expected_id order by l.booked_on, l.line_id) as line_at
    from (select s.item_id as line_id from suspense_state s where s.agency_id = $1 and s.state = 2
          union all
          select s.line_id from bank_line_state s where s.agency_id = $1 and s.state = 1) o
    join bank_line l on l.agency_id = $1 and l.line_id = o.line_id
    cross join lateral (select bank_reference(l.reference) as a, bank_reference(l.line_reference) as b offset 0) n
    cross join lateral (
        select x.expected_id, x.kind, x.since_us from bank_expected x
        where x.agency_id = $1 and x.state = 1 and x.reference in (n.a, n.b) and x.reference <> ''
          and x.amount_minor = l.amount_minor and x.currency = l.currency
        offset 0) e)
select f.line_id, f.expected_id from found f
where (f.things = 1 and f.lines = 1 or f.others = 0 and f.thing_at = f.line_at) and ($2 is null or f.expected_id = $2)
order by f.line_id limit $3;

-- name: bank_late_agencies
-- in:   int4 limit_rows
-- out:  uuid agency_id
-- why:  agencies with a line that found its reason after it came: for the minute's thread.
select agency_id from bank_late_agencies() limit $1;

-- name: bank_match_judge
-- in:   uuid agency_id, uuid line_id, uuid expected_id
-- out:  bool has_line, bool has_thing, bool line_waits, bool thing_waits, bool same_money, int8 amount_minor, text currency, uuid account_id
-- why:  may this line be matched with this thing by hand?
select l.line_id is not null as has_line, e.expected_id is not null as has_thing,
       coalesce(s.state = 2, false) or coalesce(o.state = 1, false) as line_waits, coalesce(e.state = 1, false) as thing_waits,
       coalesce(l.amount_minor = e.amount_minor and l.currency = e.currency, false) as same_money, l.amount_minor,
       l.currency::text as currency, e.account_id
from (select 1) one
left join bank_line l on l.agency_id = $1 and l.line_id = $2
left join bank_expected e on e.agency_id = $1 and e.expected_id = $3
left join suspense_state s on s.agency_id = $1 and s.item_id = $2
left join bank_line_state o on o.agency_id = $1 and o.line_id = $2;

-- name: bank_expected_confirm
-- in:   uuid agency_id, uuid expected_id
-- out:  bool done
-- why:  a person said that the bank has it, and it is booked there: the line that comes confirms it and books nothing, and
--       nobody is told when none comes.
with written as (
    update bank_expected set ledger_account = 11, owner_id = null, told = true
    where agency_id = $1 and expected_id = $2 and state = 1 returning 1)
select expect_rows((select count(*) from written), 1) as done;

-- name: bank_pair_load
-- in:   uuid agency_id, uuid[] line_id, uuid[] expected_id
-- out:  int4 row, int8 amount_minor, text currency, int8 value_us, int2 kind, uuid object_id, int2 ledger_account, uuid owner_id, uuid account_id, bool in_suspense
-- why:  lines and the things that they turned out to be; row counts the input from 0.
select (q.i - 1)::int4 as row, l.amount_minor, l.currency::text as currency,
       (extract(epoch from (l.booked_on::timestamp at time zone g.time_zone)) * 1000000)::int8 as value_us, e.kind, e.object_id,
       e.ledger_account, e.owner_id, e.account_id, coalesce(s.state = 2, false) as in_suspense
from unnest($2, $3) with ordinality q (line_id, expected_id, i)
join agency g on g.agency_id = $1
join bank_line l on l.agency_id = $1 and l.line_id = q.line_id
join bank_expected e on e.agency_id = $1 and e.expected_id = q.expected_id and e.amount_minor = l.amount_minor and e.currency = l.currency
left join suspense_state s on s.agency_id = $1 and s.item_id = q.line_id
order by q.i;

-- name: bank_line_open_lock
-- in:   uuid agency_id, uuid[] line_id
-- out:  uuid line_id
-- why:  money that went out and still waits for its reason.
select line_id from bank_line_state where agency_id = $1 and line_id = any($2) and state = 1 order by line_id for no key update;

-- name: bank_unmatched
-- in:   uuid agency_id, date before_on, int8 after_us, uuid after_id, int4 limit_rows
-- out:  uuid expected_id, int2 kind, uuid object_id, text reference, int8 amount_minor, text currency, int8 since_us, date since_on, uuid account_id, uuid owner_id
-- why:  what the bank should have shown by now, the oldest first; of a deposit that was matched by hand somebody said that
--       it did.
select e.expected_id, e.kind, e.object_id, e.reference, e.amount_minor, e.currency::text as currency, e.since_us, e.since_on,
       e.account_id, e.owner_id
from bank_expected e
where e.agency_id = $1 and e.state = 1 and (e.since_us, e.expected_id) > ($3, $4) and e.since_on < $2
  and not (e.kind = 4 and e.ledger_account = 11)
order by e.since_us, e.expected_id limit $5;

-- name: bank_open_lines
-- in:   uuid agency_id, int4 limit_rows
-- out:  uuid line_id, date booked_on, int8 amount_minor, text currency, text reference, text payer, text note
-- why:  money that went out, and nothing says why, the oldest first.
select l.line_id, l.booked_on, l.amount_minor, l.currency::text as currency, l.reference, l.payer, l.note
from (select x.line_id, x.booked_on from bank_line_state x where x.agency_id = $1 and x.state = 1
      order by x.booked_on, x.line_id limit $2) s
join bank_line l on l.agency_id = $1 and l.line_id = s.line_id
order by s.booked_on, s.line_id;

-- name: bank_overdue
-- in:   uuid agency_id, date before_on, int4 limit_rows
-- out:  uuid expected_id, uuid object_id, uuid account_id
-- why:  what nobody has been told of yet. Two servers take different ones.
select e.expected_id, e.object_id, e.account_id
from bank_expected e
where e.agency_id = $1 and e.state = 1 and not e.told and e.since_on < $2
order by e.since_us, e.expected_id limit $3
for no key update skip locked;

-- name: bank_told
-- in:   uuid agency_id, uuid[] expected_id
-- out:  none
update bank_expected set told = true where agency_id = $1 and expected_id = any($2);

-- name: bank_overdue_agencies
-- in:   int8 now_us, int4 days, int4 limit_rows
-- out:  uuid agency_id
-- why:  agencies with something that is `days` old and that nobody has been told of; which working days lie between is
--       asked then.
select agency_id from bank_overdue_agencies($1, $2) limit $3;

-- name: bank_today
-- in:   uuid agency_id, int8 now_us
-- out:  date today
select agency_date($2, time_zone) as today from agency where agency_id = $1;

-- name: cheque_event_insert
-- in:   uuid agency_id, uuid[] payment_id, int2[] kind, uuid[] posting_id, int8[] fee_minor, bool[] charged, text[] reason, int8[] at_us, uuid[] actor_id
-- out:  none
-- why:  a fact of its posting; a cheque that was handed in (kind 1) is expected from then on.
with events as (
    insert into cheque_event (agency_id, payment_id, kind, posting_id, fee_minor, charged, reason, at_us, actor_id)
    select $1, u.payment_id, u.kind, u.posting_id, u.fee_minor, u.charged, u.reason, u.at_us, u.actor_id
    from unnest($2, $3, $4, $5, $6, $7, $8, $9) u (payment_id, kind, posting_id, fee_minor, charged, reason, at_us, actor_id)
    returning payment_id, kind, at_us)
update bank_expected e set state = 1, since_us = v.at_us, since_on = agency_date(v.at_us, g.time_zone)
from events v, agency g
where g.agency_id = $1 and v.kind = 1 and e.agency_id = $1 and e.expected_id = v.payment_id;

-- name: cheque_event_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid payment_id, int2 kind, uuid posting_id, int8 fee_minor, bool charged, text reason, int8 at_us, uuid actor_id
-- why:  as cheque_event_insert wrote them.
select payment_id, kind, posting_id, fee_minor, charged, reason, at_us, actor_id
from cheque_event where agency_id = $1 and posting_id = any($2) order by posting_id, payment_id, kind;
