-- Offers to settle (R-WAI-1). Their state changes under their account's lock.

-- name: settlement_offer_insert
-- in:   uuid agency_id, uuid[] offer_id, uuid[] posting_id, uuid[] account_id, int8[] sum_minor, text[] currency, date[] by_on, int8[] fees_minor, int8[] penalty_minor, int8[] interest_minor, int8[] principal_minor, bool[] creditor_bears, uuid[] made_by, int8[] made_us
-- out:  none
-- why:  a fact of its proposal's posting.
insert into settlement_offer (agency_id, offer_id, posting_id, account_id, sum_minor, currency, by_on, fees_minor,
    penalty_minor, interest_minor, principal_minor, creditor_bears, made_by, made_us)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) u;

-- name: settlement_offer_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid offer_id, uuid posting_id, uuid account_id, int8 sum_minor, text currency, date by_on, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, bool creditor_bears, uuid made_by, int8 made_us
-- why:  as settlement_offer_insert wrote them; one a posting.
select o.offer_id, o.posting_id, o.account_id, o.sum_minor, o.currency::text as currency, o.by_on, o.fees_minor,
       o.penalty_minor, o.interest_minor, o.principal_minor, o.creditor_bears, o.made_by, o.made_us
from settlement_offer o where o.agency_id = $1 and o.posting_id = any($2)
order by o.posting_id;

-- name: settlement_offer_event_insert
-- in:   uuid agency_id, uuid[] offer_id, int4[] n, uuid[] posting_id, int2[] state, int8[] at_us, int8[] paid_minor, uuid[] actor_id
-- out:  none
insert into settlement_offer_event (agency_id, offer_id, n, posting_id, state, at_us, paid_minor, actor_id)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8) u;

-- name: settlement_offer_event_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid offer_id, int4 n, uuid posting_id, int2 state, int8 at_us, int8 paid_minor, uuid actor_id
-- why:  as settlement_offer_event_insert wrote them; one a posting.
select e.offer_id, e.n, e.posting_id, e.state, e.at_us, e.paid_minor, e.actor_id
from settlement_offer_event e where e.agency_id = $1 and e.posting_id = any($2)
order by e.posting_id;

-- name: settlement_offer_waiver_insert
-- in:   uuid agency_id, uuid[] offer_id, uuid[] fact_id, uuid[] posting_id
-- out:  none
insert into settlement_offer_waiver (agency_id, offer_id, fact_id, posting_id)
select $1, u.* from unnest($2, $3, $4) u;

-- name: settlement_offer_waiver_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid offer_id, uuid fact_id, uuid posting_id
-- why:  as settlement_offer_waiver_insert wrote them, which is by their facts' ids.
select w.offer_id, w.fact_id, w.posting_id
from settlement_offer_waiver w where w.agency_id = $1 and w.posting_id = any($2)
order by w.posting_id, w.fact_id;

-- name: offer_state_insert
-- in:   uuid agency_id, uuid offer_id, uuid account_id
-- out:  none
-- why:  OFFERED.
insert into settlement_offer_state (agency_id, offer_id, account_id) values ($1, $2, $3);

