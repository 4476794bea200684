-- Heads of digest chains and the seals' own chain, to be signed (design: Facts and projections).

-- name: head_due_agencies
-- in:   int8 now_us
-- out:  uuid agency_id
select a as agency_id from digest_head_due_agencies($1) a;

-- name: head_lock
-- in:   uuid agency_id
-- out:  bool locked
-- why:  two servers sign one agency's heads one after the other; the second finds nothing left.
select pg_advisory_xact_lock(hashtextextended('heads ' || $1::text, 0)) is null as locked;

-- name: head_load
-- in:   uuid agency_id, int8 now_us, int4 limit_rows
-- out:  int8 writer_id, int8 n, bytea head, date month_on
-- why:  the chains that moved since their last head, and the month whose close asks for them. None before an hour has
--       passed, but at a close.
select w.writer_id, w.n, w.head, d.month_on
from (select (select max(c.month_on) from month_close c where c.agency_id = $1 and not exists (
                  select from digest_head h where h.agency_id = $1 and h.month_on = c.month_on)) as month_on,
             (select max(h.made_us) from digest_head h where h.agency_id = $1) as made_us) d
join posting_writer w on w.agency_id = $1
where (d.month_on is not null or coalesce(d.made_us, 0) <= $2 - 3600000000::int8)
  and w.n > coalesce((select max(h.n) from digest_head h where h.agency_id = $1 and h.writer_id = w.writer_id), 0)
order by w.writer_id
limit $3;

-- name: head_seals_load
-- in:   uuid agency_id, int8 now_us
-- out:  int8 n, bytea before, text xid_until, bytea content, int8 seals
-- why:  the next head of the seals: every one of a transaction that had ended and is not under the head before it.
select coalesce(p.n, 0) + 1 as n, p.digest as before, u.xid_until::text as xid_until, x.content, x.seals
from (select max(h.made_us) as made_us from digest_head h where h.agency_id = $1) d
cross join (select pg_snapshot_xmin(pg_current_snapshot()) as xid_until) u
left join lateral (
    select h.n, h.digest, h.xid_until from digest_head h where h.agency_id = $1 and h.writer_id = 0 order by h.n desc limit 1) p on true
cross join lateral (
    select count(*) filter (where s.table_name <> 'digest_head') as seals,
           sha256(string_agg(seal_digest(s.xid, s.n, s.table_name, s.digests), '' order by s.xid, s.n)) as content
    from seal s where s.agency_id = $1 and s.xid >= coalesce(p.xid_until, '0'::xid8) and s.xid < u.xid_until) x
where x.seals > 0 and (coalesce(d.made_us, 0) <= $2 - 3600000000::int8 or exists (
    select from month_close c where c.agency_id = $1 and not exists (
        select from digest_head h where h.agency_id = $1 and h.month_on = c.month_on)));

-- name: head_insert
-- in:   uuid agency_id, int8[] writer_id, int8[] n, int8 made_us, date month_on, text[] xid_until, bytea[] digest, bytea[] signed
-- out:  none
insert into digest_head (agency_id, writer_id, n, made_us, month_on, xid_until, digest, signed)
select $1, u.writer_id, u.n, $4, $5, u.xid_until::xid8, u.digest, u.signed
from unnest($2, $3, $6, $7, $8) u (writer_id, n, xid_until, digest, signed);

-- name: verify_heads
-- in:   uuid agency_id, int8 after_made_us, int8 after_writer, int8 after_n, int4 limit_rows
-- out:  int8 writer_id, int8 n, int8 made_us, date month_on, bytea digest, bytea signed, bytea chained, bytea before, bytea content
-- why:  every head, with the digest that the chain has there now; of the seals the head before it, and their content.
select h.writer_id, h.n, h.made_us, h.month_on, h.digest, h.signed, o.digest as chained, p.digest as before, x.content
from (select y.writer_id, y.n, y.made_us, y.month_on, y.digest, y.signed, y.xid_until from digest_head y
      where y.agency_id = $1 and (y.made_us, y.writer_id, y.n) > ($2, $3, $4)
      order by y.made_us, y.writer_id, y.n limit $5) h
left join posting o on o.agency_id = $1 and o.writer_id = h.writer_id and o.writer_n = h.n and h.writer_id > 0
left join lateral (
    select y.digest, y.xid_until from digest_head y
    where y.agency_id = $1 and y.writer_id = 0 and y.n = h.n - 1 and h.writer_id = 0 limit 1) p on true
left join lateral (
    select sha256(string_agg(seal_digest(s.xid, s.n, s.table_name, s.digests), '' order by s.xid, s.n)) as content
    from seal s
    where s.agency_id = $1 and h.writer_id = 0 and s.xid >= coalesce(p.xid_until, '0'::xid8) and s.xid < h.xid_until) x on true
order by h.made_us, h.writer_id, h.n;
