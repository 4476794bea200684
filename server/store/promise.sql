-- Promises and plans: facts under postings, states under their account's lock (R-PTP-1..3).

-- name: promise_insert
-- in:   uuid agency_id, uuid[] promise_id, uuid[] posting_id, uuid[] account_id, uuid[] plan_id, int4[] instalment_no, uuid[] collector_id, uuid[] actor_id, uuid[] visit_id, int8[] amount_minor, text[] currency, date[] due_on, int8[] closes_us, int2[] promiser, text[] promiser_name, int2[] channel, int4[] lat_e7, int4[] lon_e7, text[] note, int8[] value_us, int8[] received_us, int8[] flags, int2[] refused
-- out:  none
insert into promise (agency_id, promise_id, posting_id, account_id, plan_id, instalment_no, collector_id, actor_id,
    visit_id, amount_minor, currency, due_on, closes_us, promiser, promiser_name, channel, lat_e7, lon_e7, note, value_us,
    received_us, flags, refused)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23) u;

-- name: promise_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid promise_id, uuid posting_id, uuid account_id, uuid plan_id, int4 instalment_no, uuid collector_id, uuid actor_id, uuid visit_id, int8 amount_minor, text currency, date due_on, int8 closes_us, int2 promiser, text promiser_name, int2 channel, int4 lat_e7, int4 lon_e7, text note, int8 value_us, int8 received_us, int8 flags, int2 refused
select p.promise_id, p.posting_id, p.account_id, p.plan_id, p.instalment_no, p.collector_id, p.actor_id, p.visit_id,
       p.amount_minor, p.currency::text as currency, p.due_on, p.closes_us, p.promiser, p.promiser_name, p.channel,
       p.lat_e7, p.lon_e7, p.note, p.value_us, p.received_us, p.flags, p.refused
from promise p where p.agency_id = $1 and p.posting_id = any($2)
order by p.posting_id, p.instalment_no, p.promise_id;

-- name: promise_withdrawal_insert
-- in:   uuid agency_id, uuid[] promise_id, uuid[] posting_id, int8[] at_us, uuid[] actor_id, text[] reason
-- out:  none
insert into promise_withdrawal (agency_id, promise_id, posting_id, at_us, actor_id, reason)
select $1, u.* from unnest($2, $3, $4, $5, $6) u;

-- name: promise_withdrawal_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid promise_id, uuid posting_id, int8 at_us, uuid actor_id, text reason
select promise_id, posting_id, at_us, actor_id, reason
from promise_withdrawal where agency_id = $1 and posting_id = any($2) order by posting_id, promise_id;

-- name: promise_event_insert
-- in:   uuid agency_id, uuid[] promise_id, int4[] n, uuid[] posting_id, uuid[] account_id, int8[] at_us, int2[] state_before, int2[] state_after, int8[] received_minor, uuid[] by_id
-- out:  none
insert into promise_event (agency_id, promise_id, n, posting_id, account_id, at_us, state_before, state_after,
    received_minor, by_id)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) u;

-- name: promise_event_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid promise_id, int4 n, uuid posting_id, uuid account_id, int8 at_us, int2 state_before, int2 state_after, int8 received_minor, uuid by_id
select promise_id, n, posting_id, account_id, at_us, state_before, state_after, received_minor, by_id
from promise_event where agency_id = $1 and posting_id = any($2) order by posting_id, promise_id, n;

-- name: promise_reminder_insert
-- in:   uuid agency_id, uuid[] promise_id, int2[] slot, uuid[] posting_id, uuid[] account_id, int8[] at_us
-- out:  none
insert into promise_reminder (agency_id, promise_id, slot, posting_id, account_id, at_us)
select $1, u.* from unnest($2, $3, $4, $5, $6) u;

-- name: promise_reminder_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid promise_id, int2 slot, uuid posting_id, uuid account_id, int8 at_us
select promise_id, slot, posting_id, account_id, at_us
from promise_reminder where agency_id = $1 and posting_id = any($2) order by posting_id, promise_id, slot;

-- name: plan_insert
-- in:   uuid agency_id, uuid[] plan_id, uuid[] posting_id, uuid[] account_id, text[] currency, int8[] total_minor, int4[] instalments, date[] starts_on, int8[] starts_us, uuid[] payment_id, int8[] made_us, uuid[] actor_id, text[] note
-- out:  none
insert into plan (agency_id, plan_id, posting_id, account_id, currency, total_minor, instalments, starts_on, starts_us,
    payment_id, made_us, actor_id, note)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) u;

