-- Projections beside the money, worked out from their facts for `tagihd verify` (server/verify/verify.h): visits, phones,
-- people, running totals of journals, silences.

-- name: verify_diff_visits
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  a visit is what was planned, under the lease that its newest event says, and as far as check-ins and outcomes
--       brought it (R-VIS-1, R-VIS-3). Of work flagged LEASE (8) or BAD_OUTCOME (256) only the visit itself tells
--       whether it moved it; of all other work the flags do.
with checks as (
    select c.visit_id, bool_or(c.flags & 8 = 0) as arrived, bool_and(c.flags & 8 = 0) as all_arrived,
           max(case c.verdict when 1 then 3 when 3 then 2 when 2 then 1 else 0 end) as rank
    from check_in c where c.agency_id = $1 group by c.visit_id),
outcomes as (
    select o.visit_id, max(concat_ws(' ', o.code, o.list_version, o.value_us)) filter (where o.flags & 264 = 0) as ended,
           array_agg(concat_ws(' ', o.code, o.list_version, o.value_us)) as all_of_them
    from visit_outcome o where o.agency_id = $1 group by o.visit_id),
planned as (
    select distinct on (e.visit_id) e.visit_id, e.lease_until_us from visit_event e
    where e.agency_id = $1 order by e.visit_id, e.version, e.kind),
newest as (
    select distinct on (e.visit_id) e.visit_id, e.version, e.kind, e.collector_id, e.lease_from_us from visit_event e
    where e.agency_id = $1 order by e.visit_id, e.version desc, e.kind desc),
worked_out as (
    select coalesce(s.visit_id, v.visit_id) as visit_id, s.state as stored_state, s.live as stored_live, s.presence as stored_presence,
           concat_ws(' ', s.outcome, s.outcome_list, s.outcome_us) as stored_outcome,
           concat_ws(', ', s.account_id, s.purpose, s.planned_on) as stored_plan,
           concat_ws(', ', s.collector_id, s.version, s.lease_from_us, s.lease_until_us) as stored_lease,
           concat_ws(', ', v.account_id, v.purpose, v.planned_on) as plan,
           concat_ws(', ', n.collector_id, n.version, n.lease_from_us, p.lease_until_us) as lease, n.kind,
           case when o.ended is not null then o.ended
                when s.state = 3 and concat_ws(' ', s.outcome, s.outcome_list, s.outcome_us) = any(o.all_of_them)
                then concat_ws(' ', s.outcome, s.outcome_list, s.outcome_us) else '' end as outcome,
           case when c.arrived and (c.all_arrived or s.state <> 0) then 2 else 0 end as state_by_check_ins,
           case c.rank when 3 then 1 when 2 then 3 when 1 then 2 when 0 then 0 end as presence
    from (select x.visit_id, x.account_id, x.purpose, x.collector_id, x.planned_on, x.version, x.state, x.live, x.lease_from_us,
                 x.lease_until_us, x.presence, x.outcome, x.outcome_list, x.outcome_us
          from visit_state x where x.agency_id = $1) s
    full join (select x.visit_id, x.account_id, x.purpose, x.planned_on from visit x where x.agency_id = $1) v on v.visit_id = s.visit_id
    left join planned p on p.visit_id = v.visit_id
    left join newest n on n.visit_id = v.visit_id
    left join checks c on c.visit_id = v.visit_id
    left join outcomes o on o.visit_id = v.visit_id)
select 'visit_state'::text as table_name, w.visit_id::text as key, d.column_name, d.stored, d.expected
from worked_out w
cross join lateral (
    select case when w.outcome <> '' then 3 when w.kind = 'CANCELLED' then 4 when w.kind = 'EXPIRED' then 5
                else w.state_by_check_ins end as state) x
