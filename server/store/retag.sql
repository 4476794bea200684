-- Payments that get another tag (R-TAG-1).

-- name: retag_load
-- in:   uuid agency_id, uuid payment_id
-- out:  int4 retags, bool closed
-- why:  how often before, and whether the month of its value date is closed.
select (select max(x.n) from payment_retag x where x.agency_id = $1 and x.payment_id = p.payment_id) as retags,
       exists (select from month_close m where m.agency_id = $1 and m.month_on = date_trunc('month', p.value_on)::date) as closed
from payment p where p.agency_id = $1 and p.payment_id = $2;

-- name: payment_retag_insert
-- in:   uuid agency_id, uuid payment_id, int4 n, uuid posting_id, int2 tag_before, int2 tag, int8 at_us, uuid made_by, uuid decided_by, text reason
-- out:  none
insert into payment_retag (agency_id, payment_id, n, posting_id, tag_before, tag, at_us, made_by, decided_by, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: payment_retag_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid payment_id, int4 n, uuid posting_id, int2 tag_before, int2 tag, int8 at_us, uuid made_by, uuid decided_by, text reason
select payment_id, n, posting_id, tag_before, tag, at_us, made_by, decided_by, reason
from payment_retag where agency_id = $1 and posting_id = any($2) order by posting_id, payment_id, n;