-- name: plan_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid plan_id, uuid posting_id, uuid account_id, text currency, int8 total_minor, int4 instalments, date starts_on, int8 starts_us, uuid payment_id, int8 made_us, uuid actor_id, text note
select plan_id, posting_id, account_id, currency::text as currency, total_minor, instalments, starts_on, starts_us,
       payment_id, made_us, actor_id, note
from plan where agency_id = $1 and posting_id = any($2) order by posting_id, plan_id;

-- name: plan_event_insert
-- in:   uuid agency_id, uuid[] plan_id, int4[] n, uuid[] posting_id, uuid[] account_id, int8[] at_us, int2[] step, int2[] state_before, int2[] state_after, uuid[] actor_id, text[] reason
-- out:  none
insert into plan_event (agency_id, plan_id, n, posting_id, account_id, at_us, step, state_before, state_after, actor_id,
    reason)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) u;

-- name: plan_event_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid plan_id, int4 n, uuid posting_id, uuid account_id, int8 at_us, int2 step, int2 state_before, int2 state_after, uuid actor_id, text reason
select plan_id, n, posting_id, account_id, at_us, step, state_before, state_after, actor_id, reason
from plan_event where agency_id = $1 and posting_id = any($2) order by posting_id, plan_id, n;

-- name: promise_load
-- in:   uuid agency_id, uuid[] account_id, uuid[] payment_id
-- out:  uuid account_id, uuid promise_id, int8 amount_minor, date due_on, int8 value_us, int8 closes_us, int2 refused, uuid plan_id, int8 withdrawn_us, int2 state, int8 received_minor, uuid by_id, int4 version, int4 reminded, int2 plan_state, int4 plan_version, int8 expires_us, int8 starts_us, uuid plan_actor
-- why:  all promises of the accounts named, and of those whose payments are to be reversed; for most accounts none, found
--       out by one look at an index. reminded: bit 1 << slot.
select p.account_id, p.promise_id, p.amount_minor, p.due_on, p.value_us, p.closes_us, p.refused, p.plan_id,
       w.at_us as withdrawn_us, s.state, s.received_minor, s.by_id, s.version,
       (select coalesce(sum(1 << r.slot), 0)::int4 from promise_reminder r
        where r.agency_id = $1 and r.promise_id = p.promise_id) as reminded,
       l.state as plan_state, l.version as plan_version, l.expires_us, l.starts_us,
       (select x.actor_id from plan x where x.agency_id = $1 and x.plan_id = p.plan_id) as plan_actor
from promise p
left join promise_withdrawal w on w.agency_id = $1 and w.promise_id = p.promise_id
left join promise_state s on s.agency_id = $1 and s.promise_id = p.promise_id
left join plan_state l on l.agency_id = $1 and l.plan_id = p.plan_id
where p.agency_id = $1 and p.account_id = any(array(
    select a from unnest($2) a union all
    select y.account_id from unnest($3) q (id) join payment y on y.agency_id = $1 and y.payment_id = q.id))
order by p.account_id, p.promise_id;

-- name: promise_payments
-- in:   uuid agency_id, uuid[] account_id, int8[] after_us
-- out:  int4 row, uuid payment_id, int8 amount_minor, date value_on, int8 value_us, int2 tag, bool reversed
-- why:  what may fill promises: everything valued after the account's first one. row counts the input from 0.
select (q.i - 1)::int4 as row, p.payment_id, p.amount_minor, p.value_on, p.value_us,
       payment_tag_now($1, p.payment_id, p.tag) as tag,
       exists (select from payment_reversal r where r.agency_id = $1 and r.payment_id = p.payment_id) as reversed
from unnest($2, $3) with ordinality q (account_id, after_us, i)
cross join lateral (
    select x.payment_id, x.amount_minor, x.value_on, x.value_us, x.tag from payment x
    where x.agency_id = $1 and x.account_id = q.account_id and x.value_us > q.after_us offset 0) p
order by q.i;

-- name: promise_midnights
-- in:   uuid agency_id, date[] on_day
-- out:  int8 at_us
-- why:  where each civil day begins in the agency's zone (R-TIM-1).
select agency_midnight(q.on_day, a.time_zone) as at_us
from agency a, unnest($2) with ordinality q (on_day, i)
where a.agency_id = $1
order by q.i;

-- name: promise_state_save
-- in:   uuid agency_id, uuid[] promise_id, uuid[] account_id, uuid[] plan_id, date[] due_on, int8[] closes_us, int2[] refused, int2[] state, int8[] received_minor, uuid[] by_id, int4[] version
-- out:  none
insert into promise_state (agency_id, promise_id, account_id, plan_id, due_on, closes_us, refused, state, received_minor,
    by_id, version)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) u
on conflict (agency_id, promise_id) do update
set state = excluded.state, received_minor = excluded.received_minor, by_id = excluded.by_id, version = excluded.version;

