-- What goes to the creditors (R-LED-1b, J30).

-- name: remittance_insert
-- in:   uuid agency_id, uuid[] remittance_id, uuid[] posting_id, text[] creditor, int8[] amount_minor, text[] currency, text[] reference, int8[] value_us, int8[] at_us, uuid[] made_by, uuid[] decided_by
-- out:  none
insert into remittance (agency_id, remittance_id, posting_id, creditor, amount_minor, currency, reference, value_us, at_us, made_by,
    decided_by)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) u;

-- name: remittance_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid remittance_id, uuid posting_id, text creditor, int8 amount_minor, text currency, text reference, int8 value_us, int8 at_us, uuid made_by, uuid decided_by
-- why:  as remittance_insert wrote them; one a posting.
select r.remittance_id, r.posting_id, r.creditor, r.amount_minor, r.currency::text as currency, r.reference, r.value_us, r.at_us,
       r.made_by, r.decided_by
from remittance r where r.agency_id = $1 and r.posting_id = any($2)
order by r.posting_id;

-- name: remittance_lock
-- in:   uuid agency_id
-- out:  bool locked
-- why:  remittances of an agency go one after the other, first of all locks: each looks at what the ones before left.
select pg_advisory_xact_lock(hashtextextended($1::text || ' remittance', 0)) is null as locked;

-- name: remittance_used
-- in:   uuid agency_id, text creditor, text reference
-- out:  bool used
select exists (select from remittance r where r.agency_id = $1 and r.creditor = $2
                 and bank_reference(r.reference) = bank_reference($3)) as used;

-- name: remittance_owed
-- in:   uuid agency_id
-- out:  text currency, int8 owed_minor
-- why:  creditor control less what is open: payments write to neither of its own lines nor need to be summed.
select c.currency, (c.control_minor - coalesce(o.open_minor, 0))::int8 as owed_minor
from (select l.currency::text as currency, -sum(l.amount_minor) as control_minor
      from ledger_line l where l.agency_id = $1 and l.ledger_account = 16 group by l.currency) c
left join (select a.currency::text as currency, sum(s.fees_minor + s.penalty_minor + s.interest_minor + s.principal_minor) as open_minor
           from account_state s join account a on a.agency_id = $1 and a.account_id = s.account_id
           where s.agency_id = $1 group by a.currency) o on o.currency = c.currency
order by c.currency;

-- name: remittance_list
-- in:   uuid agency_id, text creditor, int8 before_us, uuid before_id, int4 limit_rows
-- out:  uuid remittance_id, text creditor, int8 amount_minor, text currency, text reference, int8 value_us, int8 at_us, uuid made_by, uuid decided_by
select r.remittance_id, r.creditor, r.amount_minor, r.currency::text as currency, r.reference, r.value_us, r.at_us, r.made_by,
       r.decided_by
from remittance r
where r.agency_id = $1 and ($2 = '' or r.creditor = $2) and (r.at_us, r.remittance_id) < ($3, $4)
order by r.at_us desc, r.remittance_id desc limit $5;
