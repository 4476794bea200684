-- Entries that wait for a person (R-JRN-6): listed, decided; gaps that are accepted.

-- name: entry_list
-- in:   uuid agency_id, int2 fate, int8 after_us, bytea after_hash, int4 limit_rows
-- out:  bytea entry_hash, uuid entry_id, uuid device_id, int4 epoch, int8 seq, int2 kind, int2 fate, int8 flags, int8 received_us, int8 value_us, bytea body, uuid collector_id, bool owns_id, bool has_money, int2 money_account, uuid money_owner
-- why:  of what once waited, that whose newest fate is the one asked for.
select k.entry_hash, k.entry_id, k.device_id, k.epoch, k.seq, k.kind, k.fate, k.flags, k.received_us, b.value_us, b.body,
       d.user_id as collector_id, k.owns_id, l.ledger_account is not null as has_money, l.ledger_account as money_account,
       l.owner_id as money_owner
from (select x.entry_hash, x.entry_id, x.device_id, x.epoch, x.seq, x.kind, x.owns_id, x.received_us, n.fate, n.flags
      from journal_key x
      cross join lateral (
          select coalesce(e.fate, x.fate) as fate, coalesce(e.flags, x.flags) as flags
          from (select 1) one
          left join lateral (
              select y.fate, y.flags from entry_event y where y.agency_id = $1 and y.entry_hash = x.entry_hash
              order by y.n desc limit 1) e on true
          offset 0) n
      where x.agency_id = $1 and x.fate in (3, 4) and (x.received_us, x.entry_hash) > ($3, $4) and n.fate = $2
      order by x.received_us, x.entry_hash limit $5) k
cross join lateral (
    select x.value_us, x.body from journal_body x
    where x.agency_id = $1 and x.entry_hash = k.entry_hash and x.received_us = k.received_us offset 0) b
join device_state d on d.agency_id = $1 and d.device_id = k.device_id
cross join lateral (
    select case when k.owns_id then k.entry_id else encode(substring(k.entry_hash for 16), 'hex')::uuid end as id offset 0) p
left join lateral (
    select x.ledger_account, x.owner_id from ledger_line x
    where x.agency_id = $1 and x.posting_id = p.id and x.amount_minor > 0
      and exists (select from ledger_line q where q.agency_id = $1 and q.posting_id = p.id and q.ledger_account = 19)
    offset 0) l on true
order by k.received_us, k.entry_hash;

-- name: entry_get
-- in:   uuid agency_id, bytea entry_hash
-- out:  bytea entry_hash, uuid entry_id, uuid device_id, int4 epoch, int8 seq, int2 kind, int2 fate, int8 flags, int8 received_us, int8 value_us, bytea body, uuid collector_id, bool owns_id, bool has_money, int2 money_account, uuid money_owner
-- why:  one of them, whatever its fate. money: what its posting into quarantine debited.
select k.entry_hash, k.entry_id, k.device_id, k.epoch, k.seq, k.kind, coalesce(e.fate, k.fate) as fate,
       coalesce(e.flags, k.flags) as flags, k.received_us, b.value_us, b.body, d.user_id as collector_id, k.owns_id,
       l.ledger_account is not null as has_money, l.ledger_account as money_account, l.owner_id as money_owner
from journal_key k
cross join lateral (
    select x.value_us, x.body from journal_body x
    where x.agency_id = $1 and x.entry_hash = k.entry_hash and x.received_us = k.received_us offset 0) b
join device_state d on d.agency_id = $1 and d.device_id = k.device_id
cross join lateral (
    select case when k.owns_id then k.entry_id else encode(substring(k.entry_hash for 16), 'hex')::uuid end as id offset 0) p
left join lateral (
    select y.fate, y.flags from entry_event y where y.agency_id = $1 and y.entry_hash = $2 order by y.n desc limit 1) e on true
left join lateral (
    select x.ledger_account, x.owner_id from ledger_line x
    where x.agency_id = $1 and x.posting_id = p.id and x.amount_minor > 0
      and exists (select from ledger_line q where q.agency_id = $1 and q.posting_id = p.id and q.ledger_account = 19)
    offset 0) l on true
where k.agency_id = $1 and k.entry_hash = $2;

-- name: entry_device_lock
-- in:   uuid agency_id, bytea entry_hash, uuid referent_id
-- out:  uuid device_id
-- why:  first in the lock order: the phones of an entry, of the receipt that it voids, and of what waits with it for the
--       same: the other half of its handover.
select d.device_id from device_state d
where d.agency_id = $1 and d.device_id = any(array(
    select k.device_id from journal_key k where k.agency_id = $1 and k.entry_hash = $2
    union all select r.device_id from receipt r where r.agency_id = $1 and r.entry_id = $3
    union all select k.device_id from entry_waiting w join journal_key k on k.agency_id = $1 and k.entry_hash = w.entry_hash
    where w.agency_id = $1 and w.referent_id = $3 and not w.done))
order by d.device_id for no key update;

