-- Costs of taking collateral, and bills that became fees instead (R-RPO-7a, J28). Under their account's lock.

-- name: account_cost_insert
-- in:   uuid agency_id, uuid[] cost_id, uuid[] posting_id, uuid[] account_id, int2[] used_as, int2[] kind, int8[] amount_minor, text[] currency, text[] reference, bytea[] evidence, int8[] value_us, int8[] at_us, uuid[] made_by, uuid[] decided_by
-- out:  none
insert into account_cost (agency_id, cost_id, posting_id, account_id, used_as, kind, amount_minor, currency, reference, evidence,
    value_us, at_us, made_by, decided_by)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) u;

-- name: account_cost_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid cost_id, uuid posting_id, uuid account_id, int2 used_as, int2 kind, int8 amount_minor, text currency, text reference, bytea evidence, int8 value_us, int8 at_us, uuid made_by, uuid decided_by
-- why:  as account_cost_insert wrote them; one a posting.
select c.cost_id, c.posting_id, c.account_id, c.used_as, c.kind, c.amount_minor, c.currency::text as currency, c.reference,
       c.evidence, c.value_us, c.at_us, c.made_by, c.decided_by
from account_cost c where c.agency_id = $1 and c.posting_id = any($2)
order by c.posting_id;

-- name: cost_used
-- in:   uuid agency_id, uuid account_id, text reference
-- out:  int2 used_as
-- why:  what a bill was booked as; no row: it was not, or that was taken back.
select c.used_as from account_cost c
where c.agency_id = $1 and c.account_id = $2 and bank_reference(c.reference) = bank_reference($3)
  and not exists (select from account_cost_reversal r where r.agency_id = $1 and r.cost_id = c.cost_id);

-- name: cost_open
-- in:   uuid agency_id, uuid account_id
-- out:  int8 open_minor
-- why:  spent on taking, less what sales brought back; a settlement that was taken back counts below zero.
select (coalesce((select sum(c.amount_minor) from account_cost c where c.agency_id = $1 and c.account_id = $2 and c.used_as = 1
                  and not exists (select from account_cost_reversal r where r.agency_id = $1 and r.cost_id = c.cost_id)), 0)
      - coalesce((select sum(e.taking_costs_minor) from sale s join sale_event e on e.agency_id = $1 and e.sale_id = s.sale_id
                  where s.agency_id = $1 and s.account_id = $2), 0))::int8 as open_minor;

-- name: cost_list
-- in:   uuid agency_id, uuid account_id, int8 before_us, uuid before_id, int4 limit_rows
-- out:  uuid cost_id, uuid account_id, int2 kind, int8 amount_minor, text currency, text reference, bytea evidence, int8 value_us, int8 at_us, uuid made_by, uuid decided_by, int8 reversed_us
select c.cost_id, c.account_id, c.kind, c.amount_minor, c.currency::text as currency, c.reference, c.evidence, c.value_us, c.at_us,
       c.made_by, c.decided_by, r.at_us as reversed_us
from account_cost c
left join account_cost_reversal r on r.agency_id = $1 and r.cost_id = c.cost_id
where c.agency_id = $1 and c.account_id = $2 and c.used_as = 1 and (c.at_us, c.cost_id) < ($3, $4)
order by c.at_us desc, c.cost_id desc limit $5;

-- name: cost_get
-- in:   uuid agency_id, uuid cost_id
-- out:  uuid cost_id, uuid account_id, int2 kind, int8 amount_minor, text currency, text reference, bytea evidence, int8 value_us, int8 at_us, uuid made_by, uuid decided_by, int8 reversed_us
-- why:  one cost of taking, in the columns of a list.
select c.cost_id, c.account_id, c.kind, c.amount_minor, c.currency::text as currency, c.reference, c.evidence, c.value_us, c.at_us,
       c.made_by, c.decided_by, r.at_us as reversed_us
from account_cost c
left join account_cost_reversal r on r.agency_id = $1 and r.cost_id = c.cost_id
where c.agency_id = $1 and c.cost_id = $2 and c.used_as = 1;

-- name: account_cost_reversal_insert
-- in:   uuid agency_id, uuid[] cost_id, uuid[] posting_id, text[] reason, int8[] at_us, uuid[] made_by, uuid[] decided_by
-- out:  none
insert into account_cost_reversal (agency_id, cost_id, posting_id, reason, at_us, made_by, decided_by)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7) u;

-- name: account_cost_reversal_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid cost_id, uuid posting_id, text reason, int8 at_us, uuid made_by, uuid decided_by
-- why:  as account_cost_reversal_insert wrote them; one a posting.
select r.cost_id, r.posting_id, r.reason, r.at_us, r.made_by, r.decided_by
from account_cost_reversal r where r.agency_id = $1 and r.posting_id = any($2)
order by r.posting_id;
