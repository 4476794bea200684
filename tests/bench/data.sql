-- SPDX-License-Identifier: Apache-2.0
-- The bench's portfolio, set by set, rows as the product writes them; all keys, triggers and policies stay in force.
--   psql -v accounts=100000 -v collectors=2000 -f data.sql          (as the superuser, into a migrated database)
--
-- Every id says what it is: KK000000-0000-7000-8000-1nnnnnnnnnnn, KK the kind (1 agency, 2 team, 3 collector,
-- 4 device, 5 customer, 6 account, 7 visit), n a number from 0. The load generator and the reference scripts make the
-- same ids. Collector c has phone c and the visits 20 c … 20 c + 19, all in one tower block, so that no speed between
-- two of them is odd; visits are spread evenly over the accounts.
\set ON_ERROR_STOP 1
\set visits_each 20
set synchronous_commit = off;

create function pg_temp.id(kind text, n bigint) returns uuid language sql immutable
as $$ select (kind || '000000000070008000' || (100000000000 + n)::text)::uuid $$;
create function pg_temp.now_us() returns bigint language sql stable
as $$ select (extract(epoch from transaction_timestamp()) * 1000000)::bigint $$;
create temp table x as
select pg_temp.id('01', 0) as agency, pg_temp.now_us() as us, date_trunc('month', d)::date as month, d as today,
       d - 1 as snapshot_on, pg_temp.now_us() - 86400000000 as snapshot_us
from (select (now() at time zone 'Asia/Jakarta')::date) t (d);

begin;
insert into agency (agency_id, name, created_us) select agency, 'Bench', us from x;
insert into team (agency_id, team_id, name, created_us)
select agency, pg_temp.id('02', t), 'Team ' || t, us from x, generate_series(0, 19) t;

insert into staff (agency_id, user_id, login, name, created_us)
select agency, pg_temp.id('03', c), 'collector-' || c, 'Collector ' || c, us
from x, generate_series(0, :collectors - 1) c;
insert into staff_state (agency_id, user_id, roles, team_id, team_since)
select agency, pg_temp.id('03', c), 1, pg_temp.id('02', c % 20), month from x, generate_series(0, :collectors - 1) c;
insert into staff_event (agency_id, user_id, version, at_us, kind, roles, team_id)
select agency, pg_temp.id('03', c), 1, us, 'MADE', 1, pg_temp.id('02', c % 20)
from x, generate_series(0, :collectors - 1) c;
insert into device_state (agency_id, device_id, user_id, state, last_contact_us)
select agency, pg_temp.id('04', c), pg_temp.id('03', c), 2, us from x, generate_series(0, :collectors - 1) c;
insert into device_event (agency_id, device_id, version, at_us, kind)
select agency, pg_temp.id('04', c), 1, us, 'CONFIRMED' from x, generate_series(0, :collectors - 1) c;
commit;

-- Three open instalments each, the oldest 1 to 90 days overdue; principal alone, so that every receipt of the bench has
-- the same number of ledger lines and the reference can write as many.
begin;
insert into customer (agency_id, customer_id, customer_no, created_us)
select agency, pg_temp.id('05', a), 'C' || lpad(a::text, 10, '0'), us from x, generate_series(0, :accounts - 1) a;
insert into account (agency_id, account_id, account_no, customer_id, product, currency, plate, created_us)
select agency, pg_temp.id('06', a), 'A' || lpad(a::text, 12, '0'), pg_temp.id('05', a), 'MOTORCYCLE', 'IDR',
       'B ' || (1000 + a % 9000) || ' XYZ', us
from x, generate_series(0, :accounts - 1) a;
insert into account_state (agency_id, account_id, status, no_schedule, fees_minor, penalty_minor, interest_minor,
    principal_minor, oldest_due_on, snapshot_on, snapshot_us, lat_e7, lon_e7, address_quality, district, phone)
select agency, pg_temp.id('06', a), 1, false, 0, 0, 0, 3 * 100000000,
       today - (1 + a % 90)::int, snapshot_on, snapshot_us, -62000000 + ((a * 7919) % 500000)::int,
       1068000000 + ((a * 104729) % 500000)::int, 1, 'Kebayoran', '+62811' || (1000000 + a)
from x, generate_series(0::bigint, :accounts - 1) a;
insert into snapshot (agency_id, account_id, as_of_on, file_hash, row_no, load_type, load_reason, fees_minor,
    penalty_minor, interest_minor, principal_minor, received_us)
select agency, pg_temp.id('06', a), snapshot_on, '', a + 1, 1, 'NEW', 0, 0, 0, 3 * 100000000, snapshot_us
from x, generate_series(0, :accounts - 1) a;
insert into instalment (agency_id, account_id, as_of_on, received_us, instalment_no, due_on, fees_minor, penalty_minor,
    interest_minor, principal_minor)
select agency, pg_temp.id('06', a), snapshot_on, snapshot_us, i, today - (1 + a % 90)::int + 30 * (i - 1), 0, 0, 0, 100000000
from x, generate_series(0, :accounts - 1) a, generate_series(1, 3) i;
insert into instalment_state (agency_id, account_id, instalment_no, due_on, fees_minor, penalty_minor, interest_minor,
    principal_minor)
select agency, account_id, instalment_no, due_on, fees_minor, penalty_minor, interest_minor, principal_minor
from x join instalment on agency_id = agency;
insert into change (agency_id, kind, account_id, object_id, at_us)
select agency, 1, pg_temp.id('06', a), pg_temp.id('06', a), us from x, generate_series(0, :accounts - 1) a;
commit;

begin;
create temp table planned as
select pg_temp.id('07', v) as visit_id, pg_temp.id('03', v / :visits_each) as collector_id,
       pg_temp.id('06', v * :accounts / (:collectors * :visits_each)) as account_id,
       -62000000 + (((v / :visits_each) * 7919) % 500000)::int as lat_e7,
       1068000000 + (((v / :visits_each) * 104729) % 500000)::int as lon_e7
from generate_series(0::bigint, :collectors * :visits_each - 1) v;
update account_state s set collector_id = p.collector_id, version = s.version + 1
from planned p, x where s.agency_id = x.agency and s.account_id = p.account_id;
insert into visit (agency_id, visit_id, account_id, purpose, planned_on, lat_e7, lon_e7, address_quality, radius_mm,
    policy, gate_verdict, created_us, created_by)
select agency, visit_id, account_id, 1, today, lat_e7, lon_e7, 1, 150000, 1, 'ALLOW', us, pg_temp.id('03', 0)
from x, planned;
insert into visit_state (agency_id, visit_id, account_id, purpose, collector_id, planned_on, lease_from_us,
    lease_until_us)
select agency, visit_id, account_id, 1, collector_id, today, us - 3600000000, us + 86400000000 from x, planned;
insert into visit_event (agency_id, visit_id, version, kind, at_us, collector_id, lease_from_us, lease_until_us)
select agency, visit_id, 1, 'PLANNED', us, collector_id, us - 3600000000, us + 86400000000 from x, planned;
insert into change (agency_id, kind, account_id, object_id, collector_id, at_us)
select agency, 10, account_id, visit_id, collector_id, us from x, planned;
commit;
