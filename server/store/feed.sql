-- The feed of changes: what committed since a place in it. A row may be read when no transaction that could still commit
-- a smaller place is running: xid < pg_snapshot_xmin(pg_current_snapshot()). So the order of reading is (xid, n), final
-- from the first reading on, and no row is ever overtaken.

-- name: feed_position
-- in:   none
-- out:  int8 system_id, int8 history_id, int8 xid_min, int8 xid_next
-- why:  where "now" is: everything below xid_min is settled, xid_next was not given to anybody yet. A history is a cluster
--       and its timeline: a promoted standby gives out transaction numbers again that the one before it had given to what
--       never arrived, so a place of the old timeline may lie behind changes that nobody has read.
select c.system_identifier as system_id, hashint8extended(c.system_identifier, t.timeline) as history_id,
       pg_snapshot_xmin(s.s)::text::int8 as xid_min, pg_snapshot_xmax(s.s)::text::int8 as xid_next
from pg_control_system() c, pg_current_snapshot() s (s),
     lateral (select case when pg_is_in_recovery() then (select timeline_id from pg_control_checkpoint())
                          else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int4 end::int8) t (timeline);

-- name: feed_list
-- in:   uuid agency_id, int8 xid, int8 n, int4 max
-- out:  int8 xid, int8 n, int2 kind, uuid account_id, uuid object_id, uuid collector_id, int8 at_us
-- why:  the next settled changes of an agency behind a place.
select c.xid::text::int8 as xid, c.n, c.kind, c.account_id, c.object_id, c.collector_id, c.at_us
from change c
where c.agency_id = $1 and (c.xid, c.n) > ($2::text::xid8, $3) and c.xid < pg_snapshot_xmin(pg_current_snapshot())
order by c.xid, c.n
limit $4;

-- name: feed_unsettled
-- in:   uuid agency_id, int8 xid, int8 n
-- out:  bool some
-- why:  something is committed already but not settled: look again soon, nobody will call.
select exists (
    select from change c
    where c.agency_id = $1 and (c.xid, c.n) > ($2::text::xid8, $3)
      and c.xid >= pg_snapshot_xmin(pg_current_snapshot())) as some;

-- name: feed_listen
-- in:   none
-- out:  none
-- why:  other servers of this database tell which agencies have news.
listen tagih_change;

-- name: feed_notify
-- in:   uuid[] agency_id
-- out:  bool told
-- why:  never inside a write transaction, where it would serialise commits.
select pg_notify('tagih_change', a::text) is null as told from unnest($1) a;

-- name: feed_agencies
-- in:   int8 xid
-- out:  uuid agency_id
-- why:  whose changes may have settled since the last look, whatever was heard.
select a as agency_id from feed_agencies($1::text::xid8) a;