-- name: offer_state_save
-- in:   uuid agency_id, uuid[] offer_id, int2[] state, int4[] n, int8[] from_us, bool[] bounced
-- out:  bool all_written
-- why:  one step each, from the one before it.
with written as (
    update settlement_offer_state s set state = u.state, n = u.n, from_us = u.from_us, bounced = u.bounced
    from unnest($2, $3, $4, $5, $6) u (offer_id, state, n, from_us, bounced)
    where s.agency_id = $1 and s.offer_id = u.offer_id and s.n = u.n - 1
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: offer_account_save
-- in:   uuid agency_id, uuid account_id, uuid offer_id
-- out:  bool done
-- why:  the offer that payments of the account look at from now on.
with written as (
    update account_state set offer_id = $3, version = version + 1 where agency_id = $1 and account_id = $2 returning 1)
select expect_rows((select count(*) from written), 1) as done;

-- name: offer_account
-- in:   uuid agency_id, uuid account_id
-- out:  text currency, int2 status, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, date today
-- why:  what a new offer is compared with.
select a.currency::text as currency, s.status, s.fees_minor, s.penalty_minor, s.interest_minor, s.principal_minor,
       agency_date((extract(epoch from now()) * 1000000)::int8, g.time_zone) as today
from account a
join account_state s on s.agency_id = $1 and s.account_id = a.account_id
join agency g on g.agency_id = $1
where a.agency_id = $1 and a.account_id = $2;

-- name: offer_load
-- in:   uuid agency_id, uuid[] account_id
-- out:  uuid account_id, uuid offer_id, int4 n, int2 state, bool bounced, int8 from_us, int8 sum_minor, text currency, date by_on, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, bool creditor_bears, int8 paid_minor, int8 reached_us, date reached_on, int8 day_minor
-- why:  the offer of each account that has one, what was paid towards it, the payment that made it full, and what was
--       paid on that day, up to and with that one.
select s.account_id, o.offer_id, t.n, t.state, t.bounced, t.from_us, o.sum_minor, o.currency::text as currency, o.by_on,
       o.fees_minor, o.penalty_minor, o.interest_minor, o.principal_minor, o.creditor_bears,
       coalesce(p.paid_minor, 0)::int8 as paid_minor, r.value_us as reached_us, r.value_on as reached_on, d.day_minor
from unnest($2) q (account_id)
join account_state s on s.agency_id = $1 and s.account_id = q.account_id and s.offer_id is not null
join settlement_offer o on o.agency_id = $1 and o.offer_id = s.offer_id
join settlement_offer_state t on t.agency_id = $1 and t.offer_id = s.offer_id
cross join lateral (
    select sum(x.amount_minor) as paid_minor from payment x
    where x.agency_id = $1 and x.account_id = s.account_id and x.value_us >= t.from_us and x.value_on <= o.by_on
      and not exists (select from payment_reversal v where v.agency_id = $1 and v.payment_id = x.payment_id)
    offset 0) p
left join lateral (
    select y.value_us, y.value_on, y.payment_id
    from (select x.value_us, x.value_on, x.payment_id,
                 sum(x.amount_minor) over (order by x.value_on, x.value_us, x.payment_id) as so_far
          from payment x
          where x.agency_id = $1 and x.account_id = s.account_id and x.value_us >= t.from_us and x.value_on <= o.by_on
            and not exists (select from payment_reversal v where v.agency_id = $1 and v.payment_id = x.payment_id)
          offset 0) y
    where y.so_far >= o.sum_minor
    order by y.value_on, y.value_us, y.payment_id limit 1) r on true
left join lateral (
    select sum(x.amount_minor)::int8 as day_minor from payment x
    where x.agency_id = $1 and x.account_id = s.account_id and x.value_on = r.value_on
      and (x.value_us, x.payment_id) <= (r.value_us, r.payment_id)
      and not exists (select from payment_reversal v where v.agency_id = $1 and v.payment_id = x.payment_id)
    offset 0) d on true
order by s.account_id;

-- name: offer_lines
-- in:   uuid agency_id, uuid account_id, date reached_on
-- out:  int4 instalment_no, date due_on, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor
-- why:  what was open on the morning of a day: what is open now, and what payments of that day or later paid of it.
select i.instalment_no, i.due_on, (i.fees_minor + coalesce(a.fees_minor, 0))::int8 as fees_minor,
       (i.penalty_minor + coalesce(a.penalty_minor, 0))::int8 as penalty_minor,
       (i.interest_minor + coalesce(a.interest_minor, 0))::int8 as interest_minor,
       (i.principal_minor + coalesce(a.principal_minor, 0))::int8 as principal_minor
from instalment_state i
left join lateral (
    select sum(x.fees_minor) as fees_minor, sum(x.penalty_minor) as penalty_minor,
           sum(x.interest_minor) as interest_minor, sum(x.principal_minor) as principal_minor
    from payment p
    join lateral (select max(v.version) as version from allocation v where v.agency_id = $1 and v.payment_id = p.payment_id) n on true
    join allocation x on x.agency_id = $1 and x.payment_id = p.payment_id and x.version = n.version
        and x.instalment_no = i.instalment_no
    where p.agency_id = $1 and p.account_id = $2 and p.value_on >= $3
      and not exists (select from payment_reversal v where v.agency_id = $1 and v.payment_id = p.payment_id)
    offset 0) a on true
where i.agency_id = $1 and i.account_id = $2
order by i.due_on, i.instalment_no;

-- name: offer_waivers
-- in:   uuid agency_id, uuid offer_id
-- out:  uuid fact_id, int2 kind, int8 amount_minor, int4 instalment_no, int2 component
-- why:  what a fulfilled offer waived and nobody has taken back.
select w.fact_id, f.kind, f.amount_minor, f.instalment_no, f.component
from settlement_offer_waiver w
join account_fact f on f.agency_id = $1 and f.fact_id = w.fact_id
where w.agency_id = $1 and w.offer_id = $2
  and not exists (select from account_fact_withdrawal x where x.agency_id = $1 and x.fact_id = w.fact_id)
order by w.fact_id;

-- name: offer_get
-- in:   uuid agency_id, uuid offer_id
-- out:  uuid offer_id, uuid account_id, int8 sum_minor, text currency, date by_on, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, bool creditor_bears, uuid made_by, int8 made_us, int2 state, int8 paid_minor, date today
-- why:  told LAPSED when its day is over, written or not.
select o.offer_id, o.account_id, o.sum_minor, o.currency::text as currency, o.by_on, o.fees_minor, o.penalty_minor,
       o.interest_minor, o.principal_minor, o.creditor_bears, o.made_by, o.made_us, t.state,
       (case when t.from_us is null then 0 else (
           select coalesce(sum(x.amount_minor), 0) from payment x
           where x.agency_id = $1 and x.account_id = o.account_id and x.value_us >= t.from_us and x.value_on <= o.by_on
             and not exists (select from payment_reversal v where v.agency_id = $1 and v.payment_id = x.payment_id))
        end)::int8 as paid_minor,
       agency_date((extract(epoch from now()) * 1000000)::int8, g.time_zone) as today
from settlement_offer o
join settlement_offer_state t on t.agency_id = $1 and t.offer_id = o.offer_id
join agency g on g.agency_id = $1
where o.agency_id = $1 and o.offer_id = $2;

-- name: offer_list
-- in:   uuid agency_id, uuid account_id, int8 before_us, uuid before_id, int4 limit_rows
-- out:  uuid offer_id, uuid account_id, int8 sum_minor, text currency, date by_on, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, bool creditor_bears, uuid made_by, int8 made_us, int2 state, int8 paid_minor, date today
-- why:  the newest first.
select o.offer_id, o.account_id, o.sum_minor, o.currency::text as currency, o.by_on, o.fees_minor, o.penalty_minor,
       o.interest_minor, o.principal_minor, o.creditor_bears, o.made_by, o.made_us, t.state,
       (case when t.from_us is null then 0 else (
           select coalesce(sum(x.amount_minor), 0) from payment x
           where x.agency_id = $1 and x.account_id = o.account_id and x.value_us >= t.from_us and x.value_on <= o.by_on
             and not exists (select from payment_reversal v where v.agency_id = $1 and v.payment_id = x.payment_id))
        end)::int8 as paid_minor,
       agency_date((extract(epoch from now()) * 1000000)::int8, g.time_zone) as today
from (select x.offer_id, x.made_us from settlement_offer x
      where x.agency_id = $1 and x.account_id = $2 and (x.made_us, x.offer_id) < ($3, $4)
      order by x.made_us desc, x.offer_id desc limit $5) k
join settlement_offer o on o.agency_id = $1 and o.offer_id = k.offer_id
join settlement_offer_state t on t.agency_id = $1 and t.offer_id = o.offer_id
join agency g on g.agency_id = $1
order by k.made_us desc, k.offer_id desc;
