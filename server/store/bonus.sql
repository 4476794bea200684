-- Bonus: a collector's month, and the lines of a payment with their whole context (R-BON-4).

-- name: bonus_summary
-- in:   uuid agency_id, uuid collector_id, date month_on, int8 now_us
-- out:  text currency, date month_on, int8 mtd_minor, int8 bonus_minor, int8 target_minor, int8 n_lines, int8 n_on_hold
-- why:  without a month: the present one in the agency's zone. No row: nobody has that id. A line waits until its
--       payment is reversed.
select g.currency::text as currency, q.month_on, m.mtd_minor, m.bonus_minor, t.target_minor, l.n_lines, l.n_on_hold
from agency g
join staff_state s on s.agency_id = $1 and s.user_id = $2
cross join lateral (
    select coalesce($3, date_trunc('month', agency_date($4, g.time_zone))::date) as month_on) q
left join collector_month m on m.agency_id = $1 and m.collector_id = $2 and m.month_on = q.month_on and m.currency = g.currency
left join lateral (
    select x.amount_minor as target_minor from bonus_target x
    where x.agency_id = $1 and x.collector_id = $2 and x.month_on = q.month_on and x.currency = g.currency
      and x.approved_by is not null
    order by x.version desc limit 1) t on true
cross join lateral (
    select count(*) as n_lines, count(*) filter (where b.on_hold and not exists (
        select from payment_reversal r where r.agency_id = $1 and r.payment_id = b.payment_id)) as n_on_hold
    from bonus_line b
    where b.agency_id = $1 and b.collector_id = $2 and b.month_on = q.month_on and b.currency = g.currency) l
where g.agency_id = $1;

-- name: bonus_payment
-- in:   uuid agency_id, uuid payment_id
-- out:  uuid payment_id
-- why:  whether there is such a payment, with lines or without.
select payment_id from payment where agency_id = $1 and payment_id = $2;

-- name: bonus_lines
-- in:   uuid agency_id, uuid payment_id
-- out:  uuid payment_id, int2 line_no, uuid line_id, int2 kind, uuid collector_id, uuid team_id, date month_on, text currency, uuid account_id, date value_on, text scheme, int4 scheme_version, int8 base_minor, int8 amount_minor, int2 bucket, int4 bucket_factor, int4 tier_factor, int4 target_factor, int4 tag_factor, int2 tag, int8 mtd_minor, int8 target_minor, int4 target_version, bool capped, bytea allocation_digest, bytea prev_hash, bytea hash
select payment_id, line_no, line_id, kind, collector_id, team_id, month_on, currency::text as currency, account_id, value_on, scheme,
       scheme_version, base_minor, amount_minor, bucket, bucket_factor, tier_factor, target_factor, tag_factor, tag,
       mtd_minor, target_minor, target_version, capped, allocation_digest, prev_hash, hash
from bonus_line where agency_id = $1 and payment_id = $2 order by line_no;

-- name: bonus_taken
-- in:   uuid agency_id, uuid payment_id
-- out:  uuid line_id, uuid taken_line_id, int8 amount_minor, int8 base_minor
-- why:  what the lines of a payment that take back name (R-BON-5).
select t.line_id, t.taken_line_id, t.amount_minor, t.base_minor
from bonus_line b join bonus_taken t on t.agency_id = $1 and t.line_id = b.line_id
where b.agency_id = $1 and b.payment_id = $2 order by t.line_id, t.taken_line_id;

-- name: bonus_payment_parts
-- in:   uuid agency_id, uuid payment_id
-- out:  uuid collector_id, uuid line_id, uuid payment_id, int8 base_minor, int2 bucket, int2 tag, int8 written_minor, int8 final_minor
-- why:  a payment's parts of TRUE_UP lines: one for each collector whose lines it has.
select p.collector_id, p.line_id, p.payment_id, p.base_minor, p.bucket, p.tag, p.written_minor, p.final_minor
from (select distinct b.collector_id, b.month_on, b.currency from bonus_line b
      where b.agency_id = $1 and b.payment_id = $2) o
