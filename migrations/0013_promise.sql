-- Promises and plans (R-PTP-1..3): what became of the promises of 0005, and the plans whose instalments they may be.

create table promise_withdrawal (
    agency_id uuid not null,
    promise_id uuid not null,
    posting_id uuid not null,
    at_us bigint not null,
    actor_id uuid not null,
    reason text not null,
    primary key (agency_id, promise_id)
);
call make_fact('promise_withdrawal');

-- Where a promise stands (R-PTP-2), changed under its account's lock. No row: an instalment whose plan is not approved.
-- state: enum promise_state. by_id: the payment that reached it or the promise that superseded it. version: events.
create table promise_state (
    agency_id uuid not null,
    promise_id uuid not null,
    account_id uuid not null,
    plan_id uuid,
    due_on date not null,
    closes_us bigint not null,
    refused smallint not null,           -- not 0: open for contact, no extension of a hold (R-PTP-1)
    state smallint not null,
    received_minor bigint not null,
    by_id uuid,
    version integer not null,
    primary key (agency_id, promise_id)
) with (fillfactor = 70);
create index promise_state_account on promise_state (agency_id, account_id);
create index promise_state_due on promise_state (agency_id, due_on, promise_id);
create index promise_state_open on promise_state (agency_id, closes_us) where state = 1;
create index promise_state_reminder on promise_state (agency_id, due_on) where state = 1;
call make_state('promise_state');

-- Each change of state, with what brought it: the posting whose facts came in, or the clock's (posting kind 60).
create table promise_event (
    agency_id uuid not null,
    promise_id uuid not null,
    n integer not null,
    posting_id uuid not null,
    account_id uuid not null,
    at_us bigint not null,
    state_before smallint not null,      -- 0: it was made
    state_after smallint not null,
    received_minor bigint not null,
    by_id uuid,
    primary key (agency_id, promise_id, n)
);
call make_fact('promise_event');

-- One reminder a promise and slot: 1 on the day before it is due, 0 on the day.
create table promise_reminder (
    agency_id uuid not null,
    promise_id uuid not null,
    slot smallint not null check (slot in (0, 1)),
    posting_id uuid not null,
    account_id uuid not null,
    at_us bigint not null,
    primary key (agency_id, promise_id, slot)
);
call make_fact('promise_reminder');

-- A repayment plan as it was proposed (R-PTP-3); its instalments are promises. payment_id: what was paid on the spot, in
-- the same transaction. starts_us: 00:00 of its first day.
create table plan (
    agency_id uuid not null,
    plan_id uuid not null,
    posting_id uuid not null,
    account_id uuid not null,
    currency char(3) not null,
    total_minor bigint not null check (total_minor > 0),
    instalments integer not null,
    starts_on date not null,
    starts_us bigint not null,
    payment_id uuid,
    made_us bigint not null,
    actor_id uuid not null,
    note text not null default '',
    primary key (agency_id, plan_id)
);
create index plan_account on plan (agency_id, account_id);
call make_fact('plan');

-- state: enum plan_state (server/domain/repayment.h). An ACTIVE one extends a hold (R-LIF-3).
create table plan_state (
    agency_id uuid not null,
    plan_id uuid not null,
    account_id uuid not null,
    state smallint not null,
    expires_us bigint not null,          -- PROPOSED: until then it may be decided
    starts_us bigint not null,           -- APPROVED: from then on it is in force
    version integer not null,
    primary key (agency_id, plan_id)
) with (fillfactor = 70);
create index plan_state_account on plan_state (agency_id, account_id);
create index plan_state_waiting on plan_state (agency_id) where state in (1, 2);
call make_state('plan_state');

create table plan_event (
    agency_id uuid not null,
    plan_id uuid not null,
    n integer not null,
    posting_id uuid not null,
    account_id uuid not null,
    at_us bigint not null,
    step smallint not null,              -- enum plan_step; 0: proposed
    state_before smallint not null,
    state_after smallint not null,
    actor_id uuid,
    reason text not null default '',
    primary key (agency_id, plan_id, n)
);
call make_fact('plan_event');

-- 00:00 of a civil day in a zone (R-TIM-1).
create function agency_midnight(on_day date, zone text) returns bigint language sql stable parallel safe
as $$ select (extract(epoch from (on_day::timestamp at time zone zone)) * 1000000)::bigint $$;

-- For the minute's work: which agencies have promises that time alone has changed, plans whose first day has come, or
-- reminders to write today. It tells no more than their ids.
create function promise_due_agencies(now_us bigint) returns setof uuid language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
    select a.agency_id from agency a
    where exists (select from promise_state s where s.agency_id = a.agency_id and s.state = 1 and s.closes_us <= now_us)
       or exists (select from plan_state l where l.agency_id = a.agency_id and l.state in (1, 2)
                    and case l.state when 1 then l.expires_us else l.starts_us end <= now_us)
       or exists (select from promise_state s
                  where s.agency_id = a.agency_id and s.state = 1
                    and s.due_on between agency_date(now_us, a.time_zone) and agency_date(now_us, a.time_zone) + 1
                    and not exists (select from promise_reminder r
                                    where r.agency_id = a.agency_id and r.promise_id = s.promise_id
                                      and r.slot = s.due_on - agency_date(now_us, a.time_zone)))
$$;
revoke execute on function promise_due_agencies(bigint) from public;
grant execute on function promise_due_agencies(bigint) to tagih_app;
