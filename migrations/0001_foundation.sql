-- Roles, the installation, agencies, and the two kinds of table that everything else is made of: facts and states.
--
-- tagih_owner migrates and owns; tagih_app serves and owns nothing; tagih_read checks (select only, all agencies).
-- Roles are the whole cluster's, and no advisory lock reaches beyond its database: who makes one that another database
-- is making waits for that, and then finds it made.
do $$
declare
    wanted record;
begin
    for wanted in
        select w.name, w.may from (values
            ('tagih_owner', 'nologin'), ('tagih_app', 'login'), ('tagih_read', 'login bypassrls')) w (name, may)
        where not exists (select from pg_roles r where r.rolname = w.name)
    loop
        begin
            execute format('create role %I %s', wanted.name, wanted.may);
        exception when duplicate_object or unique_violation then
            null;
        end;
    end loop;
end $$;

revoke create on schema public from public;
grant usage on schema public to tagih_app, tagih_read;

-- The agency of the running transaction; null outside one, so that every policy answers "no rows".
create function current_agency() returns uuid language sql stable parallel safe
as $$ select nullif(current_setting('app.agency_id', true), '')::uuid $$;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are facts: they are never changed or removed', tg_table_name
        using errcode = 'restrict_violation';
end $$;

-- Row-level security on a table with agency_id. The sub-select makes it one evaluation a statement, not one a row.
create procedure protect_agency(t regclass) language plpgsql as $$
begin
    execute format('alter table %s enable row level security', t);
    execute format($p$create policy agency on %s to tagih_app
        using (agency_id = (select nullif(current_setting('app.agency_id', true), '')::uuid))
        with check (agency_id = (select nullif(current_setting('app.agency_id', true), '')::uuid))$p$, t);
    execute format('grant select on %s to tagih_read', t);
end $$;

-- Insert-only, by right and by trigger.
create procedure make_fact(t regclass) language plpgsql as $$
begin
    call protect_agency(t);
    execute format('grant select, insert on %s to tagih_app', t);
    execute format('create trigger fact before update or delete or truncate on %s
        for each statement execute function refuse_change()', t);
end $$;

-- A projection: changes under its owner's lock, can be rebuilt from facts, is never deleted from.
create procedure make_state(t regclass) language plpgsql as $$
begin
    call protect_agency(t);
    execute format('grant select, insert, update on %s to tagih_app', t);
end $$;

-- One row: which installation this is. Its id is the external_aad of everything signed (test data never passes in
-- production).
create table installation (
    only_one boolean primary key default true check (only_one),
    installation_id uuid not null default gen_random_uuid(),
    created_us bigint not null default (extract(epoch from clock_timestamp()) * 1000000)::bigint
);
insert into installation default values;
grant select on installation to tagih_app, tagih_read;

create table agency (
    agency_id uuid primary key,
    name text not null,
    time_zone text not null default 'Asia/Jakarta',
    currency char(3) not null default 'IDR',
    created_us bigint not null
);
call make_state('agency');

create table team (
    agency_id uuid not null references agency,
    team_id uuid not null,
    name text not null,
    created_us bigint not null,
    primary key (agency_id, team_id)
);
call make_state('team');

-- Civil dates come only from a named zone (R-TIM-1): the agency's.
create function agency_date(at_us bigint, zone text) returns date language sql stable parallel safe
as $$ select (to_timestamp(at_us / 1000000) at time zone zone)::date $$;

-- Fewer rows written than asked is a bug or a race: the transaction must not commit. Inside the statement, so that a
-- COMMIT sent along in the same round trip does not get ahead of the count.
create function expect_rows(written bigint, asked bigint) returns boolean language plpgsql as $$
begin
    if written <> asked then
        raise exception 'wrote % rows of %', written, asked using errcode = 'P0001';
    end if;
    return true;
end $$;
