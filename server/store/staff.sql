-- People who may call (design: Trust).

-- name: staff_by_login
-- in:   text login
-- out:  uuid agency_id, uuid user_id, int2 state, text password_hash
-- why:  without agency: a login has no token yet.
select agency_id, user_id, state, password_hash from staff_by_login($1);

-- name: staff_who
-- in:   uuid agency_id, uuid[] user_id
-- out:  text name
select s.name from unnest($2) with ordinality q (user_id, i)
left join staff s on s.agency_id = $1 and s.user_id = q.user_id order by q.i;

-- name: agency_insert
-- in:   uuid agency_id, text name, text time_zone, int8 at_us
-- out:  none
insert into agency (agency_id, name, time_zone, created_us) values ($1, $2, $3, $4);

-- name: time_zone_known
-- in:   text name
-- out:  bool known
select exists (select from pg_timezone_names where name = $1) as known;

-- name: team_find
-- in:   uuid agency_id, text name
-- out:  uuid team_id
select team_id from team where agency_id = $1 and name = $2;

-- name: team_insert
-- in:   uuid agency_id, uuid team_id, text name, int8 at_us
-- out:  none
insert into team (agency_id, team_id, name, created_us) values ($1, $2, $3, $4);

-- name: staff_insert
-- in:   uuid agency_id, uuid user_id, text login, text name, int4 roles, uuid team_id, text password_hash, int8 at_us
-- out:  none
with person as (
    insert into staff (agency_id, user_id, login, name, created_us) values ($1, $2, $3, $4, $8)),
state as (
    insert into staff_state (agency_id, user_id, roles, team_id, team_since, password_hash)
    select $1, $2, $5, $6, case when $6 is not null then agency_date($8, a.time_zone) end, $7
    from agency a where a.agency_id = $1)
insert into staff_event (agency_id, user_id, version, at_us, kind, roles, team_id) values ($1, $2, 1, $8, 'ADDED', $5, $6);

-- name: staff_list
-- in:   uuid agency_id
-- out:  text login, text name, int2 state, int4 roles, text team_name
select s.login, s.name, t.state, t.roles, coalesce(m.name, '') as team_name
from staff s
join staff_state t on t.agency_id = s.agency_id and t.user_id = s.user_id
left join team m on m.agency_id = t.agency_id and m.team_id = t.team_id
where s.agency_id = $1
order by s.login;

-- name: staff_suspend
-- in:   uuid agency_id, uuid user_id, int8 at_us
-- out:  bool all_written
-- why:  with his sessions; his phones are refused because he is.
with changed as (
    update staff_state set state = 2, version = version + 1 where agency_id = $1 and user_id = $2
    returning version, roles, team_id),
ended as (
    update session set revoked_us = $3 where agency_id = $1 and user_id = $2 and revoked_us is null),
told as (
    insert into staff_event (agency_id, user_id, version, at_us, kind, roles, team_id)
    select $1, $2, c.version, $3, 'SUSPENDED', c.roles, c.team_id from changed c returning 1)
select expect_rows((select count(*) from told), 1) as all_written;

-- name: staff_password
-- in:   uuid agency_id, uuid user_id, text password_hash, int8 at_us
-- out:  bool all_written
-- why:  a new password ends the sessions that the old one began.
with changed as (
    update staff_state set password_hash = $3, version = version + 1 where agency_id = $1 and user_id = $2
    returning version, roles, team_id),
ended as (
    update session set revoked_us = $4 where agency_id = $1 and user_id = $2 and revoked_us is null),
told as (
    insert into staff_event (agency_id, user_id, version, at_us, kind, roles, team_id)
    select $1, $2, c.version, $4, 'PASSWORD', c.roles, c.team_id from changed c returning 1)
select expect_rows((select count(*) from told), 1) as all_written;