cross join lateral (values
    ('account, purpose, planned_on', w.stored_plan, w.plan),
    ('collector, version, lease', w.stored_lease, w.lease),
    ('state', coalesce(w.stored_state::text, ''), x.state::text),
    ('live', coalesce(w.stored_live::text, ''), (x.state < 3 and w.kind in ('PLANNED', 'REASSIGNED'))::text),
    ('presence', coalesce(w.stored_presence::text, '-'), coalesce(w.presence::text, '-')),
    ('outcome', w.stored_outcome, w.outcome)) d (column_name, stored, expected)
where d.stored is distinct from d.expected
order by 2, 3;

-- name: verify_diff_phones
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  what a phone may do is what its newest event says, under the newest key that it was given (R-JRN-1, R-JRN-7).
select 'device_state'::text as table_name, coalesce(s.device_id, e.device_id)::text as key, v.column_name, v.stored, v.expected
from (select x.device_id, x.user_id, x.state, x.epoch, x.revoked_us, x.version from device_state x where x.agency_id = $1) s
full join (
    select y.device_id, max(y.version) as version, max(y.at_us) filter (where y.kind in ('REFUSED', 'REVOKED')) as revoked_us,
           (array_agg(y.kind order by y.version desc) filter (where y.kind <> 'ROTATED'))[1] as kind
    from device_event y where y.agency_id = $1 group by y.device_id) e on e.device_id = s.device_id
left join lateral (
    select k.epoch, k.user_id from device_key k where k.agency_id = $1 and k.device_id = s.device_id
    order by k.epoch desc limit 1) k on true
left join device_pending p on p.agency_id = $1 and p.device_id = s.device_id
cross join lateral (values
    ('user_id', coalesce(s.user_id::text, ''), coalesce(k.user_id, p.user_id)::text),
    ('state', coalesce(s.state::text, ''), case e.kind when 'ENROLLED' then '1' when 'CONFIRMED' then '2' when 'SUSPENDED' then '3' else '4' end),
    ('epoch', coalesce(s.epoch::text, ''), coalesce(k.epoch, 1)::text),
    ('revoked_us', coalesce(s.revoked_us::text, ''), coalesce(e.revoked_us::text, '')),
    ('version', coalesce(s.version::text, ''), coalesce(e.version::text, 'no event'))) v (column_name, stored, expected)
where v.stored is distinct from v.expected
order by 2, 3;

-- name: verify_diff_people
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  what somebody may do, and in which team, is what his newest event says.
select 'staff_state'::text as table_name, coalesce(s.user_id, e.user_id)::text as key, v.column_name, v.stored, v.expected
from (select x.user_id, x.state, x.roles, x.team_id, x.team_since, x.version from staff_state x where x.agency_id = $1) s
full join (
    select y.user_id, max(y.version) as version, (array_agg(y.roles order by y.version desc))[1] as roles,
           (array_agg(y.team_id order by y.version desc))[1] as team_id, min(y.at_us) as added_us,
           coalesce((array_agg(y.kind order by y.version desc) filter (where y.kind <> 'PASSWORD'))[1], '') as kind
    from staff_event y where y.agency_id = $1 group by y.user_id) e on e.user_id = s.user_id
join agency g on g.agency_id = $1
cross join lateral (values
    ('state', coalesce(s.state::text, ''), case e.kind when 'SUSPENDED' then '2' else '1' end),
    ('roles', coalesce(s.roles::text, ''), coalesce(e.roles::text, 'no event')),
    ('team_id', coalesce(s.team_id::text, ''), coalesce(e.team_id::text, '')),
    ('team_since', coalesce(s.team_since::text, ''), case when e.team_id is null then '' else agency_date(e.added_us, g.time_zone)::text end),
    ('version', coalesce(s.version::text, ''), coalesce(e.version::text, 'no event'))) v (column_name, stored, expected)
where v.stored is distinct from v.expected
order by 2, 3;