join bonus_part p on p.agency_id = $1 and p.collector_id = o.collector_id and p.month_on = o.month_on
    and p.currency = o.currency and p.payment_id = $2
order by p.collector_id, p.line_id;

-- name: bonus_true_ups
-- in:   uuid agency_id, uuid collector_id, date month_on
-- out:  uuid payment_id, int2 line_no, uuid line_id, int2 kind, uuid collector_id, uuid team_id, date month_on, text currency, uuid account_id, date value_on, text scheme, int4 scheme_version, int8 base_minor, int8 amount_minor, int2 bucket, int4 bucket_factor, int4 tier_factor, int4 target_factor, int4 tag_factor, int2 tag, int8 mtd_minor, int8 target_minor, int4 target_version, bool capped, bytea allocation_digest, bytea prev_hash, bytea hash
-- why:  a month's TRUE_UP lines of a collector, one a currency; the same columns as bonus_lines.
select payment_id, line_no, line_id, kind, collector_id, team_id, month_on, currency::text as currency, account_id, value_on, scheme,
       scheme_version, base_minor, amount_minor, bucket, bucket_factor, tier_factor, target_factor, tag_factor, tag,
       mtd_minor, target_minor, target_version, capped, allocation_digest, prev_hash, hash
from bonus_line where agency_id = $1 and collector_id = $2 and month_on = $3 and kind = 5 order by currency;

-- name: bonus_parts
-- in:   uuid agency_id, uuid collector_id, date month_on
-- out:  uuid collector_id, uuid line_id, uuid payment_id, int8 base_minor, int2 bucket, int2 tag, int8 written_minor, int8 final_minor
-- why:  all parts of a month's TRUE_UP lines, in the order of their digest.
select collector_id, line_id, payment_id, base_minor, bucket, tag, written_minor, final_minor
from bonus_part where agency_id = $1 and collector_id = $2 and month_on = $3 order by currency, payment_id;

-- name: bonus_shares
-- in:   uuid agency_id, uuid payment_id
-- out:  uuid collector_id, int4 share_bp, int8 base_minor
-- why:  how a payment's base was split (R-BON-8a), by collector; no row: it was not.
select collector_id, share_bp, base_minor from bonus_share where agency_id = $1 and payment_id = $2 order by collector_id;

-- name: bonus_states
-- in:   uuid agency_id, uuid[] line_id, uuid[] payment_id, uuid[] collector_id, date[] month_on, text[] currency
-- out:  int2 state, int2 unconfirmed, int8 n_unconfirmed, bool on_hold
-- why:  how far each line is (R-BON-6), in the order asked: enum bonus_state; what its money lacks (payment_unconfirmed), of a
--       TRUE_UP line the first such thing and of how many of its payments; whether it, or one of them, waits for a choice.
select case when d.run_no is not null then 4 when x.run_no is not null then 3 when m.month_on is not null then 2 else 1 end::int2 as state,
       f.unconfirmed, f.n_unconfirmed, f.on_hold
from unnest($2, $3, $4, $5, $6) with ordinality q (line_id, payment_id, collector_id, month_on, currency, i)
left join month_close m on m.agency_id = $1 and m.month_on = q.month_on
left join bonus_payout_line x on x.agency_id = $1 and x.line_id = q.line_id
left join bonus_payout_paid d on d.agency_id = $1 and d.run_no = x.run_no
cross join lateral (
    select coalesce(max(p.unconfirmed), 0)::int2 as unconfirmed, count(*) filter (where p.unconfirmed > 0) as n_unconfirmed,
           coalesce(bool_or(bonus_is_held($1, p.payment_id)), false) as on_hold
    from (select o.payment_id, coalesce(payment_unconfirmed($1, o.payment_id), 1) as unconfirmed
          from (select q.payment_id where q.payment_id is not null
                union all
                select b.payment_id from bonus_part b
                where q.payment_id is null and b.agency_id = $1 and b.collector_id = q.collector_id and b.month_on = q.month_on
                  and b.currency = q.currency::bpchar and b.line_id = q.line_id) o) p) f
order by q.i;
