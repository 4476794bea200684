-- Phones: codes, enrolment, confirmation, and what a phone proves when it calls (R-JRN-1).
-- States: 1 PENDING, 2 ACTIVE, 3 SUSPENDED, 4 REVOKED.

-- name: enrol_code_put
-- in:   uuid agency_id, bytea code_hash, uuid user_id, uuid made_by, int8 made_us, int8 expires_us
-- out:  int8 expires_us
-- why:  the same code again (a repeated call) keeps its first end.
insert into enrol_code as c (agency_id, code_hash, user_id, made_by, made_us, expires_us) values ($1, $2, $3, $4, $5, $6)
on conflict (code_hash) do update set made_us = c.made_us
returning expires_us;

-- name: enrol_user
-- in:   uuid agency_id, uuid user_id
-- out:  int2 state
select state from staff_state where agency_id = $1 and user_id = $2;

-- name: enrol_code_by_hash
-- in:   bytea code_hash
-- out:  uuid agency_id
-- why:  without agency: a new phone has the code alone.
select agency_id from enrol_code_by_hash($1);

-- name: enrol_lock
-- in:   bytea public_key
-- out:  bool locked
-- why:  two phones with one key, in any two agencies, come one after the other.
select pg_advisory_xact_lock(hashtextextended('device key' || encode($1, 'hex'), 0)) is null as locked;

-- name: enrol_load
-- in:   uuid agency_id, bytea code_hash, bytea public_key
-- out:  uuid user_id, int8 expires_us, bool used, uuid device_id, bool same_key, bool key_seen, int2 staff_state
select c.user_id, c.expires_us, c.used_us is not null as used, c.device_id, p.public_key = $3 as same_key,
       device_key_seen($3) as key_seen, t.state as staff_state
from enrol_code c
left join device_pending p on p.agency_id = $1 and p.device_id = c.device_id
left join staff_state t on t.agency_id = $1 and t.user_id = c.user_id
where c.agency_id = $1 and c.code_hash = $2
for no key update of c;

-- name: enrol_save
-- in:   uuid agency_id, bytea code_hash, uuid device_id, uuid user_id, bytea public_key, text model, int8 at_us
-- out:  bool all_written
with pending as (
    insert into device_pending (agency_id, device_id, user_id, public_key, model, asked_us) values ($1, $3, $4, $5, $6, $7)),
state as (
    insert into device_state (agency_id, device_id, user_id, state) values ($1, $3, $4, 1)),
told as (
    insert into device_event (agency_id, device_id, version, at_us, kind, actor_id) values ($1, $3, 1, $7, 'ENROLLED', $4)),
written as (
    update enrol_code set used_us = $7, device_id = $3 where agency_id = $1 and code_hash = $2 returning 1)
select expect_rows((select count(*) from written), 1) as all_written;

-- name: device_load
-- in:   uuid agency_id, uuid device_id
-- out:  uuid user_id, int2 state, bytea public_key
-- why:  after device_lock: what a decision about a phone looks at.
select d.user_id, d.state, p.public_key
from device_state d
left join device_pending p on p.agency_id = $1 and p.device_id = d.device_id
where d.agency_id = $1 and d.device_id = $2;

-- name: device_confirm
-- in:   uuid agency_id, uuid device_id, int4 epoch, uuid user_id, bytea public_key, bytea certificate, bytea certificate_hash, uuid actor_id, int8 at_us
-- out:  bool all_written
with key as (
    insert into device_key (agency_id, device_id, epoch, user_id, public_key, valid_from_us, certificate, certificate_hash)
    values ($1, $2, $3, $4, $5, $9, $6, $7)),
epoch as (
    insert into device_epoch (agency_id, device_id, epoch, head_hash) values ($1, $2, $3, $7)),
asked as (
    update device_pending set decided_us = $9 where agency_id = $1 and device_id = $2),
written as (
    update device_state set state = 2, epoch = $3, version = version + 1 where agency_id = $1 and device_id = $2
    returning version),
told as (
    insert into device_event (agency_id, device_id, version, at_us, kind, actor_id)
    select $1, $2, w.version, $9, 'CONFIRMED', $8 from written w returning 1)
select expect_rows((select count(*) from told), 1) as all_written;