-- name: verify_totals
-- in:   uuid agency_id, uuid after_device, int4 after_epoch, text after_currency, int4 limit_rows
-- out:  uuid device_id, int4 epoch, text currency, int8 seq, int8 cum_count, int8 cum_total_minor, bytea body
-- why:  where a phone's running totals stand, with the entry that said so (R-REC-3).
select t.device_id, t.epoch, t.currency, t.seq, t.cum_count, t.cum_total_minor, b.body
from (select x.device_id, x.epoch, x.currency::text as currency, x.seq, x.cum_count, x.cum_total_minor from device_total x
      where x.agency_id = $1 and (x.device_id, x.epoch, x.currency::text) > ($2, $3, $4)
      order by x.device_id, x.epoch, x.currency::text limit $5) t
left join lateral (
    select z.body from journal_key k
    cross join lateral (
        select y.body from journal_body y
        where y.agency_id = $1 and y.entry_hash = k.entry_hash and y.received_us = k.received_us offset 0) z
    where k.agency_id = $1 and k.device_id = t.device_id and k.epoch = t.epoch and k.seq = t.seq and k.owns_seq offset 0) b on true
order by t.device_id, t.epoch, t.currency;

-- name: verify_diff_totals
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  a total stands at the newest money of its currency that came in order (R-REC-3). In a chain that had gaps that
--       depends on how it arrived: there it stands within the part without gaps, or (-1) nowhere.
with money as (
    select k.device_id, k.epoch, k.seq, coalesce(r.currency, v.currency)::text as currency
    from journal_key k
    left join receipt r on r.agency_id = $1 and k.kind = 1 and r.entry_id = k.entry_id and k.owns_id
    left join receipt_void v on v.agency_id = $1 and k.kind = 2 and v.entry_id = k.entry_id and k.owns_id
    where k.agency_id = $1 and k.kind in (1, 2) and k.owns_seq),
chains as (
    select k.device_id, k.epoch, bool_or(k.flags & 131076 <> 0) as had_gaps from journal_key k
    where k.agency_id = $1 and k.owns_seq group by k.device_id, k.epoch),
newest as (
    select m.device_id, m.epoch, m.currency, max(m.seq) as seq from money m
    where m.currency is not null group by m.device_id, m.epoch, m.currency),
full_up as (
    select t.device_id, t.epoch from device_total t where t.agency_id = $1 group by t.device_id, t.epoch having count(*) >= 8)
select 'device_total'::text as table_name,
       coalesce(t.device_id, n.device_id) || ' epoch ' || coalesce(t.epoch, n.epoch) || ' ' || coalesce(t.currency, n.currency) as key,
       'seq'::text as column_name, coalesce(t.seq::text, 'no row') as stored, coalesce(n.seq::text, 'no money of this currency') as expected
from (select x.device_id, x.epoch, x.currency::text as currency, x.seq from device_total x where x.agency_id = $1) t
full join newest n on n.device_id = t.device_id and n.epoch = t.epoch and n.currency = t.currency
join chains c on c.device_id = coalesce(t.device_id, n.device_id) and c.epoch = coalesce(t.epoch, n.epoch)
left join device_epoch e on e.agency_id = $1 and e.device_id = c.device_id and e.epoch = c.epoch
where case
          when t.device_id is null then not exists (
              select from full_up f where f.device_id = c.device_id and f.epoch = c.epoch)
          when n.device_id is null and not exists (
              select from money m where m.device_id = t.device_id and m.epoch = t.epoch and m.currency is null) then true
          when c.had_gaps then t.seq > coalesce(e.contiguous_seq, 0)
          when t.seq = n.seq then false
          else t.seq < n.seq or not exists ( -- money without a row: a void that waits, an id that is another entry's
              select from money m where m.device_id = t.device_id and m.epoch = t.epoch and m.seq = t.seq and m.currency is null)
      end
union all
select 'device_total', t.device_id || ' epoch ' || t.epoch || ' ' || t.currency, '', 'a row', 'none: nothing came of this phone and epoch'
from device_total t
where t.agency_id = $1 and not exists (
    select from journal_key k where k.agency_id = $1 and k.device_id = t.device_id and k.epoch = t.epoch and k.owns_seq)
order by 2;