-- name: plan_state_save
-- in:   uuid agency_id, uuid[] plan_id, uuid[] account_id, int2[] state, int8[] expires_us, int8[] starts_us, int4[] version
-- out:  none
insert into plan_state (agency_id, plan_id, account_id, state, expires_us, starts_us, version)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7) u
on conflict (agency_id, plan_id) do update set state = excluded.state, version = excluded.version;

-- name: promise_due_agencies
-- in:   int8 now_us, int4 limit_rows
-- out:  uuid agency_id
-- why:  without agency: where time alone changes something; promise_due then looks in each.
select a as agency_id from promise_due_agencies($1) a order by a limit $2;

-- name: promise_local_time
-- in:   uuid agency_id, int8 now_us
-- out:  date today_on, int4 minute_of_day
-- why:  the agency's own clock: reminders keep to hours of contact.
select agency_date($2, a.time_zone) as today_on,
       (($2 - agency_midnight(agency_date($2, a.time_zone), a.time_zone)) / 60000000)::int4 as minute_of_day
from agency a where a.agency_id = $1;

-- name: promise_due
-- in:   uuid agency_id, int8 now_us, date today_on, bool remind, int4 limit_rows
-- out:  uuid account_id
-- why:  accounts with open promises that are over, plans whose first day has come, and, when it is the hour, reminders
--       that are not written yet. Not locked here: the book locks and looks again.
select q.account_id
from (select s.account_id from promise_state s where s.agency_id = $1 and s.state = 1 and s.closes_us <= $2
      union
      select l.account_id from plan_state l
      where l.agency_id = $1 and l.state in (1, 2) and case l.state when 1 then l.expires_us else l.starts_us end <= $2
      union
      select s.account_id from promise_state s
      where $4 and s.agency_id = $1 and s.state = 1 and s.due_on between $3 and $3 + 1
        and not exists (select from promise_reminder r
                        where r.agency_id = $1 and r.promise_id = s.promise_id and r.slot = s.due_on - $3)) q
order by q.account_id limit $5;

-- name: promise_get
-- in:   uuid agency_id, uuid promise_id
-- out:  uuid promise_id, uuid account_id, uuid plan_id, int4 instalment_no, uuid collector_id, uuid actor_id, uuid visit_id, int8 amount_minor, text currency, date due_on, int2 promiser, text promiser_name, int2 channel, int4 lat_e7, int4 lon_e7, text note, int8 value_us, int2 refused, int2 state, int8 received_minor, uuid by_id, int4 version, uuid assigned_id
-- why:  one, with who works its account now.
select p.promise_id, p.account_id, p.plan_id, p.instalment_no, p.collector_id, p.actor_id, p.visit_id, p.amount_minor,
       p.currency::text as currency, p.due_on, p.promiser, p.promiser_name, p.channel, p.lat_e7, p.lon_e7, p.note,
       p.value_us, p.refused, s.state, s.received_minor, s.by_id, s.version, c.collector_id as assigned_id
from promise p
join account_state c on c.agency_id = $1 and c.account_id = p.account_id
left join promise_state s on s.agency_id = $1 and s.promise_id = p.promise_id
where p.agency_id = $1 and p.promise_id = $2;

-- name: promise_list_account
-- in:   uuid agency_id, uuid account_id, date after_on, uuid after_id, int2 state, int4 limit_rows
-- out:  uuid promise_id, uuid account_id, uuid plan_id, int4 instalment_no, uuid collector_id, uuid actor_id, uuid visit_id, int8 amount_minor, text currency, date due_on, int2 promiser, text promiser_name, int2 channel, int4 lat_e7, int4 lon_e7, text note, int8 value_us, int2 refused, int2 state, int8 received_minor, uuid by_id, int4 version, uuid assigned_id
-- why:  an account's, in the order in which money fills them; state 0: whatever it is.
select p.promise_id, p.account_id, p.plan_id, p.instalment_no, p.collector_id, p.actor_id, p.visit_id, p.amount_minor,
       p.currency::text as currency, p.due_on, p.promiser, p.promiser_name, p.channel, p.lat_e7, p.lon_e7, p.note,
       p.value_us, p.refused, s.state, s.received_minor, s.by_id, s.version, c.collector_id as assigned_id
from (select x.promise_id, x.state, x.received_minor, x.by_id, x.version from promise_state x
      where x.agency_id = $1 and x.account_id = $2 and (x.due_on, x.promise_id) > ($3, $4) and ($5 = 0 or x.state = $5)
      order by x.due_on, x.promise_id limit $6) s
join promise p on p.agency_id = $1 and p.promise_id = s.promise_id
join account_state c on c.agency_id = $1 and c.account_id = p.account_id
order by p.due_on, p.promise_id;

