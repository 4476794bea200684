-- Rule sets of agencies, and which one an account is under (R-ALL-2). Presets are not in the database.

-- name: rule_set_insert
-- in:   uuid agency_id, text[] name, int4[] version, uuid[] posting_id, int2[] direction, int2[] advance, text[] steps, text[] reason, uuid[] made_by, int8[] made_us, uuid[] approved_by, int8[] approved_us
-- out:  none
-- why:  a fact of its posting.
insert into rule_set (agency_id, name, version, posting_id, direction, advance, steps, reason, made_by, made_us, approved_by,
                      approved_us)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) u;

-- name: rule_set_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  text name, int4 version, uuid posting_id, int2 direction, int2 advance, text steps, text reason, uuid made_by, int8 made_us, uuid approved_by, int8 approved_us
-- why:  as rule_set_insert wrote them; one a posting.
select name, version, posting_id, direction, advance, steps, reason, made_by, made_us, approved_by, approved_us
from rule_set where agency_id = $1 and posting_id = any($2) order by posting_id;

-- name: account_rule_set_insert
-- in:   uuid agency_id, uuid[] posting_id, uuid[] account_id, text[] name, int4[] version, date[] value_on, int8[] made_us, int8[] received_us, text[] reason, uuid[] actor_id
-- out:  none
-- why:  a fact of its posting.
insert into account_rule_set (agency_id, posting_id, account_id, name, version, value_on, made_us, received_us, reason, actor_id)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) u;

-- name: account_rule_set_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid posting_id, uuid account_id, text name, int4 version, date value_on, int8 made_us, int8 received_us, text reason, uuid actor_id
-- why:  as account_rule_set_insert wrote them; one a posting.
select posting_id, account_id, name, version, value_on, made_us, received_us, reason, actor_id
from account_rule_set where agency_id = $1 and posting_id = any($2) order by posting_id;

-- name: rule_change_load
-- in:   uuid agency_id, uuid[] account_id, uuid[] payment_id
-- out:  uuid account_id, uuid change_id, date value_on, int8 made_us, text name, int4 version, int2 direction, int2 advance, text steps
-- why:  every change of the rule sets of the accounts named, and of those of the payments, with what was changed to; of a
--       preset the last three are null.
select c.account_id, c.posting_id as change_id, c.value_on, c.made_us, c.name, c.version, r.direction, r.advance, r.steps
from account_rule_set c
left join lateral (
    select x.direction, x.advance, x.steps from rule_set x
    where x.agency_id = $1 and x.name = c.name and x.version = c.version offset 0) r on true
where c.agency_id = $1 and c.account_id = any(array(
    select a from unnest($2) a union all
    select p.account_id from unnest($3) q (id) join payment p on p.agency_id = $1 and p.payment_id = q.id))
order by c.account_id, c.value_on, c.made_us, c.posting_id;

-- name: rule_set_get
-- in:   uuid agency_id, text name, int4 version
-- out:  text name, int4 version, int2 direction, int2 advance, text steps, text reason, uuid made_by, int8 made_us, uuid approved_by, int8 approved_us
-- why:  version 0: the newest.
select name, version, direction, advance, steps, reason, made_by, made_us, approved_by, approved_us
from rule_set where agency_id = $1 and name = $2 and (version = $3 or $3 = 0)
order by version desc limit 1;

-- name: rule_set_named
-- in:   uuid agency_id, text[] name, int4[] version
-- out:  int4 row, text name, int4 version, int2 direction, int2 advance, text steps
-- why:  of each name the version, or where that is 0 the newest.
select (q.i - 1)::int4 as row, r.name, r.version, r.direction, r.advance, r.steps
from unnest($2, $3) with ordinality q (name, version, i)
cross join lateral (
    select x.name, x.version, x.direction, x.advance, x.steps from rule_set x
    where x.agency_id = $1 and x.name = q.name and (x.version = q.version or q.version = 0)
    order by x.version desc limit 1) r
order by q.i;

-- name: rule_set_list
-- in:   uuid agency_id, text after_name, int4 after_version, int4 limit_rows
-- out:  text name, int4 version, int2 direction, int2 advance, text steps, text reason, uuid made_by, int8 made_us, uuid approved_by, int8 approved_us
-- why:  in the order of name and version.
select name, version, direction, advance, steps, reason, made_by, made_us, approved_by, approved_us
from rule_set where agency_id = $1 and (name, version) > ($2, $3) order by name, version limit $4;

-- name: rule_set_account
-- in:   uuid agency_id, uuid account_id, int8 now_us
-- out:  bool known, date today_on
-- why:  is there such an account, and which day is it at the agency?
select exists (select from account_state s where s.agency_id = $1 and s.account_id = $2) as known,
       agency_date($3, g.time_zone) as today_on
from agency g where g.agency_id = $1;
