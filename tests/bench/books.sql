-- SPDX-License-Identifier: Apache-2.0
-- The people of the bench's books, before their month begins; accounts and receipts come by the product's own hands
-- (books.c). All keys, triggers, seals and policies are in force. Ids are those of data.sql.
--   psql -v collectors=2000 -v from_us=… -f books.sql          (as the superuser, into a migrated database)
\set ON_ERROR_STOP 1
set synchronous_commit = off;

create function pg_temp.id(kind text, n bigint) returns uuid language sql immutable
as $$ select (kind || '000000000070008000' || (100000000000 + n)::text)::uuid $$;
create temp table x as select pg_temp.id('01', 0) as agency, :from_us::bigint - 86400000000 as us;

begin;
insert into agency (agency_id, name, created_us) select agency, 'Bench', us from x;
insert into team (agency_id, team_id, name, created_us)
select agency, pg_temp.id('02', t), 'Team ' || t, us from x, generate_series(0, 19) t;
create temp table person as
select pg_temp.id('03', c) as user_id, 'collector-' || c as login, 1 as roles, pg_temp.id('02', c % 20) as team_id
from generate_series(0::bigint, :collectors - 1) c
union all
select pg_temp.id('03', 10000000 + s), 'supervisor-' || s, 4, pg_temp.id('02', 0) from generate_series(0, 1) s;
insert into staff (agency_id, user_id, login, name, created_us) select agency, user_id, login, login, us from x, person;
insert into staff_state (agency_id, user_id, roles, team_id, team_since)
select agency, user_id, roles, team_id, (to_timestamp(us / 1000000) at time zone 'Asia/Jakarta')::date from x, person;
insert into staff_event (agency_id, user_id, version, at_us, kind, roles, team_id)
select agency, user_id, 1, us, 'MADE', roles, team_id from x, person;
insert into device_state (agency_id, device_id, user_id, state, last_contact_us)
select agency, pg_temp.id('04', c), pg_temp.id('03', c), 2, us from x, generate_series(0, :collectors - 1) c;
insert into device_event (agency_id, device_id, version, at_us, kind)
select agency, pg_temp.id('04', c), 1, us, 'CONFIRMED' from x, generate_series(0, :collectors - 1) c;
commit;