-- name: device_keys_lock
-- in:   bytea[] public_key
-- out:  bool locked
-- why:  as enrol_lock, in one order.
select pg_advisory_xact_lock(hashtextextended('device key' || encode(q.public_key, 'hex'), 0)) is null as locked
from (select k as public_key from unnest($1) k order by k) q;

-- name: device_keys_seen
-- in:   bytea[] public_key
-- out:  bool seen
select device_key_seen(q.public_key) as seen from unnest($1) with ordinality q (public_key, i) order by q.i;

-- name: device_rotate
-- in:   uuid agency_id, uuid device_id, int4 epoch, uuid user_id, bytea public_key, bytea certificate, bytea certificate_hash, uuid actor_id, int8 closed_seq, int8 at_us
-- out:  bool all_written
-- why:  the old key signed a new one: its epoch ends at closed_seq, the next begins with the new certificate.
with key as (
    insert into device_key (agency_id, device_id, epoch, user_id, public_key, valid_from_us, certificate, certificate_hash)
    values ($1, $2, $3, $4, $5, $10, $6, $7)),
epoch as (
    insert into device_epoch (agency_id, device_id, epoch, head_hash) values ($1, $2, $3, $7)),
closed as (
    update device_epoch set closed_seq = $9
    where agency_id = $1 and device_id = $2 and epoch = $3 - 1 and closed_seq is null returning 1),
written as (
    update device_state set epoch = $3, version = version + 1 where agency_id = $1 and device_id = $2 and epoch = $3 - 1
    returning version),
told as (
    insert into device_event (agency_id, device_id, version, at_us, kind, actor_id)
    select $1, $2, w.version, $10, 'ROTATED', $8 from written w, closed returning 1)
select expect_rows((select count(*) from told), 1) as all_written;

-- name: device_end
-- in:   uuid agency_id, uuid device_id, text kind, uuid actor_id, text reason, int8 at_us
-- out:  bool all_written
-- why:  kind: REFUSED or REVOKED.
with asked as (
    update device_pending set decided_us = $6 where agency_id = $1 and device_id = $2 and decided_us is null),
written as (
    update device_state set state = 4, revoked_us = $6, version = version + 1 where agency_id = $1 and device_id = $2
    returning version),
told as (
    insert into device_event (agency_id, device_id, version, at_us, kind, actor_id, reason)
    select $1, $2, w.version, $6, $3, $4, $5 from written w returning 1)
select expect_rows((select count(*) from told), 1) as all_written;

-- name: device_by_id
-- in:   uuid device_id
-- out:  uuid agency_id
-- why:  without agency: a phone that signs a nonce has no token.
select agency_id from device_by_id($1);

-- name: device_proof_load
-- in:   uuid agency_id, uuid device_id
-- out:  uuid user_id, int2 state, int4 epoch, bytea public_key, bytea certificate, int2 staff_state
select d.user_id, d.state, d.epoch, coalesce(k.public_key, p.public_key) as public_key, k.certificate,
       t.state as staff_state
from device_state d
left join device_key k on k.agency_id = $1 and k.device_id = d.device_id and k.epoch = d.epoch
left join device_pending p on p.agency_id = $1 and p.device_id = d.device_id
left join staff_state t on t.agency_id = $1 and t.user_id = d.user_id
where d.agency_id = $1 and d.device_id = $2;

-- name: device_seen
-- in:   uuid agency_id, uuid device_id, int8 at_us
-- out:  bool all_written
with written as (
    update device_state set last_seen_us = greatest(last_seen_us, $3) where agency_id = $1 and device_id = $2 returning 1)
select expect_rows((select count(*) from written), 1) as all_written;

-- name: device_list
-- in:   uuid agency_id, uuid before_id, int4 page_size
-- out:  uuid device_id, uuid user_id, int2 state, int4 epoch, text model, bytea public_key
-- why:  ids rise with time, so the newest comes first.
select d.device_id, d.user_id, d.state, d.epoch, coalesce(p.model, '') as model, coalesce(k.public_key, p.public_key) as public_key
from device_state d
left join device_key k on k.agency_id = $1 and k.device_id = d.device_id and k.epoch = d.epoch
left join device_pending p on p.agency_id = $1 and p.device_id = d.device_id
where d.agency_id = $1 and ($2::uuid is null or d.device_id < $2)
order by d.device_id desc limit $3;