-- name: entry_fate_of
-- in:   uuid agency_id, uuid entry_id
-- out:  int2 fate
-- why:  the newest fate of the entry that owns an id.
select coalesce((select e.fate from entry_event e where e.agency_id = $1 and e.entry_hash = k.entry_hash order by e.n desc limit 1), k.fate) as fate
from journal_key k where k.agency_id = $1 and k.entry_id = $2 and k.owns_id;

-- name: entry_decision_insert
-- in:   uuid agency_id, bytea[] entry_hash, uuid[] posting_id, uuid[] proposal_id, int2[] action, uuid[] account_id, int2[] fate, int8[] flags, int8[] at_us
-- out:  none
insert into entry_decision (agency_id, entry_hash, posting_id, proposal_id, action, account_id, fate, flags, at_us)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9) u;

-- name: entry_decision_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  bytea entry_hash, uuid posting_id, uuid proposal_id, int2 action, uuid account_id, int2 fate, int8 flags, int8 at_us
-- why:  as entry_decision_insert wrote them; one a posting.
select d.entry_hash, d.posting_id, d.proposal_id, d.action, d.account_id, d.fate, d.flags, d.at_us
from entry_decision d where d.agency_id = $1 and d.posting_id = any($2)
order by d.posting_id;

-- name: entry_decided
-- in:   uuid agency_id, bytea entry_hash, int2 fate, int8 flags, int8 at_us, uuid actor_id, text reason
-- out:  bool done
-- why:  the entry's next fate; a void that waited for its receipt waits no more.
with event as (
    insert into entry_event (agency_id, entry_hash, n, at_us, fate, flags, actor_id, reason)
    select $1, $2, (select coalesce(max(e.n), 0) + 1 from entry_event e where e.agency_id = $1 and e.entry_hash = $2), $5, $3,
           $4, $6, $7
    returning 1),
waited as (
    update entry_waiting set done = true where agency_id = $1 and entry_hash = $2 and not done returning 1)
select expect_rows((select count(*) from event), 1) and (select count(*) from waited) >= 0 as done;

-- name: gap_device_lock
-- in:   uuid agency_id, uuid device_id
-- out:  uuid user_id
-- why:  a chain changes under its phone's lock.
select user_id from device_state where agency_id = $1 and device_id = $2 for no key update;

-- name: gap_load
-- in:   uuid agency_id, uuid device_id, int4 epoch, int8 first_seq, int8 last_seq
-- out:  int8 contiguous_seq, bytea head_hash, bytea gaps_accepted, bool some_are_here, bool next_is_here
-- why:  is it a gap?
select e.contiguous_seq, e.head_hash, e.gaps_accepted,
       exists (select from journal_key k where k.agency_id = $1 and k.device_id = $2 and k.epoch = $3 and k.owns_seq
               and k.seq >= $4 and k.seq <= $5) as some_are_here,
       exists (select from journal_key k where k.agency_id = $1 and k.device_id = $2 and k.epoch = $3 and k.owns_seq
               and k.seq = $5 + 1) as next_is_here
from device_epoch e where e.agency_id = $1 and e.device_id = $2 and e.epoch = $3;

-- name: gap_links
-- in:   uuid agency_id, uuid device_id, int4 epoch, int8 above_seq
-- out:  int8 seq, bytea entry_hash, bytea prev_hash
-- why:  what is known of the chain behind its contiguous part.
select k.seq, k.entry_hash, k.prev_hash
from journal_key k
where k.agency_id = $1 and k.device_id = $2 and k.epoch = $3 and k.owns_seq and k.seq > $4
order by k.seq;

-- name: gap_accepted_insert
-- in:   uuid agency_id, uuid[] device_id, int4[] epoch, int8[] first_seq, int8[] last_seq, uuid[] posting_id, int8[] at_us, uuid[] actor_id, text[] reason
-- out:  none
insert into gap_accepted (agency_id, device_id, epoch, first_seq, last_seq, posting_id, at_us, actor_id, reason)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9) u;

-- name: gap_accepted_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid device_id, int4 epoch, int8 first_seq, int8 last_seq, uuid posting_id, int8 at_us, uuid actor_id, text reason
-- why:  as gap_accepted_insert wrote them; one a posting.
select g.device_id, g.epoch, g.first_seq, g.last_seq, g.posting_id, g.at_us, g.actor_id, g.reason
from gap_accepted g where g.agency_id = $1 and g.posting_id = any($2)
order by g.posting_id;

-- name: gap_save
-- in:   uuid agency_id, uuid device_id, int4 epoch, int8 contiguous_seq, bytea head_hash, bytea gaps_accepted
-- out:  bool done
-- why:  the chain goes on behind the gap. What its totals said before says nothing about what comes (R-REC-3).
with chain as (
    update device_epoch set contiguous_seq = $4, head_hash = $5, gaps_accepted = $6
    where agency_id = $1 and device_id = $2 and epoch = $3 returning 1),
totals as (
    update device_total set seq = -1 where agency_id = $1 and device_id = $2 and epoch = $3 returning 1)
select expect_rows((select count(*) from chain), 1) and (select count(*) from totals) >= 0 as done;
