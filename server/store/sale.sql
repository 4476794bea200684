-- Sales of collateral (R-RPO-7, J25 to J27). Their events change nothing but under their account's lock.

-- name: sale_insert
-- in:   uuid agency_id, uuid[] sale_id, uuid[] posting_id, uuid[] account_id, text[] asset_reference, text[] house, text[] lot, int8[] hammer_minor, text[] currency, bytea[] protocol, int8[] value_us, int8[] at_us, uuid[] made_by, uuid[] decided_by
-- out:  none
insert into sale (agency_id, sale_id, posting_id, account_id, asset_reference, house, lot, hammer_minor, currency, protocol, value_us,
    at_us, made_by, decided_by)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) u;

-- name: sale_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid sale_id, uuid posting_id, uuid account_id, text asset_reference, text house, text lot, int8 hammer_minor, text currency, bytea protocol, int8 value_us, int8 at_us, uuid made_by, uuid decided_by
-- why:  as sale_insert wrote them; one a posting.
select s.sale_id, s.posting_id, s.account_id, s.asset_reference, s.house, s.lot, s.hammer_minor, s.currency::text as currency,
       s.protocol, s.value_us, s.at_us, s.made_by, s.decided_by
from sale s where s.agency_id = $1 and s.posting_id = any($2)
order by s.posting_id;

-- name: sale_event_insert
-- in:   uuid agency_id, uuid[] sale_id, int4[] n, uuid[] posting_id, int2[] event, int2[] state, int8[] amount_minor, int8[] sale_costs_minor, int8[] taking_costs_minor, int8[] debt_minor, int8[] surplus_minor, int8[] shortfall_minor, uuid[] payment_id, date[] due_on, text[] reference, int8[] value_us, int8[] at_us, uuid[] made_by, uuid[] decided_by
-- out:  none
insert into sale_event (agency_id, sale_id, n, posting_id, event, state, amount_minor, sale_costs_minor, taking_costs_minor,
    debt_minor, surplus_minor, shortfall_minor, payment_id, due_on, reference, value_us, at_us, made_by, decided_by)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) u;

-- name: sale_event_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid sale_id, int4 n, uuid posting_id, int2 event, int2 state, int8 amount_minor, int8 sale_costs_minor, int8 taking_costs_minor, int8 debt_minor, int8 surplus_minor, int8 shortfall_minor, uuid payment_id, date due_on, text reference, int8 value_us, int8 at_us, uuid made_by, uuid decided_by
-- why:  as sale_event_insert wrote them; one a posting.
select e.sale_id, e.n, e.posting_id, e.event, e.state, e.amount_minor, e.sale_costs_minor, e.taking_costs_minor, e.debt_minor,
       e.surplus_minor, e.shortfall_minor, e.payment_id, e.due_on, e.reference, e.value_us, e.at_us, e.made_by, e.decided_by
from sale_event e where e.agency_id = $1 and e.posting_id = any($2)
order by e.posting_id;

-- name: sale_lot_lock
-- in:   uuid agency_id, text lot
-- out:  bool locked
-- why:  one lot may be named by two accounts at once: first of all locks.
select pg_advisory_xact_lock(hashtextextended($1::text || ' lot ' || bank_reference($2), 0)) is null as locked;

-- name: sale_twice
-- in:   uuid agency_id, uuid account_id, text asset_reference, text house, text lot
-- out:  bool twice
-- why:  is the asset of the account, or the lot of the house, sold already? What was taken back does not count.
select exists (
    select from (
        select x.sale_id from sale x where x.agency_id = $1 and x.account_id = $2 and bank_reference(x.asset_reference) = bank_reference($3)
        union all
        select y.sale_id from sale y where y.agency_id = $1 and y.lot = $5 and y.house = $4) s
    where not exists (select from sale_event e where e.agency_id = $1 and e.sale_id = s.sale_id and e.state = 3)) as twice;

-- name: sale_get
-- in:   uuid agency_id, uuid[] sale_id
-- out:  uuid sale_id, uuid account_id, text asset_reference, text house, text lot, int8 hammer_minor, text currency, bytea protocol, int8 value_us, int8 at_us, uuid made_by, uuid decided_by, int4 n, int2 state, int8 sale_costs_minor, int8 taking_costs_minor, int8 debt_minor, int8 surplus_minor, int8 shortfall_minor, bool received, int8 surplus_paid_minor, uuid payment_id, date due_on
-- why:  sales as their events left them, in the order asked. A payment and a due date are those of the newest settlement, while
--       it stands.
select s.sale_id, s.account_id, s.asset_reference, s.house, s.lot, s.hammer_minor, s.currency::text as currency, s.protocol,
       s.value_us, s.at_us, s.made_by, s.decided_by, coalesce(e.n, 0)::int4 as n, coalesce(l.state, 1)::int2 as state,
       coalesce(e.sale_costs_minor, 0)::int8 as sale_costs_minor, coalesce(e.taking_costs_minor, 0)::int8 as taking_costs_minor,
       coalesce(e.debt_minor, 0)::int8 as debt_minor, coalesce(e.surplus_minor, 0)::int8 as surplus_minor,
       coalesce(e.shortfall_minor, 0)::int8 as shortfall_minor, coalesce(e.received, false) as received,
       coalesce(e.surplus_paid_minor, 0)::int8 as surplus_paid_minor, p.payment_id, p.due_on
from unnest($2) with ordinality q (sale_id, i)
join sale s on s.agency_id = $1 and s.sale_id = q.sale_id
left join lateral (
    select max(x.n) as n, sum(x.sale_costs_minor) as sale_costs_minor, sum(x.taking_costs_minor) as taking_costs_minor,
           sum(x.debt_minor) as debt_minor, sum(x.surplus_minor) as surplus_minor, sum(x.shortfall_minor) as shortfall_minor,
           bool_or(x.event = 2) as received, sum(x.amount_minor) filter (where x.event = 3) as surplus_paid_minor
    from sale_event x where x.agency_id = $1 and x.sale_id = s.sale_id
    offset 0) e on true
left join sale_event l on l.agency_id = $1 and l.sale_id = s.sale_id and l.n = e.n
left join lateral (
    select x.payment_id, x.due_on from sale_event x
    where x.agency_id = $1 and x.sale_id = s.sale_id and x.event = 1 and l.state = 2
    order by x.n desc limit 1) p on true
order by q.i;

-- name: sale_list
-- in:   uuid agency_id, uuid account_id, bool surplus_open, int8 before_us, uuid before_id, int4 limit_rows
-- out:  uuid sale_id
select s.sale_id from sale s
where s.agency_id = $1 and ($2 is null or s.account_id = $2) and (s.at_us, s.sale_id) < ($4, $5)
  and (not $3 or 0 < (
      select coalesce(sum(e.surplus_minor), 0) - coalesce(sum(e.amount_minor) filter (where e.event = 3), 0)
      from sale_event e where e.agency_id = $1 and e.sale_id = s.sale_id))
order by s.at_us desc, s.sale_id desc limit $6;
