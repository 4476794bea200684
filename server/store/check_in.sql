-- Check-ins, set by set (R-CHK-*).

-- name: device_lock
-- in:   uuid agency_id, uuid[] device_id
-- out:  uuid device_id
-- why:  first in the lock order: entries and check-ins of a phone go one after the other, and so do those of all phones
--       of one collector, whose track is one (R-CHK-3).
select device_id from device_state
where agency_id = $1 and user_id = any(array(
    select user_id from device_state where agency_id = $1 and device_id = any($2)))
order by device_id for no key update;

-- name: visit_lock
-- in:   uuid agency_id, uuid[] visit_id
-- out:  uuid visit_id
select visit_id from visit_state where agency_id = $1 and visit_id = any($2) order by visit_id for no key update;

-- name: check_in_load
-- in:   uuid agency_id, uuid[] check_in_id, uuid[] visit_id, uuid[] collector_id, int8[] value_us
-- out:  uuid account_id, int4 lat_e7, int4 lon_e7, int2 address_quality, int4 radius_mm, int2 state, int2 presence, bool holds, bool held, int8 lease_until_us, uuid known_collector, bytea known_digest, uuid previous_id, int8 previous_value_us, int8 previous_fix_us, int4 previous_lat_e7, int4 previous_lon_e7, int8 previous_accuracy_mm, uuid next_id
-- why:  for each check-in its visit, itself if it is known already, and its neighbours in the collector's track (R-CHK-3).
select v.account_id, v.lat_e7, v.lon_e7, v.address_quality, v.radius_mm, s.state, s.presence,
       s.collector_id = q.collector_id as holds,
       s.collector_id <> q.collector_id and exists (
           select from visit_event e
           where e.agency_id = $1 and e.visit_id = q.visit_id and e.collector_id = q.collector_id) as held,
       s.lease_until_us, known.collector_id as known_collector, known.digest as known_digest,
       p.check_in_id as previous_id, p.value_us as previous_value_us, p.fix_us as previous_fix_us,
       p.lat_e7 as previous_lat_e7, p.lon_e7 as previous_lon_e7, p.accuracy_mm as previous_accuracy_mm,
       n.check_in_id as next_id
from unnest($2, $3, $4, $5) with ordinality q (check_in_id, visit_id, collector_id, value_us, i)
left join visit v on v.agency_id = $1 and v.visit_id = q.visit_id
left join visit_state s on s.agency_id = $1 and s.visit_id = q.visit_id
left join check_in known on known.agency_id = $1 and known.check_in_id = q.check_in_id
left join lateral (
    select c.check_in_id, c.value_us, c.fix_us, c.lat_e7, c.lon_e7, c.accuracy_mm
    from check_in c
    where c.agency_id = $1 and c.collector_id = q.collector_id and c.has_fix
      and (c.value_us, c.check_in_id) < (q.value_us, q.check_in_id)
    order by c.value_us desc, c.check_in_id desc limit 1) p on true
left join lateral (
    select c.check_in_id
    from check_in c
    where c.agency_id = $1 and c.collector_id = q.collector_id and c.has_fix
      and (c.value_us, c.check_in_id) > (q.value_us, q.check_in_id)
    order by c.value_us, c.check_in_id limit 1) n on true
order by q.i;

-- name: check_in_get
-- in:   uuid agency_id, uuid[] check_in_id
-- out:  uuid check_in_id, uuid visit_id, uuid collector_id, int8 value_us, int8 device_us, bool has_fix, int8 fix_us, int4 lat_e7, int4 lon_e7, int8 accuracy_mm, bool mock, int8 distance_mm, int4 p_ppm, int4 radius_mm, int2 verdict, int4 reasons, int2 score, int2 score_class, bytea signals, int8 flags, int4 assessments
-- why:  with the newest assessment in the place of the first; assessments counts those that came later.
select c.check_in_id, c.visit_id, c.collector_id, c.value_us, c.device_us, c.has_fix, c.fix_us, c.lat_e7, c.lon_e7,
       c.accuracy_mm, c.mock, c.distance_mm, c.p_ppm, c.radius_mm, c.verdict, c.reasons,
       coalesce(a.score, c.score) as score, coalesce(a.score_class, c.score_class) as score_class,
       coalesce(a.signals, c.signals) as signals, c.flags, coalesce(a.n, 0) as assessments
from unnest($2) with ordinality q (check_in_id, i)
join check_in c on c.agency_id = $1 and c.check_in_id = q.check_in_id
left join lateral (
    select n, score, score_class, signals from check_in_assessment x
    where x.agency_id = $1 and x.check_in_id = q.check_in_id order by n desc limit 1) a on true
order by q.i;

-- name: check_in_insert
-- in:   uuid agency_id, uuid[] check_in_id, uuid[] visit_id, uuid[] account_id, uuid[] collector_id, uuid[] device_id, int8[] received_us, int8[] device_us, int8[] value_us, int8[] mono_us, bytea[] boot_id, bool[] has_fix, int4[] lat_e7, int4[] lon_e7, int8[] accuracy_mm, int8[] fix_us, bool[] mock, int8[] distance_mm, int8[] sigma_mm, int4[] p_ppm, int4[] radius_mm, int2[] verdict, int4[] reasons, int2[] score, int2[] score_class, int2[] weight_set, bytea[] signals, int8[] flags, bytea[] digest
-- out:  none
insert into check_in (agency_id, check_in_id, visit_id, account_id, collector_id, device_id, received_us, device_us,
    value_us, mono_us, boot_id, has_fix, lat_e7, lon_e7, accuracy_mm, fix_us, mock, distance_mm, sigma_mm, p_ppm,
    radius_mm, verdict, reasons, score, score_class, weight_set, signals, flags, digest)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
    $22, $23, $24, $25, $26, $27, $28, $29) u;

-- name: check_in_fix_insert
-- in:   uuid agency_id, int8 received_us, uuid first_id, bytea fixes
-- out:  none
-- why:  one row for all check-ins that came together.
insert into check_in_fix (agency_id, received_us, first_id, fixes) values ($1, $2, $3, $4);

-- name: check_in_assess
-- in:   uuid agency_id, uuid[] check_in_id, int4[] n, int8 at_us, int2[] score, int2[] score_class, int2[] weight_set, bytea[] signals, uuid[] cause_id
-- out:  none
insert into check_in_assessment (agency_id, check_in_id, n, at_us, score, score_class, weight_set, signals, cause_id)
select $1, u.check_in_id, u.n, $4, u.score, u.score_class, u.weight_set, u.signals, u.cause_id
from unnest($2, $3, $5, $6, $7, $8, $9) u (check_in_id, n, score, score_class, weight_set, signals, cause_id);

-- name: visit_arrive
-- in:   uuid agency_id, uuid[] visit_id, int2[] state, int2[] presence
-- out:  bool all_written
-- why:  each visit once (the caller folds); fewer rows than asked abort the transaction, inside the same round trip.
with written as (
    update visit_state s set state = q.state, presence = q.presence
    from unnest($2, $3, $4) q (visit_id, state, presence)
    where s.agency_id = $1 and s.visit_id = q.visit_id
    returning 1)
select expect_rows((select count(*) from written), cardinality($2)) as all_written;

-- name: change_insert
-- in:   uuid agency_id, int2[] kind, uuid[] account_id, uuid[] object_id, uuid[] collector_id, int8 at_us
-- out:  none
insert into change (agency_id, kind, account_id, object_id, collector_id, at_us)
select $1, u.kind, u.account_id, u.object_id, u.collector_id, $6
from unnest($2, $3, $4, $5) u (kind, account_id, object_id, collector_id);
