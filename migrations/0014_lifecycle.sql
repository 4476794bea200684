-- Holds, takeovers, closings (R-LIF-1..5).

-- at_us of an event is when it took effect: a hold that nobody marked in time still ends at its own midnight (R-LIF-3).
-- recorded_us is when the server wrote it down. Dates are 00:00 agency time; hold_until_* before and after, null where
-- there is no hold. object_id: the fact that an event speaks of (a payment that came after a takeover). posting_id:
-- whose digest covers it; null where no posting was made.
alter table account_event add recorded_us bigint not null default (extract(epoch from clock_timestamp()) * 1000000)::bigint;
alter table account_event add hold_from_on date;
alter table account_event add hold_until_before date;
alter table account_event add hold_until_after date;
alter table account_event add promise_days smallint not null default 0;
alter table account_event add object_id uuid;
alter table account_event add posting_id uuid;
create index account_event_posting on account_event (agency_id, posting_id) where posting_id is not null;
create index account_event_taken on account_event (agency_id, recorded_us, account_id) where kind = 'TAKEN_OVER';

-- hold_promise_days: by which promises have extended the present hold; hold_warnings: how many warnings of its end the
-- holder has had (R-LIF-3, R-LIF-5). Dates of a hold stay when it is over: the status says whether it runs.
alter table account_state add hold_promise_days smallint not null default 0;
alter table account_state add hold_warnings smallint not null default 0;
create index account_state_hold on account_state (agency_id, hold_until_on, account_id) where status = 3;

-- For the command line, which works for all agencies when it is told none. It tells no more than their ids.
create function agency_ids() returns setof uuid language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$ select a.agency_id from agency a order by 1 $$;
revoke all on function agency_ids() from public;
grant execute on function agency_ids() to tagih_app;
