-- Payout runs (R-BON-6, R-BON-9): what a run would hold, what runs hold, what was paid, and who left owing.

-- name: payout_lock
-- in:   uuid agency_id
-- out:  bool locked
-- why:  one maker of a run at a time: a line is in one run.
select pg_advisory_xact_lock(hashtextextended('tagih payout ' || $1::text, 0)) is not null as locked;

-- name: payout_books
-- in:   uuid agency_id, date through_on
-- out:  int4 run_no, bool closed, text currency, int4 tax_bp, int4 deduct_max_bp
-- why:  the newest run, whether the month is closed, the agency's currency and rates.
select coalesce((select max(p.run_no) from bonus_payout p where p.agency_id = $1), 0) as run_no,
       exists (select from month_close c where c.agency_id = $1 and c.month_on = $2) as closed, g.currency::text as currency,
       g.bonus_tax_bp as tax_bp, g.bonus_deduct_bp as deduct_max_bp
from agency g where g.agency_id = $1;

-- name: payout_lines_insert
-- in:   uuid agency_id, date through_on, text currency, int4 run_no
-- out:  none
-- why:  the run takes its lines: LOCKED, payable, in no run yet (bonus_run_lines, migrations/0019_bonus_split.sql).
insert into bonus_payout_line (agency_id, run_no, line_id, collector_id, month_on, clawback, amount_minor)
select $1, $4, r.line_id, r.collector_id, r.month_on, r.clawback, r.amount_minor from bonus_run_lines($1, $2, $3::bpchar) r;

-- name: payout_months_done
-- in:   uuid agency_id, int4 run_no, text currency
-- out:  none
-- why:  collectors' months of which this run took the last line: no later run reads them again (R-BON-9a).
update collector_month m set paid_run = $2
from (select k.collector_id, k.month_on
      from (select distinct l.collector_id, l.month_on from bonus_payout_line l where l.agency_id = $1 and l.run_no = $2 offset 0) k
      cross join lateral (
          select count(*) as n
          from (select b.line_id from bonus_line b
                where b.agency_id = $1 and b.collector_id = k.collector_id and b.month_on = k.month_on and b.currency = $3::bpchar offset 0) b
          left join lateral (
              select x.line_id from bonus_payout_line x where x.agency_id = $1 and x.line_id = b.line_id offset 0) x on true
          where x.line_id is null offset 0) q
      where q.n = 0) d
where m.agency_id = $1 and m.collector_id = d.collector_id and m.month_on = d.month_on and m.currency = $3::bpchar;

-- name: payout_preview
-- in:   uuid agency_id, date through_on, text currency, int4 run_no
-- out:  uuid collector_id, date month_on, bool clawback, int8 amount_minor, int8 lines, bytea digest, int8 carried_in_minor
-- why:  what a run would hold: for each collector the sums of each month and of each month's clawbacks, with the digest over
--       their lines, and what his run before and his leaving carried over.
select l.collector_id, l.month_on, l.clawback, l.amount_minor, l.lines, l.digest,
       coalesce(s.carried_out_minor, 0) + coalesce(v.amount_minor, 0) as carried_in_minor
from (select r.collector_id, r.month_on, r.clawback, sum(r.amount_minor)::int8 as amount_minor, count(*) as lines,
             sha256(string_agg(uuid_send(r.line_id) || int8send(r.amount_minor), ''::bytea order by r.line_id)) as digest
      from bonus_run_lines($1, $2, $3::bpchar) r group by r.collector_id, r.month_on, r.clawback) l
left join lateral (
    select x.run_no, x.carried_out_minor from bonus_payout_share x
    where x.agency_id = $1 and x.collector_id = l.collector_id and x.currency = $3::bpchar and x.run_no < $4
    order by x.run_no desc limit 1) s on true
left join lateral (
    select sum(x.amount_minor)::int8 as amount_minor from bonus_leaving x
    where x.agency_id = $1 and x.collector_id = l.collector_id and x.currency = $3::bpchar
      and x.after_run >= coalesce(s.run_no, 0)) v on true
