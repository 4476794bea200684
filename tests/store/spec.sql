-- SPDX-License-Identifier: Apache-2.0
-- Statements of the store's own specs.

-- name: echo_arrays
-- in:   uuid[] u, int8[] b, int4[] i, int2[] s, bool[] t, float8[] f, date[] d,
--       text[] x, bytea[] y, bytea[] h, bytea[] k
-- out:  uuid u, int8 b, int4 i, int2 s, bool t, float8 f, date d, text x, bytea y, bytea h, bytea k
-- why:  every array type there and back, in order.
select q.u, q.b, q.i, q.s, q.t, q.f, q.d, q.x, q.y, q.h, q.k
from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) with ordinality q (u, b, i, s, t, f, d, x, y, h, k, n)
order by q.n;

-- name: echo_scalars
-- in:   uuid u, int8 b, int4 i, int2 s, bool t, float8 f, date d, text x, bytea y, int8 missing
-- out:  uuid u, int8 b, int4 i, int2 s, bool t, float8 f, date d, text x, bytea y, int8 missing, text as_text
-- why:  every type that is no array; the text form shows that the bytes mean the same to both sides.
select $1 as u, $2 as b, $3 as i, $4 as s, $5 as t, $6 as f, $7 as d, $8 as x, $9 as y, $10 as missing,
       concat_ws(' ', $1, $2, $3, $4, $5, $6, $7, $8, encode($9, 'hex')) as as_text;

-- name: balance_lock
-- in:   int8[] id
-- out:  int8 id
-- why:  LOCK.
select id from balance where id = any($1) order by id for update;

-- name: balance_load
-- in:   int8[] id
-- out:  int8 id, int8 amount, int8 added
-- why:  LOAD, in a statement of its own: a new snapshot.
select b.id, b.amount, coalesce((select sum(p.amount) from part p where p.id = b.id), 0)::int8 as added
from balance b where b.id = any($1) order by b.id;

-- name: balance_lock_and_load
-- in:   int8[] id
-- out:  int8 id, int8 amount, int8 added
-- why:  the trap itself, for the spec that shows it.
select b.id, b.amount, coalesce((select sum(p.amount) from part p where p.id = b.id), 0)::int8 as added
from balance b where b.id = any($1) order by b.id for update of b;

-- name: balance_add
-- in:   int8[] id, int8[] amount
-- out:  none
-- why:  SAVE: rows that are not there are silently not written.
update balance b set amount = b.amount + q.amount from unnest($1, $2) q (id, amount) where b.id = q.id;

-- name: part_insert
-- in:   int8[] id, int8[] amount
-- out:  none
-- why:  SAVE of facts.
insert into part (id, amount) select q.id, q.amount from unnest($1, $2) q (id, amount);

-- name: item_insert
-- in:   int8[] id, text[] note
-- out:  none
-- why:  a unique key, a check and a trigger can each break it.
insert into item (id, note) select q.id, q.note from unnest($1, $2) q (id, note) order by q.id;

-- name: item_insert_once
-- in:   int8[] id, text[] note
-- out:  none
-- why:  the id decides whether this was stored by a run whose outcome nobody learned.
insert into item (id, note) select q.id, q.note from unnest($1, $2) q (id, note) order by q.id on conflict (id) do nothing;

-- name: item_count
-- in:   none
-- out:  int8 n
-- why:  a read.
select count(*) as n from item;

-- name: agency_seen
-- in:   none
-- out:  text agency, text timeout, text read_only
-- why:  what the transaction was told.
select current_setting('app.agency_id', true) as agency, current_setting('statement_timeout') as timeout,
       current_setting('transaction_read_only') as read_only;

-- name: nap
-- in:   float8 seconds
-- out:  bool slept
-- why:  to run into limits.
select pg_sleep($1) is null as slept;

-- name: backend_kill
-- in:   none
-- out:  bool killed
-- why:  a connection that ends itself, between any two statements.
select pg_terminate_backend(pg_backend_pid()) as killed;

-- name: raise
-- in:   text sqlstate
-- out:  bool raised
-- why:  any SQLSTATE on demand.
select raise_it($1) as raised;

-- name: blob
-- in:   bytea[] y
-- out:  bytea y
-- why:  more bytes in both directions than any buffer holds.
select q.y from unnest($1) q (y);

-- name: claim_insert
-- in:   uuid agency_id, uuid claim_id, uuid posting_id, bool kept, int2 kind, int4 pieces, int8 amount_minor, date made_on, text said, bytea proof, uuid actor_id
-- out:  none
-- why:  a fact of one row, without any array.
insert into claim (agency_id, claim_id, posting_id, kept, kind, pieces, amount_minor, made_on, said, proof, actor_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: claim_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid claim_id, uuid posting_id, bool kept, int2 kind, int4 pieces, int8 amount_minor, date made_on, text said, bytea proof, uuid actor_id
select claim_id, posting_id, kept, kind, pieces, amount_minor, made_on, said, proof, actor_id
from claim where agency_id = $1 and posting_id = any($2) order by posting_id, claim_id;

-- name: coin_insert
-- in:   uuid agency_id, uuid posting_id, int8[] value_minor, int4[] pieces
-- out:  none
-- why:  facts of several rows that share a scalar.
insert into coin (agency_id, posting_id, value_minor, pieces) select $1, $2, q.value_minor, q.pieces from unnest($3, $4) q (value_minor, pieces);

-- name: coin_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid posting_id, int8 value_minor, int4 pieces
select posting_id, value_minor, pieces from coin where agency_id = $1 and posting_id = any($2) order by posting_id, value_minor;
