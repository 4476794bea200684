-- Who may do what: staff, phones, their keys and sessions (design: Trust; R-JRN-1).
create table staff (
    agency_id uuid not null references agency,
    user_id uuid not null,
    login text not null,
    name text not null,
    created_us bigint not null,
    primary key (agency_id, user_id)
);
create unique index staff_login on staff (lower(login));
call make_state('staff');

-- state: 1 ACTIVE, 2 SUSPENDED. roles: bits of enum role (server/domain/role.h).
create table staff_state (
    agency_id uuid not null,
    user_id uuid not null,
    state smallint not null default 1,
    roles integer not null,
    team_id uuid,
    team_since date,
    password_hash text,
    version integer not null default 1,
    primary key (agency_id, user_id),
    foreign key (agency_id, user_id) references staff
) with (fillfactor = 80);
call make_state('staff_state');

create table staff_event (
    agency_id uuid not null,
    user_id uuid not null,
    version integer not null,
    at_us bigint not null,
    kind text not null,
    actor_id uuid,
    roles integer not null,
    team_id uuid,
    reason text not null default '',
    primary key (agency_id, user_id, version)
);
call make_fact('staff_event');

-- state: 1 PENDING (code used, not confirmed), 2 ACTIVE, 3 SUSPENDED, 4 REVOKED.
create table device_state (
    agency_id uuid not null,
    device_id uuid not null,
    user_id uuid not null,
    state smallint not null,
    epoch integer not null default 1,
    revoked_us bigint,
    last_contact_us bigint not null default 0,   -- server time of the last contact it proved (R-TIM-3)
    last_contact_mono_us bigint not null default 0,
    last_contact_boot bytea not null default '',
    last_seen_us bigint not null default 0,      -- the newest time it proved its key, whether it synced or not
    version integer not null default 1,
    primary key (agency_id, device_id),
    foreign key (agency_id, user_id) references staff
) with (fillfactor = 70);
create index device_state_user on device_state (agency_id, user_id);
call make_state('device_state');

create table device_event (
    agency_id uuid not null,
    device_id uuid not null,
    version integer not null,
    at_us bigint not null,
    kind text not null,
    actor_id uuid,
    reason text not null default '',
    primary key (agency_id, device_id, version)
);
call make_fact('device_event');

-- One key an epoch; a key is never seen twice, in any agency (R-JRN-1).
create table device_key (
    agency_id uuid not null,
    device_id uuid not null,
    epoch integer not null,
    user_id uuid not null,
    public_key bytea not null check (length(public_key) = 32),
    valid_from_us bigint not null,
    certificate bytea not null,
    certificate_hash bytea not null,
    primary key (agency_id, device_id, epoch),
    unique (public_key)
);
call make_fact('device_key');

create table device_pending (
    agency_id uuid not null,
    device_id uuid not null,
    user_id uuid not null,
    public_key bytea not null unique check (length(public_key) = 32),
    model text not null default '',
    asked_us bigint not null,
    decided_us bigint,
    primary key (agency_id, device_id)
);
call make_state('device_pending');

create table enrol_code (
    agency_id uuid not null references agency,
    code_hash bytea primary key,
    user_id uuid not null,
    made_by uuid,
    made_us bigint not null,
    expires_us bigint not null,
    used_us bigint,
    device_id uuid           -- what it was used for
);
call make_state('enrol_code');

create table session (
    agency_id uuid not null references agency,
    token_hash bytea primary key,
    family_id uuid not null,
    user_id uuid not null,
    issued_us bigint not null,
    expires_us bigint not null,
    replaced_us bigint,      -- when a successor was given
    successor_hash bytea,
    revoked_us bigint
);
create index session_family on session (family_id);
call make_state('session');

-- Failed tries of anything that is guessed at: logins, enrolment codes (key: a hash of what was tried, or of whom).
create table guess_limit (
    key_hash bytea primary key,
    window_us bigint not null,
    failures integer not null
);
create index guess_limit_window on guess_limit (window_us);
grant select, insert, update, delete on guess_limit to tagih_app;
grant select on guess_limit to tagih_read;

-- A request id belongs to (agency, caller, method) for 30 days; a repeat gets the first response (AIP-155).
create table request_key (
    agency_id uuid not null references agency,
    caller_id uuid not null,
    method text not null,
    request_id uuid not null,
    digest bytea not null,
    response bytea not null,
    at_us bigint not null,
    primary key (agency_id, caller_id, method, request_id)
);
call make_fact('request_key');

-- Calls without a token learn their agency here, and nothing else: each function answers for exactly one value that
-- only its owner should know. They run as the owner, past row-level security.
create function staff_by_login(wanted text)
returns table (agency_id uuid, user_id uuid, state smallint, password_hash text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$ select s.agency_id, s.user_id, t.state, t.password_hash
      from staff s join staff_state t on t.agency_id = s.agency_id and t.user_id = s.user_id
      where lower(s.login) = lower(wanted) $$;

create function session_by_hash(wanted bytea) returns table (agency_id uuid, family_id uuid)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$ select s.agency_id, s.family_id from session s where s.token_hash = wanted $$;

create function enrol_code_by_hash(wanted bytea) returns table (agency_id uuid)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$ select c.agency_id from enrol_code c where c.code_hash = wanted $$;

create function device_by_id(wanted uuid) returns table (agency_id uuid)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$ select d.agency_id from device_state d where d.device_id = wanted $$;

-- Was this key ever handed in, by whomever (R-JRN-1)?
create function device_key_seen(wanted bytea) returns boolean
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$ select exists (select from device_key k where k.public_key = wanted)
          or exists (select from device_pending p where p.public_key = wanted) $$;

create unique index device_state_device on device_state (device_id);

do $$
declare f text;
begin
    foreach f in array array['staff_by_login(text)', 'session_by_hash(bytea)', 'enrol_code_by_hash(bytea)',
                             'device_by_id(uuid)', 'device_key_seen(bytea)'] loop
        execute format('revoke all on function %s from public', f);
        execute format('grant execute on function %s to tagih_app', f);
    end loop;
end $$;