order by l.collector_id, l.month_on, l.clawback;

-- name: payout_groups
-- in:   uuid agency_id, int4 run_no, text currency
-- out:  uuid collector_id, date month_on, bool clawback, int8 amount_minor, int8 lines, bytea digest, int8 carried_in_minor
-- why:  what a run holds, in the columns of payout_preview; what somebody left owing after it is not of it.
select l.collector_id, l.month_on, l.clawback, l.amount_minor, l.lines, l.digest,
       coalesce(s.carried_out_minor, 0) + coalesce(v.amount_minor, 0) as carried_in_minor
from (select r.collector_id, r.month_on, r.clawback, sum(r.amount_minor)::int8 as amount_minor, count(*) as lines,
             sha256(string_agg(uuid_send(r.line_id) || int8send(r.amount_minor), ''::bytea order by r.line_id)) as digest
      from bonus_payout_line r where r.agency_id = $1 and r.run_no = $2 group by r.collector_id, r.month_on, r.clawback) l
left join lateral (
    select x.run_no, x.carried_out_minor from bonus_payout_share x
    where x.agency_id = $1 and x.collector_id = l.collector_id and x.currency = $3::bpchar and x.run_no < $2
    order by x.run_no desc limit 1) s on true
left join lateral (
    select sum(x.amount_minor)::int8 as amount_minor from bonus_leaving x
    where x.agency_id = $1 and x.collector_id = l.collector_id and x.currency = $3::bpchar
      and x.after_run >= coalesce(s.run_no, 0) and x.after_run < $2) v on true
order by l.collector_id, l.month_on, l.clawback;

-- name: bonus_payout_insert
-- in:   uuid agency_id, int4[] run_no, uuid[] posting_id, date[] through_on, text[] currency, int4[] tax_bp, int4[] deduct_max_bp, int4[] collectors, int8[] paid_minor, bytea[] digest, int8[] at_us, uuid[] made_by, uuid[] approved_by
-- out:  none
insert into bonus_payout (agency_id, run_no, posting_id, through_on, currency, tax_bp, deduct_max_bp, collectors, paid_minor,
    digest, at_us, made_by, approved_by)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) u;

-- name: bonus_payout_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  int4 run_no, uuid posting_id, date through_on, text currency, int4 tax_bp, int4 deduct_max_bp, int4 collectors, int8 paid_minor, bytea digest, int8 at_us, uuid made_by, uuid approved_by
select run_no, posting_id, through_on, currency::text as currency, tax_bp, deduct_max_bp, collectors, paid_minor, digest, at_us,
       made_by, approved_by
from bonus_payout where agency_id = $1 and posting_id = any($2) order by posting_id, run_no;

-- name: bonus_payout_share_insert
-- in:   uuid agency_id, uuid[] collector_id, text[] currency, int4[] run_no, uuid[] posting_id, int8[] lines, bytea[] lines_digest, int8[] carried_in_minor, int8[] earned_minor, int8[] owed_minor, int8[] deducted_minor, int8[] paid_minor, int8[] tax_minor, int8[] net_minor, int8[] carried_out_minor
-- out:  none
insert into bonus_payout_share (agency_id, collector_id, currency, run_no, posting_id, lines, lines_digest, carried_in_minor,
    earned_minor, owed_minor, deducted_minor, paid_minor, tax_minor, net_minor, carried_out_minor)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) u;

-- name: bonus_payout_share_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid collector_id, text currency, int4 run_no, uuid posting_id, int8 lines, bytea lines_digest, int8 carried_in_minor, int8 earned_minor, int8 owed_minor, int8 deducted_minor, int8 paid_minor, int8 tax_minor, int8 net_minor, int8 carried_out_minor
select collector_id, currency::text as currency, run_no, posting_id, lines, lines_digest, carried_in_minor, earned_minor, owed_minor,
       deducted_minor, paid_minor, tax_minor, net_minor, carried_out_minor
