-- SPDX-License-Identifier: Apache-2.0
-- The reference for CheckIn: one call as one transaction of plain statements on single rows, as a good engineer
-- writes it: four reads in three statements, three writes, nothing asked twice. The server's own decisions cost nothing
-- here; their results are constants of the sizes that ours has. Ids and times as in data.sql; :base_us is the start of
-- the run, so that keys grow with time as those of UUIDv7 do. Variant (b) puts everything below the \set lines
-- between \startpipeline and \endpipeline.
\set n :n + 1
\set at :base_us + :n * 100 + :client_id
\set visit 100000000000 + random(0, :visits - 1)
\set collector 100000000000 + (:visit - 100000000000) / 20
begin;
select set_config('app.agency_id', '01000000-0000-7000-8000-100000000000', true);
select s.state, s.roles, s.team_id, d.state as device_state, d.user_id
from device_state d
join staff_state s on s.agency_id = d.agency_id and s.user_id = d.user_id
where d.agency_id = '01000000-0000-7000-8000-100000000000'
  and d.device_id = ('04000000000070008000' || :collector)::uuid
for no key update of d;
select state, presence, collector_id, lease_until_us from visit_state
where agency_id = '01000000-0000-7000-8000-100000000000' and visit_id = ('07000000000070008000' || :visit)::uuid
for no key update;
select v.account_id, v.lat_e7, v.lon_e7, v.address_quality, v.radius_mm, known.collector_id as known_collector,
       known.digest as known_digest, p.check_in_id as previous_id, p.value_us as previous_value_us,
       p.fix_us as previous_fix_us, p.lat_e7 as previous_lat_e7, p.lon_e7 as previous_lon_e7,
       p.accuracy_mm as previous_accuracy_mm, n.check_in_id as next_id
from visit v
left join check_in known on known.agency_id = v.agency_id and known.check_in_id = ('01f0000000007000' || :at)::uuid
left join lateral (
    select c.check_in_id, c.value_us, c.fix_us, c.lat_e7, c.lon_e7, c.accuracy_mm
    from check_in c
    where c.agency_id = '01000000-0000-7000-8000-100000000000'
      and c.collector_id = ('03000000000070008000' || :collector)::uuid and c.has_fix and c.value_us < :at
    order by c.value_us desc, c.check_in_id desc limit 1) p on true
left join lateral (
    select c.check_in_id
    from check_in c
    where c.agency_id = '01000000-0000-7000-8000-100000000000'
      and c.collector_id = ('03000000000070008000' || :collector)::uuid and c.has_fix and c.value_us > :at
    order by c.value_us, c.check_in_id limit 1) n on true
where v.agency_id = '01000000-0000-7000-8000-100000000000' and v.visit_id = ('07000000000070008000' || :visit)::uuid;
insert into check_in (agency_id, check_in_id, visit_id, account_id, collector_id, device_id, received_us, device_us,
    value_us, mono_us, boot_id, has_fix, lat_e7, lon_e7, accuracy_mm, fix_us, mock, distance_mm, sigma_mm, p_ppm,
    radius_mm, verdict, reasons, score, score_class, weight_set, signals, flags, digest)
values ('01000000-0000-7000-8000-100000000000', ('01f0000000007000' || :at)::uuid,
    ('07000000000070008000' || :visit)::uuid, ('06000000000070008000' || :visit)::uuid,
    ('03000000000070008000' || :collector)::uuid, ('04000000000070008000' || :collector)::uuid, :at, :at, :at, :at,
    '\xb8040000000000000000000000000001', true, -61933587, 1068012755, 8751, :at, false, 3191, 11559, 1000000, 150000,
    1, 0, 0, 1, 1, '\x010100', 0, '\xcdfa2e3f26de24e0097118a01a91e5de90a77f39f59da7cf6bffd52dcd529d17');
insert into check_in_fix (agency_id, received_us, first_id, fixes)
values ('01000000-0000-7000-8000-100000000000', :at, ('01f0000000007000' || :at)::uuid,
    '\x01f00000000070001764236000000000fc4ef5ab3fa893a800002df1000660e5d5a8a0860200000000000000000001f00000000070001764236000000000fc4ef65e3fa892f900002ba7000660e5d5b7e2c60200000000000000000001f00000000070001764236000000000fc4ef7ed3fa894d30000222f000660e5d5c7250602000000000000000000');
update visit_state set state = 2, presence = 1
where agency_id = '01000000-0000-7000-8000-100000000000' and visit_id = ('07000000000070008000' || :visit)::uuid;
insert into change (agency_id, kind, account_id, object_id, at_us)
values ('01000000-0000-7000-8000-100000000000', 20, ('06000000000070008000' || :visit)::uuid,
    ('01f0000000007000' || :at)::uuid, :at);
commit;