-- name: promise_list_due
-- in:   uuid agency_id, date after_on, uuid after_id, int2 state, date due_until_on, int4 limit_rows
-- out:  uuid promise_id, uuid account_id, uuid plan_id, int4 instalment_no, uuid collector_id, uuid actor_id, uuid visit_id, int8 amount_minor, text currency, date due_on, int2 promiser, text promiser_name, int2 channel, int4 lat_e7, int4 lon_e7, text note, int8 value_us, int2 refused, int2 state, int8 received_minor, uuid by_id, int4 version, uuid assigned_id
-- why:  the agency's, by due date; state 0: whatever it is.
select p.promise_id, p.account_id, p.plan_id, p.instalment_no, p.collector_id, p.actor_id, p.visit_id, p.amount_minor,
       p.currency::text as currency, p.due_on, p.promiser, p.promiser_name, p.channel, p.lat_e7, p.lon_e7, p.note,
       p.value_us, p.refused, s.state, s.received_minor, s.by_id, s.version, c.collector_id as assigned_id
from (select x.promise_id, x.state, x.received_minor, x.by_id, x.version from promise_state x
      where x.agency_id = $1 and (x.due_on, x.promise_id) > ($2, $3) and x.due_on <= $5 and ($4 = 0 or x.state = $4)
      order by x.due_on, x.promise_id limit $6) s
join promise p on p.agency_id = $1 and p.promise_id = s.promise_id
join account_state c on c.agency_id = $1 and c.account_id = p.account_id
order by p.due_on, p.promise_id;

-- name: promise_events
-- in:   uuid agency_id, uuid promise_id
-- out:  int4 n, uuid posting_id, int8 at_us, int2 state_before, int2 state_after, int8 received_minor, uuid by_id
select n, posting_id, at_us, state_before, state_after, received_minor, by_id
from promise_event where agency_id = $1 and promise_id = $2 order by n;

-- name: promise_account
-- in:   uuid agency_id, uuid account_id
-- out:  uuid collector_id
-- why:  who works an account; no row: there is no such account here.
select collector_id from account_state where agency_id = $1 and account_id = $2;

-- name: plan_get
-- in:   uuid agency_id, uuid plan_id
-- out:  uuid plan_id, uuid account_id, text currency, int8 total_minor, date starts_on, uuid payment_id, int8 made_us, uuid actor_id, text note, int2 state, int4 version, uuid assigned_id
select p.plan_id, p.account_id, p.currency::text as currency, p.total_minor, p.starts_on, p.payment_id, p.made_us,
       p.actor_id, p.note, s.state, s.version, c.collector_id as assigned_id
from plan p
join plan_state s on s.agency_id = $1 and s.plan_id = p.plan_id
join account_state c on c.agency_id = $1 and c.account_id = p.account_id
where p.agency_id = $1 and p.plan_id = $2;

-- name: plan_list
-- in:   uuid agency_id, uuid account_id
-- out:  uuid plan_id, uuid account_id, text currency, int8 total_minor, date starts_on, uuid payment_id, int8 made_us, uuid actor_id, text note, int2 state, int4 version, uuid assigned_id
-- why:  an account's plans, the newest first; they are few.
select p.plan_id, p.account_id, p.currency::text as currency, p.total_minor, p.starts_on, p.payment_id, p.made_us,
       p.actor_id, p.note, s.state, s.version, c.collector_id as assigned_id
from plan p
join plan_state s on s.agency_id = $1 and s.plan_id = p.plan_id
join account_state c on c.agency_id = $1 and c.account_id = p.account_id
where p.agency_id = $1 and p.account_id = $2
order by p.made_us desc, p.plan_id limit 50;

-- name: plan_instalments
-- in:   uuid agency_id, uuid[] plan_id
-- out:  int4 row, int4 instalment_no, uuid promise_id, date due_on, int8 amount_minor, int2 state, int8 received_minor
-- why:  row counts the input from 0; no state: the plan is not approved.
select (q.i - 1)::int4 as row, p.instalment_no, p.promise_id, p.due_on, p.amount_minor, s.state, s.received_minor
from unnest($2) with ordinality q (plan_id, i)
join promise p on p.agency_id = $1 and p.plan_id = q.plan_id
left join promise_state s on s.agency_id = $1 and s.promise_id = p.promise_id
order by q.i, p.instalment_no;

-- name: plan_events
-- in:   uuid agency_id, uuid plan_id
-- out:  int4 n, int8 at_us, int2 step, int2 state_before, int2 state_after, uuid actor_id, text reason
select n, at_us, step, state_before, state_after, actor_id, reason
from plan_event where agency_id = $1 and plan_id = $2 order by n;
