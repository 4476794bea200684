-- Refresh tokens, by their SHA-256. A family is one login and everything that was traded for it.

-- name: session_by_hash
-- in:   bytea token_hash
-- out:  uuid agency_id, uuid family_id
-- why:  without agency: the token is the only thing the caller has.
select agency_id, family_id from session_by_hash($1);

-- name: session_lock
-- in:   uuid family_id
-- out:  bool locked
-- why:  a family's tokens are traded one after the other; a row lock on one token would not stop its successor.
select pg_advisory_xact_lock(hashtextextended('session' || $1::text, 0)) is null as locked;

-- name: session_load
-- in:   uuid agency_id, bytea token_hash
-- out:  uuid user_id, int8 expires_us, bool replaced, bool revoked, bytea successor_hash, bool successor_used, bool family_live, int2 staff_state
select s.user_id, s.expires_us, s.replaced_us is not null as replaced, s.revoked_us is not null as revoked,
       s.successor_hash, n.replaced_us is not null or n.revoked_us is not null as successor_used,
       exists (select from session f where f.agency_id = $1 and f.family_id = s.family_id and f.revoked_us is null) as family_live,
       t.state as staff_state
from session s
left join session n on n.agency_id = $1 and n.token_hash = s.successor_hash
left join staff_state t on t.agency_id = $1 and t.user_id = s.user_id
where s.agency_id = $1 and s.token_hash = $2;

-- name: session_insert
-- in:   uuid agency_id, bytea token_hash, uuid family_id, uuid user_id, int8 issued_us, int8 expires_us
-- out:  none
insert into session (agency_id, token_hash, family_id, user_id, issued_us, expires_us) values ($1, $2, $3, $4, $5, $6);

-- name: session_replace
-- in:   uuid agency_id, bytea token_hash, bytea successor_hash, int8 at_us
-- out:  bool all_written
-- why:  a successor that was given before and lost on the way dies here.
with old as (select successor_hash from session where agency_id = $1 and token_hash = $2),
cut as (
    update session s set revoked_us = $4 from old
    where s.agency_id = $1 and s.token_hash = old.successor_hash and s.revoked_us is null),
written as (
    update session set replaced_us = coalesce(replaced_us, $4), successor_hash = $3
    where agency_id = $1 and token_hash = $2 returning 1)
select expect_rows((select count(*) from written), 1) as all_written;

-- name: session_end
-- in:   uuid agency_id, uuid family_id, int8 at_us
-- out:  none
update session set revoked_us = $3 where agency_id = $1 and family_id = $2 and revoked_us is null;
