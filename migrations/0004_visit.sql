-- Visits, check-ins, outcomes (R-VIS-*, R-CHK-*), and the feed of changes.

-- Every fact that somebody waits for leaves one row here in its own transaction. Readers take rows with
-- xid < pg_snapshot_xmin(pg_current_snapshot()), ordered by (xid, n): a plain sequence becomes visible out of order.
create table change (
    agency_id uuid not null,
    xid xid8 not null default pg_current_xact_id(),
    n bigint generated always as identity,
    kind smallint not null,          -- enum change_kind (server/domain/change.h)
    account_id uuid,
    object_id uuid not null,
    collector_id uuid,               -- whose phone sees it in Pull; null: the office alone
    at_us bigint not null,
    primary key (agency_id, xid, n)
);
create index change_account on change (agency_id, account_id, n);
create index change_collector on change (agency_id, collector_id, xid, n) where collector_id is not null;
call make_fact('change');

-- For the feed's own look-out: which agencies have changes from a transaction on. It tells no more than their ids.
create function feed_agencies(since xid8) returns setof uuid language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
    select a.agency_id from agency a
    where exists (select from change c where c.agency_id = a.agency_id and c.xid >= since)
$$;
revoke execute on function feed_agencies(xid8) from public;
grant execute on function feed_agencies(xid8) to tagih_app;

create table visit (
    agency_id uuid not null,
    visit_id uuid not null,
    account_id uuid not null,
    purpose smallint not null,
    planned_on date not null,
    lat_e7 integer not null,
    lon_e7 integer not null,
    address_quality smallint not null,
    radius_mm integer not null,
    policy smallint not null,            -- R-CHK-4: 0 NONE, 1 SOFT, 2 HARD
    gate_verdict text not null,          -- R-GAT-1: ALLOW or the denying rule
    spontaneous boolean not null default false,
    created_us bigint not null,
    created_by uuid not null,
    primary key (agency_id, visit_id),
    foreign key (agency_id, account_id) references account
);
create index visit_account on visit (agency_id, account_id);
call make_fact('visit');

-- state: enum visit_state (server/domain/visit.h). live: a lease that nobody else may get (R-VIS-3); kept apart from
-- state so that arriving does not touch an index.
create table visit_state (
    agency_id uuid not null,
    visit_id uuid not null,
    account_id uuid not null,
    purpose smallint not null,
    collector_id uuid not null,
    planned_on date not null,
    version integer not null default 1,
    state smallint not null default 0,
    live boolean not null default true,
    lease_from_us bigint not null,
    lease_until_us bigint not null,
    presence smallint,                   -- best verdict so far, enum presence_verdict
    outcome smallint,
    outcome_list smallint,
    outcome_us bigint,
    primary key (agency_id, visit_id)
) with (fillfactor = 70);
create unique index visit_state_one_lease on visit_state (agency_id, account_id, purpose) where live;
create index visit_state_overdue on visit_state (agency_id, lease_until_us) where live;
create index visit_state_collector on visit_state (agency_id, collector_id, planned_on, visit_id);
call make_state('visit_state');

-- For the minute's work: which agencies have leases that are over. It tells no more than their ids.
create function visit_overdue_agencies(now_us bigint) returns setof uuid language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
    select a.agency_id from agency a
    where exists (select from visit_state s where s.agency_id = a.agency_id and s.live and s.lease_until_us <= now_us)
$$;
revoke execute on function visit_overdue_agencies(bigint) from public;
grant execute on function visit_overdue_agencies(bigint) to tagih_app;

-- Who held which lease, when: work under a revoked lease is judged by these rows (R-VIS-3).
create table visit_event (
    agency_id uuid not null,
    visit_id uuid not null,
    version integer not null,
    kind text not null,                  -- PLANNED, REASSIGNED, CANCELLED, EXPIRED
    at_us bigint not null,
    actor_id uuid,
    collector_id uuid not null,
    lease_from_us bigint not null,
    lease_until_us bigint not null,
    reason text not null default '',
    primary key (agency_id, visit_id, version, kind)
);
call make_fact('visit_event');

-- A check-in is itself the event that a collector arrived. All its 1–30 fixes, of which the deciding one stands here, lie
-- in check_in_fix (0024_partition.sql).
create table check_in (
    agency_id uuid not null,
    check_in_id uuid not null,           -- the entry's id, made by the phone
    visit_id uuid not null,
    account_id uuid not null,
    collector_id uuid not null,
    device_id uuid,
    received_us bigint not null,
    device_us bigint not null,
    value_us bigint not null,
    mono_us bigint not null,
    boot_id bytea not null,
    has_fix boolean not null,
    lat_e7 integer not null,
    lon_e7 integer not null,
    accuracy_mm bigint not null,
    fix_us bigint not null,
    mock boolean not null,
    distance_mm bigint not null,
    sigma_mm bigint not null,
    p_ppm integer not null,
    radius_mm integer not null,
    verdict smallint not null,
    reasons integer not null,
    score smallint not null,
    score_class smallint not null,
    weight_set smallint not null,
    signals bytea not null,              -- the score's lines, canonical (server/domain/check_in.h)
    flags bigint not null,
    digest bytea not null,               -- of what was sent, fixes included: the same id with other content is refused
    primary key (agency_id, check_in_id)
);
create index check_in_collector on check_in (agency_id, collector_id, value_us, check_in_id);
call make_fact('check_in');

-- A later arrival between two check-ins changes what the second one shows (R-CHK-3): the score again, with its cause.
create table check_in_assessment (
    agency_id uuid not null,
    check_in_id uuid not null,
    n integer not null,
    at_us bigint not null,
    score smallint not null,
    score_class smallint not null,
    weight_set smallint not null,
    signals bytea not null,
    cause_id uuid not null,
    primary key (agency_id, check_in_id, n)
);
call make_fact('check_in_assessment');

create table visit_outcome (
    agency_id uuid not null,
    outcome_id uuid not null,            -- entry id or request id
    visit_id uuid not null,
    account_id uuid not null,
    collector_id uuid not null,
    code smallint not null,
    list_version smallint not null,
    next_action smallint,
    note bytea not null default '',
    value_us bigint not null,
    received_us bigint not null,
    flags bigint not null,
    primary key (agency_id, outcome_id)
);
create index visit_outcome_visit on visit_outcome (agency_id, visit_id);
call make_fact('visit_outcome');