-- name: verify_silence_days
-- in:   uuid agency_id
-- out:  date day_on
-- why:  the days on which money came; how long it is quiet after each is the pack's to say (R-PAY-2).
select distinct agency_date(o.at_us, g.time_zone) as day_on
from posting o join agency g on g.agency_id = $1
where o.agency_id = $1 and o.kind in (1, 3, 30) order by 1;

-- name: verify_silences
-- in:   uuid agency_id, date[] day_on, date[] until_on
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  it is quiet until the day that the newest money for the account asks for: of payments, of receipts in
--       quarantine and of suspense for an account that was named. What came out of suspense or quarantine came before.
with came as (
    select p.account_id, max(o.at_us) as at_us
    from posting o join payment p on p.agency_id = $1 and p.payment_id = o.trigger_id
    where o.agency_id = $1 and o.kind = 1 and not exists (
        select from ledger_line l where l.agency_id = $1 and l.posting_id = o.posting_id and l.ledger_account in (18, 19) and l.amount_minor > 0)
    group by p.account_id
    union all
    select r.account_id, max(o.at_us)
    from posting o join receipt r on r.agency_id = $1 and r.entry_id = o.posting_id
    join account a on a.agency_id = $1 and a.account_id = r.account_id
    where o.agency_id = $1 and o.kind = 3 group by r.account_id
    union all
    select x.account_id, max(o.at_us)
    from posting o join suspense x on x.agency_id = $1 and x.posting_id = o.posting_id
    join account a on a.agency_id = $1 and a.account_id = x.account_id
    where o.agency_id = $1 and o.kind = 30 group by x.account_id),
days as (
    select u.day_on, u.until_on from unnest($2, $3) u (day_on, until_on)),
due as (
    select c.account_id, max(d.until_on) as until_on
    from came c join agency g on g.agency_id = $1
    join days d on d.day_on = agency_date(c.at_us, g.time_zone) group by c.account_id)
select 'account_silence_state'::text as table_name, coalesce(s.account_id, d.account_id)::text as key, 'until_on'::text as column_name,
       coalesce(s.until_on::text, 'no row') as stored, coalesce(d.until_on::text, 'none: no money came') as expected
from (select x.account_id, x.until_on from account_silence_state x where x.agency_id = $1) s
full join due d on d.account_id = s.account_id
where s.until_on is distinct from d.until_on
  and not exists ( -- a receipt under another entry's id has no row that names its account
      select from posting o join agency g on g.agency_id = $1
      join days y on y.day_on = agency_date(o.at_us, g.time_zone) and y.until_on = s.until_on
      where o.agency_id = $1 and o.kind = 3 and s.until_on > coalesce(d.until_on, '-infinity')
        and not exists (select from receipt r where r.agency_id = $1 and r.entry_id = o.posting_id))
order by 2;

-- name: verify_check_ins
-- in:   uuid agency_id, uuid[] check_in_id
-- out:  int4 row, uuid visit_id, uuid collector_id, uuid device_id, int8 received_us, int8 device_us, int8 value_us, int8 mono_us, bytea boot_id, bytea digest
select (q.i - 1)::int4 as row, c.visit_id, c.collector_id, c.device_id, c.received_us, c.device_us, c.value_us, c.mono_us,
       c.boot_id, c.digest
from unnest($2) with ordinality q (check_in_id, i)
join check_in c on c.agency_id = $1 and c.check_in_id = q.check_in_id
order by q.i;

-- name: verify_outcomes
-- in:   uuid agency_id, uuid[] outcome_id
-- out:  int4 row, uuid visit_id, uuid collector_id, int2 code, int2 list_version, int2 next_action, bytea note, int8 value_us, int8 received_us
select (q.i - 1)::int4 as row, o.visit_id, o.collector_id, o.code, o.list_version, o.next_action, o.note, o.value_us, o.received_us
from unnest($2) with ordinality q (outcome_id, i)
join visit_outcome o on o.agency_id = $1 and o.outcome_id = q.outcome_id
order by q.i;