from bonus_payout_share where agency_id = $1 and posting_id = any($2) order by posting_id, collector_id, currency, run_no;

-- name: bonus_payout_paid_insert
-- in:   uuid agency_id, int4[] run_no, uuid[] posting_id, text[] bank_reference, int8[] at_us, uuid[] made_by, uuid[] approved_by
-- out:  none
insert into bonus_payout_paid (agency_id, run_no, posting_id, bank_reference, at_us, made_by, approved_by)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7) u;

-- name: bonus_payout_paid_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  int4 run_no, uuid posting_id, text bank_reference, int8 at_us, uuid made_by, uuid approved_by
select run_no, posting_id, bank_reference, at_us, made_by, approved_by
from bonus_payout_paid where agency_id = $1 and posting_id = any($2) order by posting_id, run_no;

-- name: payout_get
-- in:   uuid agency_id, int4 run_no
-- out:  uuid posting_id, date through_on, text currency, int4 tax_bp, int4 deduct_max_bp, int4 collectors, int8 paid_minor, bytea digest, int8 at_us, uuid made_by, uuid approved_by, int8 paid_us, text bank_reference
select p.posting_id, p.through_on, p.currency::text as currency, p.tax_bp, p.deduct_max_bp, p.collectors, p.paid_minor, p.digest,
       p.at_us, p.made_by, p.approved_by, d.at_us as paid_us, d.bank_reference
from bonus_payout p
left join bonus_payout_paid d on d.agency_id = $1 and d.run_no = p.run_no
where p.agency_id = $1 and p.run_no = $2;

-- name: payout_get_shares
-- in:   uuid agency_id, int4 run_no, uuid after_id, int4 limit_rows
-- out:  uuid collector_id, text login, int8 lines, bytea lines_digest, int8 carried_in_minor, int8 earned_minor, int8 owed_minor, int8 deducted_minor, int8 paid_minor, int8 tax_minor, int8 net_minor, int8 carried_out_minor
-- why:  a run's shares, by collector.
select x.collector_id, s.login, x.lines, x.lines_digest, x.carried_in_minor, x.earned_minor, x.owed_minor, x.deducted_minor, x.paid_minor, x.tax_minor,
       x.net_minor, x.carried_out_minor
from bonus_payout_share x
join staff s on s.agency_id = $1 and s.user_id = x.collector_id
where x.agency_id = $1 and x.run_no = $2 and x.collector_id > $3
order by x.collector_id limit $4;

-- name: payout_hindered
-- in:   uuid agency_id, int4 run_no
-- out:  int8 lines
-- why:  lines of a run whose money is no longer seen, or whose owner is no longer clear: they are not paid (R-BON-6).
select count(*) as lines
from (select distinct l.collector_id, l.month_on from bonus_payout_line l where l.agency_id = $1 and l.run_no = $2) k
join bonus_line b on b.agency_id = $1 and b.collector_id = k.collector_id and b.month_on = k.month_on
join bonus_payout_line x on x.agency_id = $1 and x.line_id = b.line_id and x.run_no = $2
where not bonus_is_payable($1, b.line_id, b.payment_id, b.collector_id, b.month_on, b.currency);

-- name: bonus_leaving_insert
-- in:   uuid agency_id, uuid[] posting_id, uuid[] collector_id, text[] currency, int8[] amount_minor, int4[] after_run, int8[] at_us, uuid[] made_by, uuid[] approved_by
-- out:  none
insert into bonus_leaving (agency_id, posting_id, collector_id, currency, amount_minor, after_run, at_us, made_by, approved_by)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9) u;

-- name: bonus_leaving_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid posting_id, uuid collector_id, text currency, int8 amount_minor, int4 after_run, int8 at_us, uuid made_by, uuid approved_by
select posting_id, collector_id, currency::text as currency, amount_minor, after_run, at_us, made_by, approved_by
from bonus_leaving where agency_id = $1 and posting_id = any($2) order by posting_id;
