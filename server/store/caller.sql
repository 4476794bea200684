-- Who calls, as of this transaction: state, roles, team and device are never cached (design: Trust).

-- name: caller_load
-- in:   uuid agency_id, uuid[] user_id, uuid[] device_id
-- out:  int2 staff_state, int4 roles, uuid team_id, int2 device_state, uuid device_user
-- why:  one row per caller, in the order asked; what does not exist comes as null.
select s.state as staff_state, s.roles, s.team_id, d.state as device_state, d.user_id as device_user
from unnest($2, $3) with ordinality q (user_id, device_id, i)
left join staff_state s on s.agency_id = $1 and s.user_id = q.user_id
left join device_state d on d.agency_id = $1 and d.device_id = q.device_id
order by q.i;

-- name: request_lock
-- in:   uuid agency_id, uuid caller_id, text method, uuid request_id
-- out:  bool locked
-- why:  two calls with one request id go one after the other.
select pg_advisory_xact_lock(hashtextextended($1::text || $2::text || $3 || $4::text, 0)) is null as locked;

-- name: request_find
-- in:   uuid agency_id, uuid caller_id, text method, uuid request_id
-- out:  bytea digest, bytea response
select digest, response from request_key
where agency_id = $1 and caller_id = $2 and method = $3 and request_id = $4;

-- name: request_save
-- in:   uuid agency_id, uuid caller_id, text method, uuid request_id, bytea digest, bytea response, int8 at_us
-- out:  none
insert into request_key (agency_id, caller_id, method, request_id, digest, response, at_us)
values ($1, $2, $3, $4, $5, $6, $7);
